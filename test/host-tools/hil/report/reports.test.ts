import { describe, expect, test } from "vitest";
import { htmlText } from "../../../../host-tools/hil/report/html.ts";
import { junitText } from "../../../../host-tools/hil/report/junit.ts";
import { plotsText } from "../../../../host-tools/hil/report/plot.ts";
import { countsOf, OUTCOME_CLASSES, type TestOutcome } from "../../../../host-tools/hil/run/outcome.ts";
import type { RunReport } from "../../../../host-tools/hil/run/run-hil.ts";
import { outcome } from "../run/outcomes.ts";

/** What a device might say to be read as more than text. */
const HOSTILE = `</pre><script>alert(1)</script><img src=x onerror='x'>"&amp;]]>\u0000\u001b[2J\u202e\ud800\ufffe`;

function report(outcomes: readonly TestOutcome[], name = "lab"): RunReport {
  return {
    ...{ startedUtc: "2026-11-28T00:00:00.000Z", durationMs: 1500, counts: countsOf(outcomes), outcomes },
    benches: [
      {
        name,
        kind: "real",
        file: "/lab/bench.yaml",
        seed: 7,
        counts: countsOf(outcomes),
        warnings: [HOSTILE],
      },
    ],
  };
}

const hostile = OUTCOME_CLASSES.map((one) =>
  outcome({
    ...{
      outcome: one,
      name: HOSTILE,
      reasons: [HOSTILE, "second"],
      repeat: HOSTILE,
      file: `/lab/${HOSTILE}`,
    },
    story: {
      ...{ bench: "lab", kind: "real", seed: 7, evidence: `/results/${HOSTILE}`, trouble: HOSTILE },
      curves: [
        {
          name: HOSTILE,
          unit: HOSTILE,
          points: [
            [0, 1],
            [1, Number.NaN],
            [2, 3],
          ],
        },
      ],
    },
  }),
);

describe("texts of devices", () => {
  test.each([
    ["the page", htmlText(report(hostile))],
    ["JUnit", junitText(report(hostile))],
  ])("are text in %s and nothing else", (_, text) => {
    expect(text).not.toMatch(/<script|<img|onerror='/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e\ud800\ufffe]/);
    expect(text).toContain("&lt;script&gt;");
  });

  test("the page forbids scripts and everything from elsewhere", () => {
    expect(htmlText(report([]))).toContain(
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    );
  });
});

describe("JUnit", () => {
  test("has a case for each test, and its class as build servers understand it", () => {
    const text = junitText(report(OUTCOME_CLASSES.map((one) => outcome({ outcome: one, reasons: ["why"] }))));
    expect(text).toContain('tests="7" failures="2" errors="1" skipped="2"');
    expect(text).toContain('<failure type="failed" message="why">');
    expect(text).toContain('<failure type="timeout" message="why">');
    expect(text).toContain('<error type="infrastructure" message="why">');
    expect(text).toContain('<flakyError type="flaky" message="why">');
    expect(text.match(/<skipped message="why"\/>/g)).toHaveLength(2);
  });

  test("has the bench, the seed, and where the capture is", () => {
    const story = { bench: "lab", kind: "real", seed: 7, evidence: "/r/lab/x", curves: [] } as const;
    const text = junitText(report([outcome({ outcome: "failed", reasons: ["no"], story })]));
    expect(text).toContain('<property name="bench" value="/lab/bench.yaml"/>');
    expect(text).toContain('<property name="seed" value="7"/>');
    expect(text).toContain("[[ATTACHMENT|/r/lab/x/frames.pcapng]]");
  });
});

describe("a plot", () => {
  test("goes from the least to the greatest, in time and value", () => {
    const text = plotsText([
      {
        name: "M1",
        unit: "Wh",
        points: [
          [0, 10],
          [5, 20],
          [10, 15],
        ],
      },
    ]);
    expect(text).toContain('points="1.0,94.0 170.0,22.0 339.0,58.0"');
    expect(text).toContain("M1 (Wh): 10 to 20");
    expect(text).toContain(">10 s</text>");
  });

  test("of one point, of one value, or of none is drawn too", () => {
    for (const points of [
      [],
      [[1, 5]],
      [
        [1, 5],
        [2, 5],
      ],
      [[1, Number.POSITIVE_INFINITY]],
    ] as const)
      expect(plotsText([{ name: "a", unit: "b", points: points as never }])).not.toMatch(/NaN|Infinity/);
  });
});
