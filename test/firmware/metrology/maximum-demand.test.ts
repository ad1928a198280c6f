import { describe, expect, test } from "vitest";
import { TimeZone } from "../../../firmware/calendar/time-zone.ts";
import { EnergyEngine, type EnergyEngineOptions } from "../../../firmware/metrology/energy-engine.ts";
import { demandChannels, MaximumDemand } from "../../../firmware/metrology/maximum-demand.ts";
import { nextMonthSeconds } from "../../../firmware/metrology/monthly-reset.ts";

const NOON = Date.UTC(2026, 10, 24, 12) / 1000;
const QUARTER = {
  periodSeconds: 900,
  subPeriods: 1,
  resetAt: (utcSeconds: number) => nextMonthSeconds(TimeZone.utc, utcSeconds),
};

/** A meter that is read each minute; `use` gives it as many minutes of a power. */
function meter(options: Partial<EnergyEngineOptions> = {}, start = NOON) {
  const now = { utcSeconds: start, bootSeconds: 0 };
  const engine = new EnergyEngine({ profiles: [], demand: QUARTER, ...options }, now);
  const use = (minutes: number, watts: number): void => {
    for (let i = 0; i < minutes; i++) {
      now.utcSeconds += 60;
      now.bootSeconds += 60;
      const milliwattHours = Math.ceil((Math.abs(watts) * 1000) / 60);
      engine.book(watts < 0 ? { activeExport: milliwattHours } : { activeImport: milliwattHours }, now);
    }
  };
  const adjust = (utcSeconds: number): void => {
    const fromSeconds = now.utcSeconds;
    now.utcSeconds = utcSeconds;
    engine.clockChanged({ kind: "adjusted", fromSeconds }, now);
  };
  const ask = (...shorts: string[]) =>
    shorts.map((short) => engine.published(short.includes("*") ? `1-0:${short}` : `1-0:${short}*255`));
  return { engine, now, use, adjust, ask };
}

describe("maximum demand", () => {
  test("is the highest mean of a block in whole watts, rounded down, with the end of the first such block", () => {
    const { engine, use, ask } = meter();
    use(15, 600);
    use(5, 3000);
    use(10, 0);
    use(15, 1000);
    expect(ask("1.6.0", "2.6.0")).toEqual([1000, 0]);
    expect(engine.demand?.maxima[0]).toEqual({ watts: 1000, endSeconds: NOON + 1800 });
  });

  test("a watt that is not whole is rounded down", () => {
    const { engine, now, ask } = meter();
    Object.assign(now, { utcSeconds: NOON + 900, bootSeconds: 900 });
    engine.book({ activeImport: 249_999 }, now);
    expect(ask("1.6.0")).toEqual([999]);
  });

  test("a sliding window finds a peak that blocks cut in two", () => {
    const load = ({ use }: ReturnType<typeof meter>): void => {
      use(10, 0);
      use(15, 3000);
      use(20, 0);
    };
    const block = meter();
    const sliding = meter({ demand: { ...QUARTER, subPeriods: 3 } });
    load(block);
    load(sliding);
    expect(block.ask("1.6.0")).toEqual([2000]);
    expect(sliding.ask("1.6.0")).toEqual([3000]);
    expect(sliding.engine.demand?.maxima[0]?.endSeconds).toBe(NOON + 25 * 60);
  });

  test("is kept by direction and by rate: a rate has the energy that was booked on it", () => {
    const rateAt = (utcSeconds = 0): number => (utcSeconds < NOON + 1800 ? 1 : 2);
    const { use, ask } = meter({ tariff: { rates: 2, rateAt } });
    use(30, 1200);
    use(15, 2400);
    use(15, -4800);
    expect(ask("1.6.0", "1.6.1", "1.6.2", "1.6.3")).toEqual([2400, 1200, 2400, "not-in-meter"]);
    expect(ask("2.6.0", "2.6.1", "2.6.2")).toEqual([4800, 0, 4800]);
    expect(ask("1.8.0", "1.8.1", "1.8.2", "2.8.2")).toEqual([1200, 600, 600, 1200]);
  });

  test("nothing is known before the first whole block; a meter without demand has no such register", () => {
    const { use, ask } = meter({}, NOON + 60);
    use(28, 5000);
    expect(ask("1.6.0", "0.1.0", "1.2.0")).toEqual(["unavailable", 0, 0]);
    expect(ask("1.6.0*101", "1.2.0*101", "3.6.0")).toEqual(["not-in-meter", "not-in-meter", "not-in-meter"]);
    use(1, 5000);
    expect(ask("1.6.0")).toEqual([5000]);
    expect(meter({ demand: undefined }).ask("1.6.0", "0.1.0")).toEqual(["not-in-meter", "not-in-meter"]);
  });

  test("a block with a clock set, a stall or no valid clock does not count", () => {
    const { engine, now, use, adjust, ask } = meter();
    use(15, 100);
    use(5, 9000);
    adjust(NOON + 1500);
    use(5, 9000);
    now.utcSeconds += 1800;
    engine.book({ activeImport: 9_000_000 }, now);
    use(15, 200);
    engine.book({ activeImport: 9_000_000 }, { ...now, utcSeconds: undefined } as never);
    expect(ask("1.6.0")).toEqual([200]);
  });

  test("an outage within a window makes it begin anew", () => {
    const demand = { ...QUARTER, subPeriods: 3 };
    const { engine, use, now } = meter({ demand });
    use(12, 6000);
    const saved = { state: engine.state(), rows: [] };
    const after = { utcSeconds: now.utcSeconds + 60, bootSeconds: 0 };
    const restored = new EnergyEngine({ profiles: [], demand }, after, saved);
    for (let i = 1; i <= 16; i++) {
      const time = { utcSeconds: after.utcSeconds + 60 * i, bootSeconds: 60 * i };
      restored.book({ activeImport: 50_000 }, time);
      expect(restored.published("1-0:1.6.0*255")).toBe("unavailable");
    }
    restored.book({ activeImport: 50_000 }, { utcSeconds: NOON + 1800, bootSeconds: 1020 });
    expect(restored.published("1-0:1.6.0*255")).toBe(3000);
  });
});

describe("the end of a billing period", () => {
  const NEW_YEAR = Date.UTC(2027, 0, 1) / 1000;

  test("is midnight of the month in UTC: the block before it is of the old month", () => {
    const { engine, use, ask } = meter({}, NEW_YEAR - 1800);
    use(15, 500);
    use(15, 800);
    expect(ask("1.6.0", "1.6.0*101", "1.6.0*102", "0.1.0", "1.2.0")).toEqual([
      "unavailable",
      800,
      "not-in-meter",
      1,
      800,
    ]);
    expect(engine.demand?.history[0]).toEqual({
      resetSeconds: NEW_YEAR,
      maxima: [
        { watts: 800, endSeconds: NEW_YEAR },
        { watts: 0, endSeconds: NEW_YEAR - 900 },
      ],
    });
    use(15, 300);
    expect(ask("1.6.0")).toEqual([300]);
  });

  test("a sliding window does not reach over it", () => {
    const { use, ask } = meter({ demand: { ...QUARTER, subPeriods: 3 } }, NEW_YEAR - 1800);
    use(30, 900);
    use(10, 60);
    expect(ask("1.6.0")).toEqual(["unavailable"]);
    use(5, 60);
    expect(ask("1.6.0")).toEqual([60]);
  });

  test("twelve are kept, all are summed up", () => {
    const hour = (utcSeconds: number): number => 3600 * (Math.floor(utcSeconds / 3600) + 1);
    const { engine, use, ask } = meter({ demand: { ...QUARTER, resetAt: hour } });
    for (let i = 1; i <= 14; i++) use(60, 60 * i);
    expect(ask("0.1.0", "1.2.0", "1.6.0*101", "1.6.0*112", "1.6.0*113")).toEqual([
      14,
      6300,
      840,
      180,
      "not-in-meter",
    ]);
    expect(engine.demand?.history).toHaveLength(12);
  });

  test("a clock set back over it does not end the same month again; a month passed over ends late, once", () => {
    const { use, adjust, ask } = meter({}, NEW_YEAR - 900);
    use(20, 600);
    adjust(NEW_YEAR - 600);
    use(20, 600);
    expect(ask("0.1.0")).toEqual([1]);
    adjust(Date.UTC(2031, 5, 5) / 1000);
    expect(ask("0.1.0")).toEqual([2]);
    adjust(Date.UTC(2027, 1, 28, 23) / 1000);
    use(61, 600);
    expect(ask("0.1.0")).toEqual([3]);
  });

  test("that passed during an outage is made up for at the start", () => {
    const { engine, use } = meter({}, NEW_YEAR - 1800);
    use(20, 700);
    const time = { utcSeconds: NEW_YEAR + 3600, bootSeconds: 0 };
    const saved = { state: engine.state(), rows: [] };
    const restored = new EnergyEngine({ profiles: [], demand: QUARTER }, time, saved);
    expect(restored.published("1-0:1.6.0*101")).toBe(700);
    expect(restored.demand?.history[0]?.resetSeconds).toBe(NEW_YEAR);
  });

  test("the next month is the calendar's, for four centuries", () => {
    for (let month = 0; month < 4800; month++) {
      const [start, end] = [Date.UTC(2000, month) / 1000, Date.UTC(2000, month + 1) / 1000];
      const next = [start, end - 1].map((seconds) => nextMonthSeconds(TimeZone.utc, seconds));
      expect(next).toEqual([end, end]);
    }
  });

  test("a billing period ends at midnight of the meter's place, in summer time too", () => {
    const berlin = TimeZone.parse("CET-1CEST,M3.5.0,M10.5.0/3") as TimeZone;
    const ends = ["2026-03-31T22:00:00Z", "2026-10-31T23:00:00Z"].map((text) => Date.parse(text) / 1000);
    for (const end of ends) {
      expect(nextMonthSeconds(berlin, end - 86_400)).toBe(end);
      expect(nextMonthSeconds(berlin, end - 1)).toBe(end);
      expect(nextMonthSeconds(berlin, end)).toBeGreaterThan(end + 27 * 86_400);
    }
  });
});

test("a demand that is none, or another's state, is a bug of the caller", () => {
  const make = (periodSeconds: number, subPeriods: number) => () => {
    const time = { utcSeconds: NOON, bootSeconds: 0 };
    return new MaximumDemand(
      { ...QUARTER, periodSeconds, subPeriods },
      1,
      time,
      demandChannels(0).map(() => 0),
    );
  };
  expect(make(240, 1)).toThrow("240 s");
  expect(make(900, 16)).toThrow("sub-periods");
  expect(make(900, 7)).toThrow("whole seconds");
  const { engine } = meter();
  const tariff = { rates: 1, rateAt: () => 1 };
  const saved = { state: engine.state(), rows: [] };
  const time = { utcSeconds: NOON, bootSeconds: 0 };
  expect(() => new EnergyEngine({ profiles: [], demand: QUARTER, tariff }, time, saved)).toThrow(
    "another tariff",
  );
});
