// `hil run` has to be able to fail: each kind of trouble is its own class and exit code.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { emptyFolder, meterbench } from "../../support/command.ts";

interface Told {
  readonly counts: Record<string, number>;
  readonly tests: readonly {
    name: string;
    bench: string;
    class: string;
    reasons: string[];
    attempts: number;
  }[];
}

const MUTANTS = join(process.cwd(), "test/host-tools/hil/mutants");
/** Each is a second or two of a machine that has nothing else to do. */
const LATE_MS = 110_000;

let folder: ReturnType<typeof emptyFolder>;
beforeEach(() => {
  folder = emptyFolder();
});
afterEach(() => folder.remove());

async function hilRun(args: readonly string[]): Promise<Told & { code: number | null; stderr: string }> {
  const options = { cwd: folder.path, withinMs: LATE_MS };
  const { code, stdout, stderr } = await meterbench(["hil", "run", ...args, "--json"], options);
  const { tests = [], ...counts } = stdout === "" ? {} : JSON.parse(stdout);
  return { code, stderr, counts, tests };
}

function mutant(name: string): string {
  return join(MUTANTS, `${name}.hil.ts`);
}

function bench(name: string, text: string): string {
  const path = join(folder.path, `${name}.yaml`);
  writeFileSync(path, `name: ${name}\n${text}`);
  return path;
}

describe("hil run", { timeout: LATE_MS }, () => {
  test("tells a wrong test, a bench that is gone, a test out of time and a skipped one apart, and exits 1", async () => {
    const { code, counts, tests } = await hilRun([mutant("classes"), "--junit", "j.xml", "--html", "r.html"]);
    expect(code).toBe(1);
    expect(Object.fromEntries(tests.map((one) => [one.name, one.class]))).toEqual({
      "is right": "passed",
      "is wrong": "failed",
      "finds its bench gone": "infrastructure",
      "is wrong at a bench that is gone as well": "failed",
      "never ends": "timeout",
      "skips itself": "skipped",
      "passes at its second try": "flaky",
    });
    expect(counts).toMatchObject({
      passed: 1,
      failed: 2,
      infrastructure: 1,
      timeout: 1,
      skipped: 1,
      flaky: 1,
    });
    expect(tests.find(({ name }) => name === "skips itself")?.reasons).toEqual(["there is nothing to see"]);
    const [run = ""] = readdirSync(join(folder.path, "hil-results"));
    const kept = readdirSync(join(folder.path, "hil-results", run, "emulated"));
    expect(kept.map((name) => name.replace(/-[0-9a-f]{6}$/, ""))).toContain("is-wrong");
    expect(kept.some((name) => name.startsWith("is-right"))).toBe(false);
    const evidence = join(
      folder.path,
      "hil-results",
      run,
      "emulated",
      kept.find((name) => /^is-wrong-[0-9a-f]{6}$/.test(name)) ?? "",
    );
    expect(readFileSync(join(evidence, "frames.pcapng")).length).toBeGreaterThan(500);
    expect(readFileSync(join(folder.path, "j.xml"), "utf8")).toContain('failures="3" errors="1" skipped="1"');
    expect(readFileSync(join(folder.path, "r.html"), "utf8")).toContain("<polyline");
  });

  test("tries again what the bench spoilt, once; what passes then is flaky, and what does not exits 5", async () => {
    const { code, counts, tests } = await hilRun([mutant("bench-gone")]);
    expect(code).toBe(5);
    expect(counts).toMatchObject({ infrastructure: 1, flaky: 1, failed: 0, passed: 0 });
    expect(tests.map(({ attempts }) => attempts)).toEqual([2, 2]);
    const again = await hilRun([mutant("classes"), "--test", "bench gone"]);
    expect(again).toMatchObject({ code: 5, counts: { infrastructure: 1, failed: 0 } });
  });

  test("is not green where a worker ends in the middle, or a file cannot be loaded, has no test, or fails around them", async () => {
    const crash = await hilRun([mutant("crash")]);
    expect(crash.code).toBe(1);
    expect(crash.counts["passed"]).toBe(0);
    writeFileSync(join(folder.path, "broken.hil.ts"), 'import "./missing.ts";');
    writeFileSync(join(folder.path, "torn.hil.ts"), 'test("');
    const torn = await hilRun(["torn.hil.ts"]);
    expect(torn.tests[0]?.reasons[0]).toContain("Unterminated string");
    expect(torn.tests[0]?.reasons[0]).not.toContain("\u001b");
    const broken = await hilRun(["broken.hil.ts", mutant("empty"), mutant("around")]);
    expect(broken.code).toBe(1);
    expect(broken.tests.find(({ name }) => name.endsWith("is not run"))?.reasons).toEqual([
      "The set-up of its group or file failed.",
    ]);
    const reasons = broken.tests.filter((one) => one.class === "failed").flatMap((one) => one.reasons);
    expect(reasons.sort()).toEqual([
      expect.stringContaining("missing.ts"),
      'It came while "leaves something that fails later" ran, from it or from a test before.',
      expect.stringMatching(/^No test was found in it/),
      "later",
      "no set-up",
    ]);
  });

  test("closes the bench, and keeps evidence, where a fixture of the user's own fails at its end", async () => {
    const { tests } = await hilRun([mutant("fixture-end")]);
    expect(tests).toMatchObject([
      { class: "failed", reasons: ["no end"], evidence: expect.stringContaining("has-a-fixture") },
      { class: "passed" },
    ]);
  });

  test("ends a test that never gives its turn back", async () => {
    const { code, tests } = await hilRun([mutant("busy")]);
    expect(code).toBe(1);
    expect(tests.filter((one) => one.class === "timeout").map(({ name }) => name)).toEqual([
      "never gives its turn back",
      "the bench's worker",
    ]);
  });

  test("exits 5 where all was skipped, as nothing was shown, and 2 where no test has the name", async () => {
    expect(await hilRun([mutant("classes"), "--test", "skips itself"])).toMatchObject({
      ...{ code: 5, counts: { skipped: 1, passed: 0 } },
    });
    expect(await hilRun([mutant("classes"), "--test", "nobody's name"])).toMatchObject({
      code: 2,
      stderr: `No test has "nobody's name" in its name: see their names by a run without --test.\n`,
    });
  });

  test("counts no failure in quarantine until its day, and has one for a quarantine that has ended", async () => {
    const entry = (until: string): string =>
      `meters: [{ id: M1 }]\nquarantine: [{ test: is wrong, reason: known, issue: 12, until: ${until} }]\n`;
    const args = [mutant("classes"), "--test", "is wrong", "--bench"];
    const held = await hilRun([...args, bench("held", entry("2999-12-31"))]);
    expect(held.tests.map((one) => [one.name, one.class])).toEqual([
      ["is wrong", "quarantined"],
      ["is wrong at a bench that is gone as well", "failed"],
    ]);
    const ended = await hilRun([...args, bench("ended", entry("2026-01-31"))]);
    expect(ended.code).toBe(1);
    expect(ended.tests.at(-1)?.reasons[0]).toMatch(
      /^It ended on 2026-01-31 \(known, issue 12\): mend the test/,
    );
  });
});

describe("a bench that cannot be", { timeout: LATE_MS }, () => {
  test("is exit 2, with its place and what to do, before anything is run", async () => {
    const faults: [readonly string[], RegExp][] = [
      [
        ["--bench", "none.yaml"],
        /^There is no bench file none\.yaml: write one, or have "meterbench hil init" do it\.\n$/,
      ],
      [
        ["--bench", bench("a", "meters: [{ id: M1, colour: red }]\n")],
        /a\.yaml cannot be used\. At meters\[0\]\.colour \(line 2\): there is no such field\.\n$/,
      ],
      [["--bench", bench("b", "meters: [{ id: M1\n")], /b\.yaml cannot be used\. It is no YAML at line/],
      [
        ["--bench", bench("c", "meters: [{ id: M1 }]\n"), "--bench", "c.yaml"],
        /Two of these benches are named c/,
      ],
      [["--bench", folder.path], /cannot be read \(EISDIR\)/],
      [["none.hil.ts"], /^There is no none\.hil\.ts: name files of tests, or folders of them\.\n$/],
      [["--junit", "no/such/j.xml"], /j\.xml cannot be written \(ENOENT\)/],
      [["--seed", "x"], /whole number/],
      [["--keep", "some"], /It is failed or all/],
    ];
    for (const [args, sentence] of faults) {
      const { code, stderr } = await hilRun(args);
      expect([code, stderr]).toEqual([2, expect.stringMatching(sentence)]);
    }
    expect(existsSync(join(folder.path, "hil-results"))).toBe(false);
  });

  test("fails its own tests, as infrastructure, while another goes on; the meter there is a program that is killed", async () => {
    const main = join(process.cwd(), "dist/host-tools/cli/main.js");
    const serve = [
      "node",
      main,
      "serve",
      "--id",
      "M1",
      "--at",
      "pty:./meter1",
      "--load",
      "watts:2000",
      "--state",
      "state",
      "--json",
    ];
    const lab = bench(
      "lab",
      `headEnd: { home: .meterbench }
meters: [{ id: M1, line: "pty:./meter1", power: { driver: process, start: ${JSON.stringify(serve)}, offSeconds: 0 } }]\n`,
    );
    const unplugged = bench(
      "unplugged",
      `headEnd: { home: .meterbench }\nmeters: [{ id: M9, line: "serial:/dev/serial/by-id/usb-nobody?baud=9600" }]\n`,
    );
    const { code, tests } = await hilRun([
      ...["--bench", lab, "--bench", unplugged, "--test", "what was read before a cut"],
      ...["--keep", "all"],
    ]);
    expect(tests.map((one) => [one.bench, one.class])).toEqual([
      ["lab", "passed"],
      ["unplugged", "skipped"],
    ]);
    expect(code).toBe(0);
    const proof = await hilRun(["--bench", lab, "--bench", unplugged, "--test", "proves nothing"]);
    expect(proof.tests.map((one) => [one.bench, one.class, one.attempts])).toEqual([
      ["lab", "passed", 1],
      ["unplugged", "infrastructure", 2],
    ]);
    expect(proof.code).toBe(5);
  });
});

describe("hil init", () => {
  test("leaves a file alone that is there, and writes one that hil run takes", async () => {
    writeFileSync(join(folder.path, "mine.yaml"), "mine");
    const args = ["hil", "init", "--out", "mine.yaml"];
    const { code, stderr } = await meterbench(args, { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^(mine\.yaml is there already: name another by --out|No serial port is plugged in)/,
    );
    expect(readFileSync(join(folder.path, "mine.yaml"), "utf8")).toBe("mine");
  });
});
