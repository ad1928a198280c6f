import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { activateDue, Tariff } from "../../../firmware/metrology/tariff.ts";
import { EMPTY_TARIFF_TABLE, type TariffTable } from "../../../firmware/protocol/readings/tariff.ts";
import { integerBelow, SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { HOUSEHOLD, tariffPlans, tariffTables } from "../../support/tariffs.ts";
import { BACK_OVER_MIDNIGHT, hostClock, zoneOf } from "../../support/zones.ts";

const BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3";
const SEED = 2020;
const MINUTE = 60;
const DAY = 86_400;

function utc(text: string): number {
  return Date.parse(text) / 1000;
}

/** Rates at the clock's changes, as `[instant of change, rate from then on]` from the rate at the start. */
function changesOf(tariff: Tariff, zone: string, from: string, to: string): [string, number][] {
  const changes: [string, number][] = [];
  const last = utc(to);
  for (let at = utc(from); at < last; at = tariff.nextSwitchSeconds(at)) {
    changes.push([
      zoneOf(zone).format(at).slice(0, 16) + zoneOf(zone).format(at).slice(19),
      tariff.rateAt(at),
    ]);
  }
  return changes;
}

/** One day profile for all days. */
function everyDay(...switches: [minuteOfDay: number, rate: number][]): TariffTable {
  return {
    seasons: [{ month: 1, day: 1, weekProfile: 0 }],
    weekProfiles: [[0, 0, 0, 0, 0, 0, 0]],
    dayProfiles: [switches.map(([minuteOfDay, rate]) => ({ minuteOfDay, rate }))],
    specialDays: [],
  };
}

describe("a tariff", () => {
  test("without a plan, and with an empty table, has one rate", () => {
    for (const tariff of [
      new Tariff(zoneOf(BERLIN)),
      new Tariff(zoneOf(BERLIN), { active: EMPTY_TARIFF_TABLE }),
    ]) {
      expect([0, utc("2026-07-01T12:00:00Z"), 2 ** 32].map((at) => tariff.rateAt(at))).toEqual([1, 1, 1]);
    }
  });

  test("that is not sound is refused", () => {
    const passive = { table: { ...HOUSEHOLD, seasons: [] }, fromSeconds: 2 ** 31 };
    expect(() => new Tariff(zoneOf(BERLIN), { active: HOUSEHOLD, passive })).toThrow("no season");
  });

  test("takes the day's profile by season and weekday, and special days before both", () => {
    const tariff = new Tariff(zoneOf(BERLIN), { active: HOUSEHOLD });
    // Wednesday; from 1 October, a Thursday, with the evening's rate; Saturday.
    expect(changesOf(tariff, BERLIN, "2026-09-30T10:00:00Z", "2026-10-05T00:00:00Z")).toEqual([
      ["2026-09-30T12:00+02:00", 1],
      ["2026-09-30T22:00+02:00", 2],
      ["2026-10-01T06:00+02:00", 1],
      ["2026-10-01T17:00+02:00", 3],
      ["2026-10-01T20:00+02:00", 1],
      ["2026-10-01T22:00+02:00", 2],
      ["2026-10-02T06:00+02:00", 1],
      ["2026-10-02T17:00+02:00", 3],
      ["2026-10-02T20:00+02:00", 1],
      ["2026-10-02T22:00+02:00", 2],
    ]);
    expect(tariff.rateAt(utc("2026-12-25T12:00:00Z"))).toBe(2);
    expect(tariff.rateAt(utc("2027-03-26T12:00:00Z"))).toBe(2);
    expect(tariff.rateAt(utc("2028-03-24T12:00:00Z"))).toBe(1);
  });

  test("keeps the last season over New Year", () => {
    const tariff = new Tariff(zoneOf(BERLIN), { active: HOUSEHOLD });
    expect(tariff.rateAt(utc("2027-01-04T17:00:00Z"))).toBe(3);
    expect(tariff.rateAt(utc("2027-04-05T17:00:00Z"))).toBe(1);
  });

  test("has special days of each year on 29 February in leap years only, and a date goes before them", () => {
    const days = everyDay([0, 1]);
    const active = {
      ...days,
      dayProfiles: [...days.dayProfiles, [{ minuteOfDay: 0, rate: 7 }], [{ minuteOfDay: 0, rate: 8 }]],
      specialDays: [
        { year: undefined, month: 2, day: 29, dayProfile: 1 },
        { year: 2032, month: 2, day: 29, dayProfile: 2 },
      ],
    };
    const tariff = new Tariff(zoneOf(BERLIN), { active });
    const rates = ["2027-03-01", "2028-02-29", "2028-03-01", "2032-02-29"].map((day) =>
      tariff.rateAt(utc(`${day}T12:00:00Z`)),
    );
    expect(rates).toEqual([1, 7, 1, 8]);
  });

  test("starts a season of 29 February on 1 March where there is none", () => {
    const seasons = [
      { month: 1, day: 1, weekProfile: 0 },
      { month: 2, day: 29, weekProfile: 1 },
    ];
    const active: TariffTable = {
      seasons,
      weekProfiles: [
        [0, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1, 1],
      ],
      dayProfiles: [[{ minuteOfDay: 0, rate: 1 }], [{ minuteOfDay: 0, rate: 2 }]],
      specialDays: [],
    };
    const tariff = new Tariff(zoneOf(BERLIN), { active });
    expect(tariff.nextSwitchSeconds(utc("2027-02-25T12:00:00Z"))).toBe(utc("2027-02-28T23:00:00Z"));
    expect(tariff.nextSwitchSeconds(utc("2028-02-25T12:00:00Z"))).toBe(utc("2028-02-28T23:00:00Z"));
  });

  test("has the switches of a gap at the gap's end, the last of them holds", () => {
    const active = everyDay([0, 1], [120, 2], [150, 3], [240, 4]);
    const tariff = new Tariff(zoneOf(BERLIN), { active });
    expect(changesOf(tariff, BERLIN, "2026-03-28T23:00:00Z", "2026-03-29T20:00:00Z")).toEqual([
      ["2026-03-29T00:00+01:00", 1],
      ["2026-03-29T03:00+02:00", 3],
      ["2026-03-29T04:00+02:00", 4],
    ]);
  });

  test("has the switches of an overlap at the first instant, and the repeated hour undoes none", () => {
    const active = everyDay([0, 1], [120, 2], [150, 3], [180, 4]);
    const tariff = new Tariff(zoneOf(BERLIN), { active });
    expect(changesOf(tariff, BERLIN, "2026-10-24T22:00:00Z", "2026-10-25T20:00:00Z")).toEqual([
      ["2026-10-25T00:00+02:00", 1],
      ["2026-10-25T02:00+02:00", 2],
      ["2026-10-25T02:30+02:00", 3],
      ["2026-10-25T03:00+01:00", 4],
    ]);
  });

  test("does not go back to the day before where the clock does", () => {
    const active = everyDay([0, 1], [1410, 2]);
    const tariff = new Tariff(zoneOf(BACK_OVER_MIDNIGHT), { active });
    expect(changesOf(tariff, BACK_OVER_MIDNIGHT, "2010-11-06T20:00:00Z", "2010-11-08T03:10:00Z")).toEqual([
      ["2010-11-06T17:30-02:30", 1],
      ["2010-11-06T23:30-02:30", 2],
      ["2010-11-07T00:00-02:30", 1],
      ["2010-11-07T23:30-03:30", 2],
    ]);
  });

  test("looks eight days ahead for a change, and else says when to ask again", () => {
    const tariff = new Tariff(zoneOf(BERLIN), { active: everyDay([0, 5]) });
    expect(tariff.nextSwitchSeconds(utc("2026-06-01T12:00:00Z"))).toBe(utc("2026-06-08T22:00:00Z"));
  });
});

describe("a passive table", () => {
  const fromSeconds = utc("2026-06-10T10:20:30Z");
  const plan = { active: everyDay([0, 1], [720, 2]), passive: { table: everyDay([0, 3]), fromSeconds } };

  test("becomes active exactly at its time", () => {
    const tariff = new Tariff(zoneOf(BERLIN), plan);
    expect([-1, -0.001, 0, 1].map((after) => tariff.rateAt(fromSeconds + after))).toEqual([2, 2, 3, 3]);
    expect(tariff.nextSwitchSeconds(fromSeconds - 1)).toBe(fromSeconds);
  });

  test("becomes active once: a plan that is kept does not go back with the clock", () => {
    expect(activateDue(plan, fromSeconds - 1)).toBe(plan);
    const kept = activateDue(plan, fromSeconds);
    expect(kept).toEqual({ active: plan.passive.table });
    expect(activateDue(kept, fromSeconds - DAY)).toBe(kept);
    expect(activateDue(kept, fromSeconds + DAY)).toBe(kept);
    expect(new Tariff(zoneOf(BERLIN), kept).rateAt(fromSeconds - DAY)).toBe(3);
  });
});

/** Zone by rule and by the host's name, and windows of a day and a half: changes, a leap day, a year's end, 2038. */
const WINDOWS = [
  { name: "Europe/Berlin", text: BERLIN, from: "2026-03-28T12:00Z" },
  { name: "Europe/Berlin", text: BERLIN, from: "2026-10-24T12:00Z" },
  { name: "Europe/Berlin", text: BERLIN, from: "2028-02-28T12:00Z" },
  { name: "America/New_York", text: "EST5EDT,M3.2.0,M11.1.0", from: "2027-11-06T12:00Z" },
  { name: "America/New_York", text: "EST5EDT,M3.2.0,M11.1.0", from: "2038-01-18T12:00Z" },
  { name: "Australia/Lord_Howe", text: "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", from: "2026-04-04T00:00Z" },
  { name: "Australia/Lord_Howe", text: "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", from: "2026-10-03T00:00Z" },
  { name: "America/Havana", text: "CST5CDT,M3.2.0/0,M11.1.0/1", from: "2026-03-07T12:00Z" },
  { name: "America/Havana", text: "CST5CDT,M3.2.0/0,M11.1.0/1", from: "2026-10-31T12:00Z" },
  { name: "America/St_Johns", text: BACK_OVER_MIDNIGHT, from: "2010-11-06T12:00Z" },
  { name: "Asia/Kolkata", text: "IST-5:30", from: "2029-12-30T20:00Z" },
] as const;
const WINDOW_MINUTES = 36 * 60;
const TABLES_PER_WINDOW = 6;

/** The latest reading of the host's wall clock, minute by minute: `2026-10-25 02:30:00` compares as text. */
function latestReadings(name: string, from: number): string[] {
  const host = hostClock(name);
  let latest = "";
  return Array.from({ length: WINDOW_MINUTES }, (_, i) => {
    const reading = host(from + i * MINUTE);
    if (reading > latest) latest = reading;
    return latest;
  });
}

/** The rate at a reading as the definition says it, and by the host's calendar. */
function rateByDefinition(table: TariffTable, reading: string): number | undefined {
  const [date = "", time = ""] = reading.split(" ");
  const profile = profileByDefinition(table, date);
  const minute = Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
  return profile?.filter(({ minuteOfDay }) => minuteOfDay <= minute).at(-1)?.rate;
}

function profileByDefinition(table: TariffTable, date: string) {
  const text = ({ month, day }: { month: number; day: number }) =>
    `${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
  const monthDay = date.slice(5);
  const specials = table.specialDays.filter((each) => text(each) === monthDay);
  const special =
    specials.find(({ year }) => year === Number(date.slice(0, 4))) ??
    specials.find(({ year }) => year === undefined);
  const season = table.seasons.filter((each) => text(each) <= monthDay).at(-1) ?? table.seasons.at(-1);
  const sundayFirst = new Date(`${date}T00:00:00Z`).getUTCDay();
  const index = special?.dayProfile ?? table.weekProfiles[season?.weekProfile ?? -1]?.[(sundayFirst + 6) % 7];
  return table.dayProfiles[index ?? -1];
}

describe("by brute force", () => {
  const windows = WINDOWS.map((window) => ({
    ...window,
    readings: latestReadings(window.name, utc(window.from)),
  }));

  test.each(windows)("in $name from $from every minute has the rate of the host's wall clock", (window) => {
    const tables = fc.sample(tariffTables, { seed: SEED, numRuns: TABLES_PER_WINDOW });
    const from = utc(window.from);
    for (const [i, active] of tables.entries()) {
      const tariff = new Tariff(zoneOf(window.text), { active });
      let next = from;
      let rate = 0;
      for (const [minute, reading] of window.readings.entries()) {
        const at = from + minute * MINUTE;
        while (next <= at) {
          rate = tariff.rateAt(next);
          next = tariff.nextSwitchSeconds(next);
        }
        const expected = rateByDefinition(active, reading);
        if (tariff.rateAt(at) !== expected || rate !== expected) {
          expect(`table ${i}, ${reading}: ${tariff.rateAt(at)}, ${rate}`).toBe(
            `table ${i}, ${reading}: ${expected}`,
          );
        }
      }
    }
  });

  test(`between two switches the rate is one, in random plans and at random times (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    for (const [i, plan] of fc.sample(tariffPlans, { seed: SEED, numRuns: 80 }).entries()) {
      const tariff = new Tariff(zoneOf(WINDOWS[i % WINDOWS.length]?.text ?? ""), plan);
      const { fromSeconds } = plan.passive ?? { fromSeconds: integerBelow(random, 2 ** 32) };
      let at = fromSeconds - integerBelow(random, 4 * DAY);
      for (let switches = 0; switches < 20; switches++) {
        const next = tariff.nextSwitchSeconds(at);
        expect(next > at && next - at <= 9 * DAY).toBe(true);
        const rates = ratesBetween(tariff, at, next, random);
        if (rates.size !== 1) expect(`plan ${i} from ${at} to ${next}: ${[...rates]}`).toBe("one rate");
        at = next;
      }
    }
  });
});

function ratesBetween(tariff: Tariff, from: number, to: number, random: SeededRandom): Set<number> {
  const between = Array.from({ length: 8 }, () => from + integerBelow(random, to - from));
  return new Set([from, ...between, to - 1].map((at) => tariff.rateAt(at)));
}
