// The statements on clocks that are the clock's own; those on the profile are tested where it is joined.
import { describe, expect, test } from "vitest";
import { SLEW_MS_PER_MS } from "../../../firmware/clock/timescale.ts";
import { BUILD_MS, ClockBench, DAY_MS, HOUR_MS, MIDNIGHT_MS, MINUTE_MS } from "./bench.ts";

describe("a wall clock", () => {
  test.each([9_999, -9_999, 10_000, -10_000, 400])(
    "2: a sync of %d ms within the limit is slewed inside the interval: no event, and time never goes back",
    (byMs) => {
      const bench = new ClockBench();
      bench.pass(5 * MINUTE_MS);
      expect(bench.setBy(byMs)).toEqual({ kind: "slewing", byMs });
      let lastMs = bench.wall.utcMs() as number;
      for (let second = 0; second < 10 * 60; second++) {
        bench.board.advanceBy(1000);
        const utcMs = bench.wall.utcMs() as number;
        expect(Math.abs(utcMs - lastMs - 1000)).toBeLessThan(1000 * SLEW_MS_PER_MS + 1e-3);
        lastMs = utcMs;
      }
      expect(lastMs).toBeCloseTo(MIDNIGHT_MS + 15 * MINUTE_MS + byMs, 3);
      expect(bench.told.filter(({ kind }) => kind !== "slewed" && kind !== "doubtful")).toEqual([]);
      expect(bench.wall.state).toMatchObject({ kind: "synced", source: "head-end" });
    },
  );

  test.each([10_001, -10_001, 3 * HOUR_MS, -4 * HOUR_MS])(
    "3: a set of %d ms beyond the limit is told with the old time and the new time",
    (byMs) => {
      const bench = new ClockBench();
      bench.pass(5 * MINUTE_MS);
      bench.told.length = 0;
      const oldUtcMs = bench.wall.utcMs() as number;
      expect(bench.setBy(byMs)).toEqual({ kind: "set", byMs });
      const newUtcMs = oldUtcMs + byMs;
      expect(bench.told).toEqual([
        { kind: "adjusted", role: "head-end", oldUtcMs, newUtcMs, oldStatus: 0x02, newStatus: 0 },
      ]);
      expect(bench.wall.utcMs()).toBe(oldUtcMs + byMs);
    },
  );

  test("6: a set onto a boundary of the profile stands exactly on it", () => {
    const bench = new ClockBench();
    bench.pass(5 * MINUTE_MS + 1.25);
    bench.set(MIDNIGHT_MS + 15 * MINUTE_MS);
    expect(bench.wall.utcMs()).toBe(MIDNIGHT_MS + 15 * MINUTE_MS);
  });

  test("10: a boot with the clock invalid has no time, says so once, and has one as soon as it is set", () => {
    const bench = new ClockBench({ boardUtcMs: undefined });
    bench.pass(HOUR_MS);
    expect(bench.wall.utcMs()).toBeUndefined();
    expect(bench.wall.status).toBe(0x01);
    expect(bench.told).toEqual([{ kind: "invalid", reason: "never-set" }]);
    expect(bench.set(MIDNIGHT_MS)).toEqual({ kind: "started" });
    expect(bench.told[1]).toEqual({
      kind: "adjusted",
      role: "head-end",
      oldUtcMs: undefined,
      newUtcMs: MIDNIGHT_MS,
      oldStatus: 0x01,
      newStatus: 0,
    });
    expect([bench.wall.utcMs(), bench.wall.status]).toEqual([MIDNIGHT_MS, 0]);
  });

  test.each(["free-running", "disciplined"] as const)(
    "11: a boot earlier than the last stored time is invalid until synced, with a %s board",
    (board) => {
      const memory = { lastUtcMs: MIDNIGHT_MS + 1 };
      const bench = new ClockBench({ board, memory });
      bench.wall.tick();
      expect(bench.wall.state).toEqual({ kind: "invalid", reason: "before-stored" });
      expect(bench.wall.utcMs()).toBeUndefined();
      expect(bench.wall.memory()).toEqual(memory);
      expect(bench.set(MIDNIGHT_MS + HOUR_MS)).toEqual({ kind: "started" });
      expect(bench.wall.state.kind).toBe("synced");
    },
  );

  test("11: a disciplined board that finds its time later is a sync; one that is still behind is not", () => {
    const bench = new ClockBench({ board: "disciplined", memory: { lastUtcMs: MIDNIGHT_MS + HOUR_MS } });
    bench.pass(MINUTE_MS);
    bench.board.setUtcMs(MIDNIGHT_MS + HOUR_MS - 1000);
    bench.wall.tick();
    expect(bench.wall.state.kind).toBe("invalid");
    bench.board.setUtcMs(MIDNIGHT_MS + 2 * HOUR_MS);
    bench.wall.tick();
    expect(bench.wall.utcMs()).toBe(MIDNIGHT_MS + 2 * HOUR_MS);
    expect(bench.kinds()).toEqual(["invalid", "refused", "refused", "adjusted"]);
  });

  test("11: a disciplined board that starts within the sync limit behind is believed once it has caught up", () => {
    const lastUtcMs = MIDNIGHT_MS + 9000;
    const bench = new ClockBench({ board: "disciplined", memory: { lastUtcMs } });
    for (let second = 0; second < 9; second++) {
      bench.wall.tick();
      expect(bench.wall.utcMs()).toBeUndefined();
      bench.board.advanceBy(1000);
    }
    bench.wall.tick();
    expect(bench.wall.utcMs()).toBe(lastUtcMs);
  });

  test("11: a disciplined board that starts further behind is not believed for passing the stored time", () => {
    const memory = { lastUtcMs: MIDNIGHT_MS + HOUR_MS };
    const bench = new ClockBench({ board: "disciplined", memory });
    bench.pass(3 * HOUR_MS);
    expect(bench.wall.state.kind).toBe("invalid");
    expect(bench.kinds()).toEqual(["invalid", "refused"]);
  });

  test("11: a disciplined board that is corrected by less than the sync limit is believed", () => {
    const bench = new ClockBench({ board: "disciplined", memory: { lastUtcMs: MIDNIGHT_MS + 20_000 } });
    bench.wall.tick();
    bench.board.advanceBy(15_000);
    bench.wall.tick();
    expect(bench.wall.state.kind).toBe("invalid");
    bench.board.setUtcMs(MIDNIGHT_MS + 24_000);
    bench.wall.tick();
    expect(bench.wall.utcMs()).toBe(MIDNIGHT_MS + 24_000);
  });

  test("11: a head-end may set up to four hours before the stored time, and no earlier", () => {
    const memory = { lastUtcMs: MIDNIGHT_MS };
    const bench = new ClockBench({ boardUtcMs: undefined, memory });
    expect(bench.set(MIDNIGHT_MS - 4 * HOUR_MS - 1)).toEqual({ kind: "refused", reason: "before-stored" });
    expect(bench.set(MIDNIGHT_MS - 4 * HOUR_MS)).toEqual({ kind: "started" });
  });

  test.each([
    ["more than four hours forward", 4 * HOUR_MS + 1, "too-far"],
    ["more than four hours back", -4 * HOUR_MS - 1, "too-far"],
    ["before the firmware was built", BUILD_MS - MIDNIGHT_MS - 1, "before-build"],
  ])("13: a set %s is refused and told, unless the meter is in commissioning state", (_, byMs, reason) => {
    const inService = new ClockBench();
    expect(inService.setBy(byMs)).toEqual({ kind: "refused", reason });
    const utcMs = MIDNIGHT_MS + byMs;
    expect(inService.told).toEqual([{ kind: "refused", role: "head-end", reason, utcMs }]);
    expect(inService.wall.utcMs()).toBe(MIDNIGHT_MS);
    const commissioning = new ClockBench({ phase: () => "commissioning" });
    expect(commissioning.setBy(byMs)).toEqual({ kind: "set", byMs });
  });

  test("13: a set before the build date is refused too where the clock is invalid", () => {
    const bench = new ClockBench({ boardUtcMs: undefined });
    expect(bench.set(BUILD_MS - 1)).toEqual({ kind: "refused", reason: "before-build" });
  });

  test("14: a DAP's claim slews by at most two seconds a day, whatever it says and however often", () => {
    const bench = new ClockBench({ memory: { syncUtcMs: MIDNIGHT_MS - 2 * DAY_MS } });
    for (let hour = 0; hour < 72; hour++) {
      bench.wall.propose({ role: "dap", utcMs: MIDNIGHT_MS + 1000 * HOUR_MS });
      bench.pass(HOUR_MS);
    }
    expect((bench.wall.utcMs() as number) - (bench.board.utcMs() as number)).toBeCloseTo(3 * 2000, 3);
    expect(bench.wall.state.kind).toBe("holdover");
  });

  test("14: a DAP cannot start an invalid clock, nor move one that is synced", () => {
    const refused = { kind: "refused", reason: "not-needed" };
    const invalid = new ClockBench({ boardUtcMs: undefined });
    expect(invalid.wall.propose({ role: "dap", utcMs: MIDNIGHT_MS })).toEqual(refused);
    const synced = new ClockBench();
    synced.setBy(0);
    expect(synced.wall.propose({ role: "dap", utcMs: MIDNIGHT_MS + 1000 })).toEqual(refused);
    expect(synced.wall.utcMs()).toBe(MIDNIGHT_MS);
  });

  test("14: a restart does not give a DAP its day's limit anew", () => {
    const first = new ClockBench({ memory: { syncUtcMs: MIDNIGHT_MS - 2 * DAY_MS } });
    expect(first.wall.propose({ role: "dap", utcMs: 2 * MIDNIGHT_MS })).toMatchObject({ byMs: 2000 });
    first.pass(HOUR_MS);
    const second = new ClockBench({ boardUtcMs: MIDNIGHT_MS + 2 * HOUR_MS, memory: first.wall.memory() });
    const claim = { role: "dap", utcMs: 2 * MIDNIGHT_MS } as const;
    expect(second.wall.propose(claim).kind).toBe("refused");
    second.pass(22 * HOUR_MS + MINUTE_MS);
    expect(second.wall.propose(claim)).toMatchObject({ kind: "slewing", byMs: 2000 });
  });

  test("14: a replayed set has no effect, before and after a restart, and does not void a fresh challenge", () => {
    const bench = new ClockBench();
    const message = {
      role: "head-end",
      utcMs: MIDNIGHT_MS + MINUTE_MS,
      challenge: bench.wall.challenge(),
    } as const;
    expect(bench.wall.propose(message).kind).toBe("set");
    expect(bench.wall.propose({ ...message, utcMs: message.utcMs + 1000 }).kind).toBe("refused");
    bench.pass(2 * DAY_MS);
    const utcMs = bench.wall.utcMs();
    const fresh = bench.wall.challenge();
    expect(bench.wall.propose(message)).toEqual({ kind: "refused", reason: "stale" });
    expect(bench.wall.utcMs()).toBe(utcMs);
    expect(bench.wall.propose({ ...message, utcMs: utcMs as number, challenge: fresh }).kind).toBe("slewing");
    const restarted = new ClockBench({ memory: bench.wall.memory(), boardUtcMs: utcMs });
    expect(restarted.wall.propose(message)).toEqual({ kind: "refused", reason: "stale" });
  });

  test("14: a set that somebody held back for longer than its sender waits is refused", () => {
    const bench = new ClockBench();
    const challenge = bench.wall.challenge();
    bench.pass(93_001);
    expect(bench.wall.propose({ role: "head-end", utcMs: MIDNIGHT_MS, challenge })).toEqual({
      kind: "refused",
      reason: "stale",
    });
  });

  test("15: after a stall the time is right at once, however long it was, and nothing is told", () => {
    const bench = new ClockBench({ board: "disciplined" });
    bench.board.advanceBy(9 * DAY_MS + 1234);
    bench.wall.tick();
    expect(bench.wall.utcMs()).toBe(MIDNIGHT_MS + 9 * DAY_MS + 1234);
    expect(bench.told).toEqual([]);
  });

  test.each(["2028-02-29T00:00:00Z", "2038-01-19T03:14:08Z", "2040-01-01T00:00:00Z", "2100-03-01T00:00:00Z"])(
    "15: time runs evenly over %s",
    (instant) => {
      const startMs = Date.parse(instant) - HOUR_MS;
      const bench = new ClockBench({ boardUtcMs: startMs });
      bench.pass(2 * HOUR_MS);
      expect(bench.wall.utcMs()).toBe(startMs + 2 * HOUR_MS);
    },
  );
});
