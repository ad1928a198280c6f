import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { activePowerWatts, energyWattHours } from "../../../hal/emulated/mains.ts";
import { type Load, loadWattHours, mainsOf, parseLoad } from "../../../host-tools/loads/index.ts";

const TABLE_ANNUAL = 1_000_000;
const HOUR_MS = 3_600_000;
const QUARTER_MS = 900_000;

function load(text: string, annualKilowattHours = TABLE_ANNUAL): Load {
  const parsed = parseLoad(text, { annualKilowattHours });
  if ("error" in parsed) throw new Error(parsed.error);
  return parsed;
}

/** A thousandth of the table's own 1,000,000 kWh a year, which is more than a part can measure. */
const thousandth = load("h25", 1000);

/** Kilowatt-hours that the table has for the quarter-hour that holds an instant. */
function tableValue(utc: string | number): number {
  return (thousandth.wattsAt(new Date(utc).getTime()) * 1000) / 4000;
}

describe("the h25 load", () => {
  test("the German year 2025 comes to 1,003,245 kWh where the table is made for 1,000,000", () => {
    const year = [Date.UTC(2024, 11, 31, 23), Date.UTC(2025, 11, 31, 23)] as const;
    expect(loadWattHours(thousandth, ...year)).toBeCloseTo(1_003_244.638, 2);
  });

  test.each([
    ["a Wednesday in January", "2025-01-14T23:00Z", 20.126],
    ["its second quarter-hour", "2025-01-14T23:15Z", 18.915],
    ["a Saturday", "2025-01-17T23:15Z", 20.809],
    ["a Sunday's last quarter-hour", "2025-01-19T22:59Z", 21.67],
    ["New Year's Day", "2024-12-31T23:00Z", 23.148],
    ["Good Friday", "2025-04-17T22:00Z", 24.952],
    ["Easter Monday", "2025-04-20T22:00Z", 24.952],
    ["Labour Day", "2025-04-30T22:00Z", 25.395],
    ["Ascension Day", "2025-05-28T22:00Z", 25.395],
    ["Whit Monday", "2025-06-08T22:00Z", 27.626],
    ["German Unity Day", "2025-10-02T22:00Z", 23.558],
    ["Reformation Day, a holiday in some states only", "2025-10-30T23:00Z", 20.509],
    ["Epiphany, a holiday in some states only", "2025-01-05T23:00Z", 20.126],
    ["Christmas Eve, as a Saturday", "2025-12-23T23:00Z", 21.65],
    ["Christmas Eve on a Sunday, as a Sunday", "2023-12-23T23:00Z", 22.812],
    ["Boxing Day", "2025-12-25T23:00Z", 22.812],
    ["New Year's Eve, as a Saturday", "2025-12-30T23:00Z", 21.65],
  ])("takes %s from its column", (_, utc, kilowattHours) => {
    expect(tableValue(utc)).toBeCloseTo(kilowattHours, 9);
  });

  test("a winter and a summer day are the table's whole columns, in order", () => {
    const rows = readFileSync("host-tools/loads/bdew-h25-quarter-hour.csv", "utf8")
      .trim()
      .split("\n")
      .slice(2);
    const column = (index: number) => rows.map((row) => Number(row.split(",")[index]));
    const day = (startUtc: string) =>
      Array.from({ length: 96 }, (_, quarter) => tableValue(Date.parse(startUtc) + quarter * QUARTER_MS));
    const rounded = (values: number[]) => values.map((value) => value.toFixed(3));
    expect(rounded(day("2025-02-04T23:00Z"))).toEqual(rounded(column(6)));
    expect(rounded(day("2025-07-05T22:00Z"))).toEqual(rounded(column(20)));
  });

  test("the day that summer time begins has 92 quarter-hours, and none of the third hour", () => {
    const midnight = Date.parse("2025-03-29T23:00Z");
    const next = Date.parse("2025-03-30T22:00Z");
    expect((next - midnight) / QUARTER_MS).toBe(92);
    const beforeAndAfter = [tableValue("2025-03-30T00:59Z"), tableValue("2025-03-30T01:00Z")];
    const anotherSunday = [tableValue("2025-03-09T00:59Z"), tableValue("2025-03-09T02:00Z")];
    expect(beforeAndAfter).toEqual(anotherSunday);
  });

  test("the day that summer time ends has 100 quarter-hours, and its third hour twice", () => {
    for (let quarter = 0; quarter < 4; quarter++) {
      const first = Date.parse("2025-10-26T00:00Z") + quarter * QUARTER_MS;
      expect(tableValue(first + HOUR_MS)).toBe(tableValue(first));
    }
    expect(tableValue("2025-10-26T02:00Z")).toBe(tableValue("2025-10-12T01:00Z"));
  });

  test("is constant in a quarter-hour, and says until when", () => {
    const h25 = load("h25", 3500);
    const at = Date.parse("2025-05-01T10:07:12.345Z");
    expect(h25.steadyUntilMs(at)).toBe(Date.parse("2025-05-01T10:15Z"));
    expect(h25.steadyUntilMs(Date.parse("2025-05-01T10:15Z"))).toBe(Date.parse("2025-05-01T10:30Z"));
    expect(h25.wattsAt(Date.parse("2025-05-01T10:00Z"))).toBe(h25.wattsAt(at));
    expect(h25.wattsAt(Date.parse("2025-05-01T10:15Z"))).not.toBe(h25.wattsAt(at));
  });

  test("gives the same whatever was asked before", () => {
    const h25 = load("h25", 3500);
    const times = Array.from({ length: 200 }, (_, i) => Date.UTC(2025, 2, 28) + i * 1_234_567);
    const forwards = times.map((ms) => h25.wattsAt(ms));
    const backwards = times.toReversed().map((ms) => h25.wattsAt(ms));
    expect(backwards.toReversed()).toEqual(forwards);
  });

  test("scales with the year's use", () => {
    const at = Date.UTC(2025, 5, 1);
    expect(load("h25", 7000).wattsAt(at)).toBeCloseTo(2 * load("h25", 3500).wattsAt(at), 9);
  });
});

describe("a load's integral and mains", () => {
  test("the integral is exact across parts of quarter-hours", () => {
    const start = Date.parse("2025-01-14T23:05Z");
    const expected = 20.126 * (10 / 15) + 18.915 * (5 / 15);
    expect(loadWattHours(thousandth, start, start + QUARTER_MS)).toBeCloseTo(expected, 9);
  });

  test("a constant load's integral is power by time", () => {
    expect(loadWattHours(load("watts:230"), 0, 2 * HOUR_MS)).toBe(460);
  });

  test("the mains has the load's power and changes when the load does", () => {
    const h25 = load("h25", 3500);
    const startUtcMs = Date.parse("2025-01-14T23:05Z");
    const mains = mainsOf(h25, startUtcMs);
    expect(activePowerWatts(mains.at(1000))).toBeCloseTo(h25.wattsAt(startUtcMs + 1000), 9);
    expect(mains.steadyUntilMs(1000)).toBe(600_000);
    const hours = loadWattHours(h25, startUtcMs + 1000, startUtcMs + HOUR_MS);
    expect(energyWattHours(mains, 1000, HOUR_MS)).toBeCloseTo(hours, 9);
  });

  test("a feeding load turns the power's sign", () => {
    expect(activePowerWatts(mainsOf(load("watts:-500"), 0).at(0))).toBeCloseTo(-500, 9);
  });
});

describe("the name of a load", () => {
  test.each(["watts:230", "watts:0", "watts:0.5", "watts:-1200"])("%s is a constant one", (text) => {
    expect(load(text).name).toBe(text);
    expect(load(text).wattsAt(0)).toBe(Number(text.slice(6)));
  });

  test.each([
    "",
    "h26",
    "H25",
    "watts",
    "watts:",
    "watts:1e3",
    "watts:0x10",
    "watts:5 ",
    "watts:1.",
    "csv:",
    "UK",
  ])('"%s" is none, and the sentence says what to give', (text) => {
    expect(parseLoad(text, { annualKilowattHours: 3500 })).toEqual({
      error: `No load is called "${text}": give h25, uk, watts:N with N in watts, or csv:FILE.`,
    });
  });

  test.each([
    ["watts:13001", 3500, "at most 13000 W"],
    ["watts:-13001", 3500, "at most 13000 W"],
    ["h25", 0, "more than 0 kWh"],
    ["h25", Number.NaN, "more than 0 kWh"],
    ["h25", 1_000_000, "at most"],
  ])("%s at %d kWh a year is refused, with the limit", (text, annualKilowattHours, limit) => {
    expect(parseLoad(text, { annualKilowattHours })).toMatchObject({ error: expect.stringContaining(limit) });
  });

  test("the largest year's use that a refusal names is taken", () => {
    const refused = parseLoad("h25", { annualKilowattHours: 1_000_000 }) as { error: string };
    const largest = Number(/at most (\d+) kWh/.exec(refused.error)?.[1]);
    expect(load("h25", largest).name).toBe("h25");
    expect(parseLoad("h25", { annualKilowattHours: largest + 1 })).toHaveProperty("error");
  });
});
