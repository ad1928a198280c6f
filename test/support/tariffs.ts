import fc from "fast-check";
import { isLeapYear } from "../../firmware/calendar/civil.ts";
import type {
  DayProfile,
  Season,
  SpecialDay,
  TariffPlan,
  TariffTable,
} from "../../firmware/protocol/readings/tariff.ts";

/** Off-peak at night, on weekends and on holidays; a third rate for winter evenings. */
export const HOUSEHOLD: TariffTable = {
  seasons: [
    { month: 4, day: 1, weekProfile: 0 },
    { month: 10, day: 1, weekProfile: 1 },
  ],
  weekProfiles: [
    [0, 0, 0, 0, 0, 2, 2],
    [1, 1, 1, 1, 1, 2, 2],
  ],
  dayProfiles: [
    [
      { minuteOfDay: 0, rate: 2 },
      { minuteOfDay: 360, rate: 1 },
      { minuteOfDay: 1320, rate: 2 },
    ],
    [
      { minuteOfDay: 0, rate: 2 },
      { minuteOfDay: 360, rate: 1 },
      { minuteOfDay: 1020, rate: 3 },
      { minuteOfDay: 1200, rate: 1 },
      { minuteOfDay: 1320, rate: 2 },
    ],
    [{ minuteOfDay: 0, rate: 2 }],
  ],
  specialDays: [
    { year: undefined, month: 1, day: 1, dayProfile: 2 },
    { year: undefined, month: 12, day: 25, dayProfile: 2 },
    { year: 2027, month: 3, day: 26, dayProfile: 2 },
  ],
};

/** The largest that the limits allow, with the longest numbers. */
export const LARGEST: TariffTable = {
  seasons: Array.from({ length: 12 }, (_, i) => ({ month: i + 1, day: 28, weekProfile: 11 - i })),
  weekProfiles: Array.from({ length: 12 }, () => [15, 14, 13, 12, 11, 10, 9]),
  dayProfiles: Array.from({ length: 16 }, () =>
    [0, 1437, 1438, 1439].map((minuteOfDay) => ({ minuteOfDay, rate: 8 })),
  ),
  specialDays: Array.from({ length: 32 }, (_, i) => ({ year: 2074 + i, month: 12, day: 31, dayProfile: 15 })),
};

const DAYS_OF_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const dates = fc.integer({ min: 1, max: 12 }).chain((month) =>
  fc.record({
    month: fc.constant(month),
    day: fc.integer({ min: 1, max: DAYS_OF_MONTHS[month - 1] as number }),
  }),
);

/** Often by the quarter-hour, and often in the small hours, where clocks change. */
const minutes = fc.oneof(
  fc.integer({ min: 1, max: 95 }).map((quarter) => quarter * 15),
  fc.integer({ min: 1, max: 200 }),
  fc.integer({ min: 1, max: 1439 }),
);
const rates = fc.integer({ min: 1, max: 8 });
const dayProfiles: fc.Arbitrary<DayProfile> = fc
  .tuple(
    rates,
    fc.uniqueArray(fc.record({ minuteOfDay: minutes, rate: rates }), {
      selector: (each) => each.minuteOfDay,
      maxLength: 6,
    }),
  )
  .map(([rate, later]) => [{ minuteOfDay: 0, rate }, ...later.sort((a, b) => a.minuteOfDay - b.minuteOfDay)]);

function order(day: { year?: number | undefined; month: number; day: number }): number {
  return ((day.year ?? 0) * 100 + day.month) * 100 + day.day;
}

function sorted<Day extends { month: number; day: number }>(days: Day[]): Day[] {
  return days.sort((a, b) => order(a) - order(b));
}

/** Sound tables with something in them. */
export const tariffTables: fc.Arbitrary<TariffTable> = fc
  .tuple(fc.array(dayProfiles, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 4 }))
  .chain(([profiles, weeks]) => {
    const profile = fc.nat(profiles.length - 1);
    const seasons: fc.Arbitrary<Season[]> = fc
      .uniqueArray(fc.tuple(dates, fc.nat(weeks - 1)), {
        selector: ([date]) => order(date),
        minLength: 1,
        maxLength: 5,
      })
      .map((list) => sorted(list.map(([date, weekProfile]) => ({ ...date, weekProfile }))));
    const years = fc.option(fc.integer({ min: 2008, max: 2105 }), { nil: undefined });
    const specialDays: fc.Arbitrary<SpecialDay[]> = fc
      .uniqueArray(fc.tuple(years, dates, profile), {
        selector: ([year, date]) => order({ year, ...date }),
        maxLength: 12,
      })
      .map((list) =>
        sorted(
          list
            .filter(
              ([year, { month, day }]) => year === undefined || isLeapYear(year) || month !== 2 || day < 29,
            )
            .map(([year, date, dayProfile]) => ({ year, ...date, dayProfile })),
        ),
      );
    const week = fc.array(profile, { minLength: 7, maxLength: 7 });
    return fc.record({
      seasons,
      weekProfiles: fc.array(week, { minLength: weeks, maxLength: weeks }),
      dayProfiles: fc.constant(profiles),
      specialDays,
    });
  });

export const tariffPlans: fc.Arbitrary<TariffPlan> = fc
  .tuple(
    tariffTables,
    fc.option(
      fc.record({ table: tariffTables, fromSeconds: fc.integer({ min: 0x10000, max: 0xfffffffe }) }),
      { nil: undefined },
    ),
  )
  .map(([active, passive]) => ({ active, ...(passive && { passive }) }));
