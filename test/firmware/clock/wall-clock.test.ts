import { describe, expect, test } from "vitest";
import { clockMemoryFromCbor, clockMemoryToCbor } from "../../../firmware/clock/clock-memory.ts";
import { CLOCK_STATUS } from "../../../firmware/clock/clock-state.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { ClockBench, DAY_MS, HOUR_MS, MIDNIGHT_MS, MINUTE_MS } from "./bench.ts";

describe("a wall clock", () => {
  test("is synced for 26 hours, holds over on its own, and is doubtful after seven days", () => {
    const bench = new ClockBench();
    bench.setBy(0);
    expect(bench.wall.state).toEqual({ kind: "synced", source: "head-end", ageMs: 0 });
    bench.pass(26 * HOUR_MS + MINUTE_MS);
    const ageMs = 26 * HOUR_MS + MINUTE_MS;
    const holdover = { kind: "holdover", source: "head-end", driftBoundPpm: 20 };
    expect(bench.wall.state).toEqual({ ...holdover, ageMs, trust: "good" });
    bench.pass(7 * DAY_MS - ageMs);
    expect([bench.wall.status, bench.kinds()]).toEqual([0, []]);
    bench.pass(DAY_MS);
    expect(bench.wall.state).toEqual({ ...holdover, ageMs: 8 * DAY_MS, trust: "doubtful" });
    expect([bench.wall.status, bench.kinds()]).toEqual([CLOCK_STATUS.doubtful, ["doubtful"]]);
    bench.setBy(0);
    expect(bench.wall.status).toBe(0);
  });

  test("is doubtful after a start with a battery's time and no sync ever, and says so once", () => {
    const bench = new ClockBench();
    bench.pass(HOUR_MS);
    expect(bench.wall.state).toMatchObject({ kind: "holdover", source: "board", ageMs: undefined });
    expect(bench.told).toEqual([{ kind: "doubtful", ageMs: undefined }]);
  });

  test("carries the age of its sync over a restart", () => {
    const first = new ClockBench();
    first.setBy(0);
    first.pass(HOUR_MS);
    const second = new ClockBench({ boardUtcMs: MIDNIGHT_MS + 3 * HOUR_MS, memory: first.wall.memory() });
    expect(second.wall.state).toMatchObject({ kind: "synced", ageMs: 3 * HOUR_MS });
  });

  test("takes an explicit set once in 24 hours, over restarts too, but as many syncs as come", () => {
    const first = new ClockBench();
    expect(first.setBy(MINUTE_MS).kind).toBe("set");
    first.pass(12 * HOUR_MS);
    expect(first.setBy(MINUTE_MS)).toEqual({ kind: "refused", reason: "too-often" });
    expect(first.setBy(5000).kind).toBe("slewing");
    const second = new ClockBench({ boardUtcMs: first.board.utcMs(), memory: first.wall.memory() });
    second.pass(12 * HOUR_MS - MINUTE_MS);
    expect(second.setBy(MINUTE_MS)).toEqual({ kind: "refused", reason: "too-often" });
    second.pass(2 * MINUTE_MS);
    expect(second.setBy(MINUTE_MS).kind).toBe("set");
  });

  test("sets in commissioning leave the day's set free", () => {
    let phase: "commissioning" | "in-service" = "commissioning";
    const bench = new ClockBench({ phase: () => phase });
    expect([bench.setBy(30 * DAY_MS).kind, bench.setBy(-DAY_MS).kind]).toEqual(["set", "set"]);
    phase = "in-service";
    expect([bench.setBy(HOUR_MS).kind, bench.setBy(HOUR_MS).kind]).toEqual(["set", "refused"]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 2 ** 32 * 1000])(
    "takes %d ms for no time",
    (utcMs) => {
      const bench = new ClockBench({ phase: () => "commissioning" });
      expect(bench.set(utcMs)).toEqual({ kind: "refused", reason: "no-time" });
      expect(bench.wall.propose({ role: "dap", utcMs })).toEqual({ kind: "refused", reason: "no-time" });
      expect(new ClockBench({ boardUtcMs: utcMs }).wall.state.kind).toBe("invalid");
    },
  );

  test("shows daylight saving, and that it cannot while the time is invalid", () => {
    const daylight = (utcMs: number) => (utcMs < MIDNIGHT_MS + HOUR_MS ? "on" : "off");
    const bench = new ClockBench({ daylight, board: "disciplined" });
    expect(bench.wall.status).toBe(CLOCK_STATUS.daylightSaving);
    bench.pass(HOUR_MS);
    expect(bench.wall.status).toBe(0);
    const invalid = new ClockBench({ daylight, boardUtcMs: undefined });
    expect(invalid.wall.status).toBe(CLOCK_STATUS.invalid | CLOCK_STATUS.invalidStatus);
  });

  test("a sync during a slew takes its place, and what is told adds up", () => {
    const bench = new ClockBench();
    bench.setBy(10_000);
    bench.pass(5 * MINUTE_MS);
    expect(bench.wall.pendingMs).toBeCloseTo(5000, 6);
    expect(bench.setBy(-2000).kind).toBe("slewing");
    bench.pass(HOUR_MS);
    const offsetMs = (bench.wall.utcMs() as number) - (bench.board.utcMs() as number);
    const toldMs = bench.told.reduce((sum, event) => sum + (event.kind === "slewed" ? event.byMs : 0), 0);
    expect(offsetMs).toBeCloseTo(3000, 6);
    expect(toldMs).toBeCloseTo(3000, 6);
  });
});

describe("the wait for a multiple of a minute", () => {
  test.each([0, 9000, -9000])("ends on it, also in and after a slew of %d ms", (byMs) => {
    const bench = new ClockBench({ board: "disciplined" });
    bench.board.advanceBy(12_345.6);
    bench.board.setUtcMs((bench.board.utcMs() as number) + byMs);
    bench.wall.tick();
    for (let minute = 1; minute <= 20; minute++) {
      bench.board.advanceBy(bench.wall.untilMultipleMs(MINUTE_MS) as number);
      expect(bench.wall.utcMs()).toBeCloseTo(MIDNIGHT_MS + minute * MINUTE_MS, 2);
    }
  });

  test("is a whole one where a timer came a little early, and none while the clock is invalid", () => {
    const bench = new ClockBench();
    bench.board.advanceBy(MINUTE_MS - 0.4);
    expect(bench.wall.untilMultipleMs(MINUTE_MS)).toBeCloseTo(MINUTE_MS + 0.4, 3);
    expect(new ClockBench({ boardUtcMs: undefined }).wall.untilMultipleMs(MINUTE_MS)).toBeUndefined();
  });
});

describe("a board's own clock", () => {
  test("that somebody sets moves nothing where it only has a battery, and is told", () => {
    const bench = new ClockBench({ memory: { syncUtcMs: MIDNIGHT_MS } });
    bench.board.setUtcMs(MIDNIGHT_MS + 500);
    bench.wall.tick();
    expect(bench.told).toEqual([{ kind: "board-stepped", byMs: 500 }]);
    expect(bench.wall.utcMs()).toBe(MIDNIGHT_MS);
  });

  test("that drifts as fast as a kernel slews is not taken for a step", () => {
    const bench = new ClockBench({ memory: { syncUtcMs: MIDNIGHT_MS } });
    for (let minute = 0; minute < 600; minute++) {
      bench.board.setUtcMs((bench.board.utcMs() as number) + 0.0005 * MINUTE_MS);
      bench.pass(MINUTE_MS);
    }
    expect(bench.told).toEqual([]);
  });

  test("is followed where it is disciplined: slewed up to ten seconds, set beyond", () => {
    const bench = new ClockBench({ board: "disciplined" });
    bench.board.setUtcMs(MIDNIGHT_MS + 9000);
    bench.wall.tick();
    bench.pass(10 * MINUTE_MS);
    expect(bench.wall.utcMs()).toBeCloseTo(bench.board.utcMs() as number, 3);
    bench.board.setUtcMs((bench.board.utcMs() as number) + HOUR_MS);
    bench.wall.tick();
    expect(bench.wall.utcMs()).toBe(bench.board.utcMs());
    expect(bench.kinds()).toEqual(["slewed", "adjusted"]);
  });

  test("that is refused is told once, not at each tick, and the clock goes into holdover", () => {
    const bench = new ClockBench({ board: "disciplined" });
    bench.board.setUtcMs(MIDNIGHT_MS + 5 * HOUR_MS);
    bench.pass(27 * HOUR_MS);
    expect(bench.told).toMatchObject([{ kind: "refused", role: "board", reason: "too-far" }]);
    expect(bench.wall.state.kind).toBe("holdover");
  });

  test("that comes too often waits for its day, and is then taken", () => {
    const bench = new ClockBench({ board: "disciplined" });
    bench.board.setUtcMs(MIDNIGHT_MS + MINUTE_MS);
    bench.pass(HOUR_MS);
    bench.board.setUtcMs((bench.board.utcMs() as number) + MINUTE_MS);
    bench.pass(22 * HOUR_MS);
    expect(bench.kinds()).toEqual(["adjusted", "refused"]);
    bench.pass(2 * HOUR_MS);
    expect(bench.kinds()).toEqual(["adjusted", "refused", "adjusted"]);
    expect(bench.wall.utcMs()).toBe(bench.board.utcMs());
  });

  test("that was refused is followed again once a head-end has brought the meter's time near it", () => {
    const bench = new ClockBench({ board: "disciplined" });
    bench.board.setUtcMs(MIDNIGHT_MS + 5 * HOUR_MS);
    bench.wall.tick();
    expect(bench.setBy(4 * HOUR_MS).kind).toBe("set");
    bench.pass(27 * HOUR_MS);
    expect(bench.wall.utcMs()).toBe(bench.board.utcMs());
  });

  test("with a battery keeps its distance from the meter's time over a restart, slew and all", () => {
    const first = new ClockBench();
    first.setBy(-HOUR_MS);
    first.setBy(5000);
    first.pass(MINUTE_MS);
    const boardUtcMs = (first.board.utcMs() as number) + 2 * HOUR_MS;
    const second = new ClockBench({ boardUtcMs, memory: first.wall.memory() });
    expect(second.wall.utcMs()).toBeCloseTo(boardUtcMs - HOUR_MS + 5000, 3);
    expect(second.wall.state.kind).toBe("synced");
  });

  test("with a battery goes on with a slew back that a restart came into, and time does not go back for it", () => {
    const first = new ClockBench();
    first.pass(MINUTE_MS);
    first.setBy(-9000);
    const memory = first.wall.memory();
    const boardUtcMs = (first.board.utcMs() as number) + 2000;
    const second = new ClockBench({ boardUtcMs, memory });
    expect(second.wall.utcMs()).toBe(memory.lastUtcMs);
    second.pass(10 * MINUTE_MS);
    expect(second.wall.utcMs()).toBeCloseTo(boardUtcMs - 9000 + 10 * MINUTE_MS, 3);
  });

  test("that is followed leaves a head-end's fresh word alone over a restart, and has the say when it is stale", () => {
    for (const byMs of [HOUR_MS, -HOUR_MS, 5000]) {
      const first = new ClockBench({ board: "disciplined" });
      first.setBy(byMs);
      first.pass(20 * MINUTE_MS);
      const restart = (outageMs: number) => {
        const boardUtcMs = (first.board.utcMs() as number) + outageMs;
        return new ClockBench({ board: "disciplined", boardUtcMs, memory: first.wall.memory() });
      };
      const soon = restart(HOUR_MS);
      soon.wall.tick();
      expect((soon.wall.utcMs() as number) - (soon.board.utcMs() as number)).toBeCloseTo(byMs, 3);
      expect(soon.wall.state).toMatchObject({ kind: "synced", source: "head-end" });
      const late = restart(27 * HOUR_MS);
      late.wall.tick();
      expect(late.wall.utcMs()).toBe(late.board.utcMs());
    }
  });

  test("is not followed while a head-end's word is fresh", () => {
    const bench = new ClockBench({ board: "disciplined" });
    bench.setBy(HOUR_MS);
    bench.pass(26 * HOUR_MS);
    expect((bench.wall.utcMs() as number) - (bench.board.utcMs() as number)).toBe(HOUR_MS);
    bench.pass(2 * MINUTE_MS);
    expect(bench.wall.utcMs()).toBe(bench.board.utcMs());
  });
});

describe("drift", () => {
  /** Ten days of daily syncs by a head-end, whose time runs ahead of the meter's crystal by `ppm`. */
  function drifting(ppm: number, options: ConstructorParameters<typeof ClockBench>[0] = {}): ClockBench {
    const bench = new ClockBench(options);
    for (let day = 0; day <= 10; day++) {
      bench.set(MIDNIGHT_MS + day * DAY_MS * (1 + ppm / 1e6));
      bench.pass(DAY_MS);
    }
    return bench;
  }

  test.each([-35, 20, 3])("of %d ppm is estimated from successive syncs", (ppm) => {
    expect(drifting(ppm).wall.driftPpm).toBeCloseTo(ppm, 3);
  });

  test("is corrected where that is wanted, and survives a restart", () => {
    const bench = drifting(40, { driftCorrection: "on" });
    expect(bench.wall.utcMs()).toBeCloseTo(MIDNIGHT_MS + 11 * DAY_MS * (1 + 40e-6), -1);
    const memory = clockMemoryFromCbor(
      decodeCbor(encodeCbor(clockMemoryToCbor(bench.wall.memory()))) as CborValue,
    );
    const boardUtcMs = MIDNIGHT_MS + 12 * DAY_MS;
    const restarted = new ClockBench({ driftCorrection: "on", memory, boardUtcMs });
    const startMs = restarted.wall.utcMs() as number;
    restarted.pass(DAY_MS);
    expect(restarted.wall.utcMs()).toBeCloseTo(startMs + DAY_MS * (1 + 40e-6), 0);
    expect(restarted.wall.state).toMatchObject({ driftBoundPpm: 12 });
  });

  test("that no crystal has is a wrong time, not an estimate", () => {
    expect(drifting(20_000, { phase: () => "commissioning" }).wall.driftPpm).toBeUndefined();
  });
});

describe("the memory of a clock", () => {
  const memory = { lastUtcMs: MIDNIGHT_MS + 1.5, syncUtcMs: MIDNIGHT_MS, driftPpm: -7.7777 };

  test("goes through CBOR, in whole milliseconds and thousandths of a ppm", () => {
    const back = clockMemoryFromCbor(decodeCbor(encodeCbor(clockMemoryToCbor(memory))));
    expect(back).toEqual({ lastUtcMs: MIDNIGHT_MS + 1, syncUtcMs: MIDNIGHT_MS, driftPpm: -7.778 });
  });

  test.each<[string, CborValue]>([
    ["of another version", [1, null, null, null, null, null, null, null]],
    ["that is too short", [2, null, null, null, null, null, null]],
    ["with a text for a time", [2, "now", null, null, null, null, null, null]],
    ["with a time before 1970", [2, -5, null, null, null, null, null, null]],
    ["with an offset of two centuries", [2, null, null, null, null, 7e12, null, null]],
    ["with a drift beyond all crystals", [2, null, null, null, null, null, 2e9, null]],
    ["with a source that there is none of", [2, null, null, null, null, null, null, 2]],
    ["that is no array", 7],
  ])("%s is refused", (_, value) => {
    expect(clockMemoryFromCbor(value)).toBeUndefined();
  });
});
