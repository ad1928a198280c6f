import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { concat } from "../../../../firmware/protocol/bytes.ts";
import type { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { Capture } from "../../../../host-tools/capture/capture.ts";
import type { Evidence, Rig } from "../../../../host-tools/hil/rig.ts";
import { curvesOf } from "../../../../host-tools/hil/run/curves.ts";
import { keepStory } from "../../../../host-tools/hil/run/keep-story.ts";
import type { RunContext } from "../../../../host-tools/hil/run/run-context.ts";
import { emptyFolder } from "../../../support/command.ts";

const OPENED_UTC_MS = Date.UTC(2026, 10, 28);

let folder: ReturnType<typeof emptyFolder>;
beforeEach(() => {
  folder = emptyFolder();
});
afterEach(() => folder.remove());

/** A question at 1 s that is repeated at 3 s and answered at 3.5 s. */
function capture(): Uint8Array {
  const blocks: Uint8Array[] = [];
  let atMs = 0;
  const clock = { monotonicMs: () => atMs, utcMs: () => OPENED_UTC_MS + atMs };
  const uart = { settings: {}, state: "open", write: () => "queued", close: () => {}, listen: () => {} };
  let hear = (_: Uint8Array): void => {};
  const watched = new Capture({ write: (block) => blocks.push(block.slice()), close: () => {} }).uart(
    {
      ...uart,
      listen: (listener: { bytes(bytes: Uint8Array): void }) => {
        hear = (bytes) => listener.bytes(bytes);
      },
    } as never,
    "line M1",
    clock as unknown as VirtualClock,
  );
  watched.listen({ bytes: () => {} });
  for (const [at, send] of [
    [1000, true],
    [3000, true],
    [3500, false],
    [3750, true],
    [3800, false],
  ] as const) {
    atMs = at;
    if (send) watched.write(new Uint8Array(10));
    else hear(new Uint8Array(5));
  }
  return concat(...blocks);
}

function evidence(): Evidence {
  return {
    seed: 7,
    framesPcapng: capture(),
    console: "boot\n\x1b[2Jgone\n",
    events: [{ meter: "M1", log: "standard", name: "power-down", sequence: 1, utcSeconds: 5, details: [] }],
    points: [
      { meter: "M1", register: "load", atMs: 0, value: 500 },
      { meter: "M1", register: "load", atMs: 1500, value: 700 },
      { meter: "M1", register: "1-0:1.8.0*255", atMs: 1000, value: 10 },
      { meter: "M1", register: "1-0:1.8.0*255", atMs: 2000, value: 12 },
    ],
    versions: { "M1 firmware": "0.1.0" },
  };
}

function rig(told: () => Promise<Evidence> = async () => evidence()): Rig {
  const clock = { monotonicMs: () => 4000, utcMs: () => OPENED_UTC_MS + 4000 };
  return { name: "lab", kind: "emulated", seed: 7, clock, evidence: told } as unknown as Rig;
}

function task(state: "pass" | "fail") {
  return {
    ...{ meta: {}, fullTestName: "group > reads a/../register", annotations: [] },
    result: { state, errors: state === "fail" ? [{ name: "Error", message: "no" }] : [] },
    file: { filepath: join(folder.path, "read.hil.ts") },
  } as unknown as Parameters<typeof keepStory>[0];
}

function context(changed: Partial<RunContext> = {}): RunContext {
  return {
    ...{ benchFile: undefined, seed: 7, resultsFolder: join(folder.path, "results"), keep: "failed" },
    isOwnSuite: false,
    ...changed,
  };
}

describe("the evidence of a test", () => {
  test("is kept of one that failed, in a folder by its name inside of the results' folder", async () => {
    const failed = task("fail");
    await keepStory(failed, rig(), context());
    const kept = failed.meta.meterbench?.evidence ?? "";
    expect(kept).toMatch(/\/results\/lab\/group-reads-a-register-[0-9a-f]{6}$/);
    expect(readdirSync(kept).sort()).toEqual([
      ...["bench.yaml", "console.log", "events.json", "frames.pcapng", "test.json", "versions.json"],
    ]);
    expect(statSync(join(kept, "frames.pcapng")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(kept, "console.log"), "utf8")).toBe("boot\n\\u{1b}[2Jgone\n");
    expect(JSON.parse(readFileSync(join(kept, "versions.json"), "utf8"))).toMatchObject({
      ...{ node: process.versions.node, "M1 firmware": "0.1.0" },
    });
    const told = JSON.parse(readFileSync(join(kept, "test.json"), "utf8"));
    expect(told).toMatchObject({ seed: 7, errors: [{ name: "Error", message: "no" }] });
    expect(told.repeat).toMatch(/--seed 7 --test 'group > reads a\/\.\.\/register'$/);
  });

  test("is kept of one that passed only where all is, and its curves are told in any case", async () => {
    const passed = task("pass");
    await keepStory(passed, rig(), context());
    expect(passed.meta.meterbench).toMatchObject({ bench: "lab", seed: 7, evidence: undefined });
    expect(passed.meta.meterbench?.curves).not.toEqual([]);
    expect(existsSync(join(folder.path, "results"))).toBe(false);
    await keepStory(passed, rig(), context({ keep: "all" }));
    expect(existsSync(passed.meta.meterbench?.evidence ?? "")).toBe(true);
  });

  test("that cannot be had is told, and makes no test fail", async () => {
    const failed = task("fail");
    await keepStory(
      failed,
      rig(() => Promise.reject(new Error("the meter is dead"))),
      context(),
    );
    expect(failed.meta.meterbench).toMatchObject({
      evidence: undefined,
      trouble: "Error: the meter is dead",
    });
  });
});

test("curves are loads, each line's bytes, how long an answer took from the first time it was asked for, and what was read", () => {
  const curve = (name: string, unit: string, ...points: [number, number][]) => ({ name, unit, points });
  const [load, bytes, ...rest] = curvesOf(evidence(), rig());
  expect(load).toEqual(curve("M1 load", "W", [0, 500], [1.5, 500], [1.5, 700], [4, 700]));
  expect(bytes).toEqual(
    curve("line M1: bytes in all", "bytes", [1, 10], [3, 20], [3.5, 25], [3.75, 35], [3.8, 40]),
  );
  expect(rest).toEqual([
    curve("line M1: time to an answer", "ms", [3.5, 2500], [3.8, 50]),
    curve("M1 1-0:1.8.0*255", "Wh", [1, 10], [2, 12]),
  ]);
});
