import { describe, expect, test } from "vitest";
import { TimeZone } from "../../../firmware/calendar/time-zone.ts";
import { EnergyEngine, type SavedEngine } from "../../../firmware/metrology/energy-engine.ts";
import { MONTH_ENDS_MAX, type MonthEndRecord } from "../../../firmware/metrology/month-ends.ts";
import { monthEndSeconds, nextMonthSeconds } from "../../../firmware/metrology/monthly-reset.ts";
import { decodeCbor, encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { INTERVAL_FLAG } from "../../../firmware/protocol/readings/interval.ts";

const HOUR = 3600;
const NOVEMBER = Date.UTC(2026, 10, 1) / 1000;
const DECEMBER = Date.UTC(2026, 11, 1) / 1000;
const OPTIONS = {
  profiles: [],
  tariff: { rates: 2, rateAt: (utcSeconds = 0) => (utcSeconds < NOVEMBER - HOUR ? 1 : 2) },
  demand: {
    ...{ periodSeconds: 900, subPeriods: 1 },
    resetAt: (utcSeconds: number) => nextMonthSeconds(TimeZone.utc, utcSeconds),
  },
  clockStatus: () => 2,
};

/** A meter that starts two hours before November, and what it tells its storage. */
function meter(saved?: SavedEngine, start = NOVEMBER - 2 * HOUR) {
  const now = { utcSeconds: start, bootSeconds: 0 };
  const told: MonthEndRecord[] = [...(saved?.monthEnds ?? [])];
  const options = { ...OPTIONS, onMonthEnd: (record: MonthEndRecord) => void told.push(record) };
  const engine = new EnergyEngine(options, now, saved);
  return {
    engine,
    told,
    pass(seconds: number, wattHours: number) {
      now.utcSeconds += seconds;
      now.bootSeconds += seconds;
      engine.book({ activeImport: 1000 * wattHours }, now);
    },
    adjust(utcSeconds: number) {
      const fromSeconds = now.utcSeconds;
      now.utcSeconds = utcSeconds;
      engine.clockChanged({ kind: "adjusted", fromSeconds }, now);
    },
    past: (...codes: string[]) => codes.map((code) => engine.published(`1-0:${code}`)),
    saved: (): SavedEngine => ({ state: engine.state(), rows: [], monthEnds: told }),
  };
}

describe("the registers at the end of a month", () => {
  test("are those of the reading on it, in total and by rate, under *101 and on", () => {
    const { pass, past, engine, told } = meter();
    pass(HOUR, 100);
    pass(HOUR, 10);
    pass(1, 1);
    expect(past("1.8.0*101", "1.8.1*101", "1.8.2*101", "2.8.0*101")).toEqual([110, 100, 10, 0]);
    expect(past("1.8.0*255", "1.8.0*102", "5.8.0*101", "1.7.0*101")).toEqual([
      ...[111, "not-in-meter", "not-in-meter", "not-in-meter"],
    ]);
    expect(engine.monthEnds.at(0)).toMatchObject({
      ...{ endSeconds: NOVEMBER, beforeSeconds: NOVEMBER - HOUR, afterSeconds: NOVEMBER },
      ...{ flags: 0, clockStatus: 2 },
    });
    expect(told).toHaveLength(1);
    pass(DECEMBER - NOVEMBER, 1000);
    expect(past("1.8.0*101", "1.8.0*102")).toEqual([1111, 110]);
  });

  test("say by which readings they are known where none came on time", () => {
    const { pass, engine } = meter();
    pass(HOUR, 100);
    pass(4 * HOUR, 300);
    expect(engine.monthEnds.at(0)).toMatchObject({
      ...{ beforeSeconds: NOVEMBER - HOUR, afterSeconds: NOVEMBER + 3 * HOUR, flags: 0 },
    });
  });

  test("after an outage over several of them are one entry, which says so and holds for each", () => {
    const before = meter();
    before.pass(HOUR, 100);
    const { engine, past } = meter(before.saved(), DECEMBER + HOUR);
    expect(past("1.8.0*101", "1.8.0*102")).toEqual([100, "not-in-meter"]);
    expect([NOVEMBER, DECEMBER].map((end) => engine.monthEnds.placeOf(end))).toEqual([0, 0]);
    expect(engine.monthEnds.at(0)?.flags).toBe(INTERVAL_FLAG.powerDown);
    expect(engine.monthEnds.placeOf(DECEMBER + 31 * 24 * HOUR)).toBeUndefined();
  });

  test("say that the clock was set over it, and are not taken twice when it is set back", () => {
    const { engine, adjust, pass, told } = meter();
    pass(HOUR, 100);
    adjust(NOVEMBER + HOUR);
    expect(engine.monthEnds.at(0)?.flags).toBe(INTERVAL_FLAG.clockAdjusted);
    adjust(NOVEMBER - HOUR);
    pass(2 * HOUR, 100);
    expect(told).toHaveLength(1);
  });

  test("of a year and a month are kept, through a storage too, and the oldest goes first", () => {
    const { pass, saved } = meter();
    for (let month = 0; month < 15; month++) pass(31 * 24 * HOUR, 1000);
    const stored = decodeCbor(encodeCbor(saved().monthEnds?.slice(-MONTH_ENDS_MAX) ?? []));
    const again = meter(
      { ...saved(), monthEnds: stored as unknown as MonthEndRecord[] },
      NOVEMBER - 2 * HOUR + 15 * 31 * 24 * HOUR,
    );
    const places = Array.from({ length: MONTH_ENDS_MAX + 1 }, (_, place) => `1.8.0*${101 + place}`);
    const values = again.past(...places);
    expect(values[0]).toBe(15_000);
    expect(values[MONTH_ENDS_MAX - 1]).toBe(3000);
    expect(values[MONTH_ENDS_MAX]).toBe("not-in-meter");
  });

  test("go by the calendar of the meter's place", () => {
    const zone = TimeZone.parse("CET-1CEST,M3.5.0,M10.5.0/3");
    if ("error" in zone) throw new Error(zone.error);
    expect(monthEndSeconds(zone, { year: 2026, month: 6 })).toBe(Date.UTC(2026, 5, 30, 22) / 1000);
    expect(monthEndSeconds(zone, { year: 2026, month: 12 })).toBe(Date.UTC(2026, 11, 31, 23) / 1000);
  });
});
