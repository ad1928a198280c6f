import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CborValue, decodeCbor, encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import {
  EMPTY_TARIFF_TABLE,
  type TariffTable,
  tariffTableFault,
} from "../../../../firmware/protocol/readings/tariff.ts";
import { decodeTariffPlan, encodeTariffPlan } from "../../../../firmware/protocol/readings/tariff-table.ts";
import { HOUSEHOLD, LARGEST, tariffPlans } from "../../../support/tariffs.ts";

const SEED = 62056;

describe("a tariff plan on the wire", () => {
  test("is rows of integers", () => {
    const table = [
      [129, 0, 321, 1],
      [0, 0, 0, 0, 0, 2, 2, 1, 1, 1, 1, 1, 2, 2],
      [[1, 2880, 10561], [1, 2880, 8162, 9600, 10561], [1]],
      [-33, 2, -409, 2, 20_903, 2],
    ];
    expect(decodeCbor(encodeTariffPlan({ active: HOUSEHOLD }))).toEqual([table]);
    const plan = { active: EMPTY_TARIFF_TABLE, passive: { table: HOUSEHOLD, fromSeconds: 1_767_222_000 } };
    expect(decodeCbor(encodeTariffPlan(plan))).toEqual([[[], [], [], []], table, 1_767_222_000]);
  });

  test("takes tens of bytes for a household, and less than 1024 for two of the largest", () => {
    expect(encodeTariffPlan({ active: EMPTY_TARIFF_TABLE })).toHaveLength(6);
    expect(encodeTariffPlan({ active: HOUSEHOLD })).toHaveLength(62);
    const passive = { table: LARGEST, fromSeconds: 1_767_222_000 };
    expect(encodeTariffPlan({ active: LARGEST, passive })).toHaveLength(880);
  });

  test("comes back as it was given", () => {
    expect(decodeTariffPlan(encodeTariffPlan({ active: LARGEST }))).toEqual({ active: LARGEST });
    fc.assert(
      fc.property(tariffPlans, (plan) => {
        expect(decodeTariffPlan(encodeTariffPlan(plan))).toEqual(plan);
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  test.each<[string, CborValue]>([
    ["no array", 0],
    ["no table", []],
    [
      "a table too many",
      [
        [[], [], [], []],
        [[], [], [], []],
      ],
    ],
    ["a passive table without a time", [[[], [], [], []], [[], [], [], []], null]],
    ["a passive table at no known time", [[[], [], [], []], [[], [], [], []], 0xffffffff]],
    ["more than a passive table and its time", [[[], [], [], []], [[], [], [], []], 0x10000, 0]],
    ["the same special day twice", [[[129, 0], [0, 0, 0, 0, 0, 0, 0], [[0]], [-33, 0, -33, 0]]]],
    ["a list too few", [[[], [], []]]],
    ["a list too many", [[[], [], [], [], []]]],
    ["half a season", [[[129, 0, 321], [0, 0, 0, 0, 0, 0, 0], [[0]], []]]],
    ["a week of six days", [[[129, 0], [0, 0, 0, 0, 0, 0], [[0]], []]]],
    ["a switch that is text", [[[129, 0], [0, 0, 0, 0, 0, 0, 0], [["0"]], []]]],
    ["a day profile that is no array", [[[129, 0], [0, 0, 0, 0, 0, 0, 0], [0], []]]],
    ["a switch at 24:00", [[[129, 0], [0, 0, 0, 0, 0, 0, 0], [[0, 11_520]], []]]],
    ["a special day on 30 February", [[[129, 0], [0, 0, 0, 0, 0, 0, 0], [[0]], [-94, 0]]]],
    ["a special day in 2106", [[[129, 0], [0, 0, 0, 0, 0, 0, 0], [[0]], [49_673, 0]]]],
    ["a day profile that is not there", [[[129, 0], [0, 0, 0, 0, 0, 0, 1], [[0]], []]]],
  ])("with %s is refused", (_, body) => {
    expect(decodeTariffPlan(encodeCbor(body))).toBeUndefined();
  });

  test("that is not sound is a bug of the one who writes it", () => {
    const active = { ...HOUSEHOLD, seasons: [] };
    expect(() => encodeTariffPlan({ active })).toThrow("no season");
    const passive = { table: HOUSEHOLD, fromSeconds: 0xffffffff };
    expect(() => encodeTariffPlan({ active: HOUSEHOLD, passive })).toThrow("4294967295");
  });
});

describe("a tariff table's fault is one sentence that says where", () => {
  const day = HOUSEHOLD.dayProfiles[0] ?? [];
  const many = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);

  const faults: [Partial<TariffTable>, string][] = [
    [{ seasons: [] }, "The table has week profiles but no season."],
    [
      { seasons: many(13, { month: 1, day: 1, weekProfile: 0 }) },
      "The table has 13 seasons, and 12 is the most.",
    ],
    [{ weekProfiles: many(13, many(7, 0)) }, "The table has 13 week profiles, and 12 is the most."],
    [{ dayProfiles: many(17, day) }, "The table has 17 day profiles, and 16 is the most."],
    [{ dayProfiles: many(13, [...day, ...day]) }, "The table has 78 switches in all, and 64 is the most."],
    [
      { specialDays: many(33, { year: undefined, month: 1, day: 1, dayProfile: 0 }) },
      "The table has 33 special days, and 32 is the most.",
    ],
    [{ seasons: [{ month: 4, day: 31, weekProfile: 0 }] }, "Season 1 starts on a day that no year has."],
    [
      { seasons: many(2, { month: 4, day: 1, weekProfile: 0 }) },
      "Season 2 must start later in the year than season 1.",
    ],
    [{ seasons: [{ month: 4, day: 1, weekProfile: 2 }] }, "Season 1 names week profile 3, and there are 2."],
    [{ weekProfiles: [[0], [0]] }, "Week profile 1 has 1 days, and a week has 7."],
    [{ weekProfiles: [many(7, 0), many(7, 3)] }, "Week profile 2 names day profile 4, and there are 3."],
    [
      { dayProfiles: [many(17, { minuteOfDay: 0, rate: 1 }), day, day] },
      'Day profile "work" has 17 switches, and 16 is the most.',
    ],
    [{ dayProfiles: [[], day, day] }, 'Day profile "work" must have its first switch at 00:00.'],
    [{ dayProfiles: [day.slice(1), day, day] }, 'Day profile "work" must have its first switch at 00:00.'],
    [
      { dayProfiles: [day, [...day, ...day.slice(2)], day] },
      "Day profile 2, switch 4 must be later than switch 3.",
    ],
    [
      { dayProfiles: [day, day, [...day, { minuteOfDay: 1440, rate: 1 }]] },
      "Day profile 3, switch 4: there is no such time.",
    ],
    [
      { dayProfiles: [day, day, [{ minuteOfDay: 0, rate: 9 }]] },
      "Day profile 3, switch 1: rate 9 is not from 1 to 8.",
    ],
    [
      { specialDays: [{ year: 2106, month: 1, day: 1, dayProfile: 0 }] },
      "Special day 1: year 2106 is not from 1970 to 2105.",
    ],
    [
      { specialDays: [{ year: 2027, month: 2, day: 29, dayProfile: 0 }] },
      "Special day 1 is a day that the calendar does not have.",
    ],
    [
      { specialDays: [...HOUSEHOLD.specialDays].reverse() },
      "Special day 2 must come after special day 1: first those of each year, then the others, by date.",
    ],
    [
      { specialDays: [{ year: undefined, month: 2, day: 29, dayProfile: 3 }] },
      "Special day 1 names day profile 4, and there are 3.",
    ],
  ];
  test.each(faults.map(([part, sentence]) => ({ part, sentence })))("$sentence", ({ part, sentence }) => {
    expect(tariffTableFault({ ...HOUSEHOLD, ...part }, ["work"])).toBe(sentence);
  });

  test("a sound one has none", () => {
    for (const table of [EMPTY_TARIFF_TABLE, HOUSEHOLD, LARGEST]) {
      expect(tariffTableFault(table)).toBeUndefined();
    }
  });
});
