import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EMPTY_TARIFF_TABLE } from "../../firmware/protocol/readings/tariff.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { readTariffFile, writeTariffFile } from "../../host-tools/tariff-file.ts";
import { HOUSEHOLD, LARGEST, tariffTables } from "../support/tariffs.ts";

const SEED = 4180;

/** The example that the documentation shows, as a file. */
function exampleOfReadme(): string {
  const readme = readFileSync(new URL("../../firmware/metrology/README.md", import.meta.url), "utf8");
  return /```json\n([^`]+)```/.exec(readme)?.[1] ?? "";
}

describe("a tariff file", () => {
  const example = exampleOfReadme();

  test("of the README is the household's table", () => {
    expect(readTariffFile(example)).toEqual(HOUSEHOLD);
  });

  test("comes back as it was written", () => {
    expect(readTariffFile(writeTariffFile(EMPTY_TARIFF_TABLE))).toEqual(EMPTY_TARIFF_TABLE);
    expect(readTariffFile(writeTariffFile(LARGEST))).toEqual(LARGEST);
    fc.assert(
      fc.property(tariffTables, (table) => {
        expect(readTariffFile(writeTariffFile(table))).toEqual(table);
      }),
      { seed: SEED, numRuns: 30 },
    );
  });

  test("needs no special days", () => {
    const text = example.replace(/,\s*"specialDays": \[[^\]]*\]/, "");
    expect(text).not.toBe(example);
    expect(readTariffFile(text)).toEqual({ ...HOUSEHOLD, specialDays: [] });
  });

  test.each([
    ["{", "A tariff file is JSON, and this is none."],
    ["3", "A tariff file is a JSON object."],
    ["{}", "In meterbench: this field is missing."],
    ['{"meterbench":"registry"}', 'In meterbench: this must be "tariff".'],
    ['{"meterbench":"tariff"}', "In seasons: this field is missing."],
    ['{"meterbench":"tariff","seasons":{}}', "In seasons: this must be a list."],
    ['{"meterbench":"tariff","seasons":[1]}', "In seasons 1: this must be an object."],
  ])("%s is refused with a sentence", (text, error) => {
    expect(readTariffFile(text)).toEqual({ error });
  });

  test.each([
    ['"10-01"', '"10-1"', "In seasons 2, from: a day of each year is written as 04-01."],
    ['"10-01"', '"11-31"', "Season 2 starts on a day that no year has."],
    ['"10-01"', '"03-01"', "Season 2 must start later in the year than season 1."],
    ['"week": "winter"', '"week": "wintr"', 'Season 2 names week "wintr", and there is none.'],
    ['"week": "winter"', '"weeks": "winter"', "In seasons 2, week: this field is missing."],
    ['"week": "winter"', '"week": "winter", "x": 1', "In seasons 2, x: there is no such field."],
    [
      '"week": "winter"',
      '"week": "winter", "\\u001b[31m": 1',
      "In seasons 2, a field of another name: there is no such field.",
    ],
    ['"name": "winter"', '"name": "summer"', 'Season 1 names week "summer", and there are two.'],
    [
      '"name": "winter"',
      '"name": "\\u001b[31m"',
      `In weeks 2, name: a name is 1 to 32 letters, digits, spaces, dashes or underscores.`,
    ],
    [
      '"work", "work", "work"',
      '"work", "work"',
      "In weeks 1, days: a week is seven names of days, Monday first.",
    ],
    ['"work", "work", "work"', '"work", "work", "wrk"', 'Week "summer" names day "wrk", and there is none.'],
    ['"06:00"', '"24:00"', "In days 1, rates 2, from: a time is written as 06:00, up to 23:59."],
    ['"06:00"', '"23:00"', 'Day profile "work", switch 3 must be later than switch 2.'],
    ['"00:00"', '"00:01"', 'Day profile "work" must have its first switch at 00:00.'],
    ['"rate": 2', '"rate": 9', 'Day profile "work", switch 1: rate 9 is not from 1 to 8.'],
    ['"rate": 2', '"rate": 1.5', "In days 1, rates 1, rate: a rate is a whole number."],
    [
      '"2027-03-26"',
      '"26.3.2027"',
      "In specialDays 3, date: a date is written as 12-25, for each year, or as 2027-03-26.",
    ],
    ['"2027-03-26"', '"2027-02-29"', "Special day 3 is a day that the calendar does not have."],
    ['"12-25", "day": "free"', '"12-25", "day": "off"', 'Special day 2 names day "off", and there is none.'],
  ])("with %s as %s is refused with where and why", (good, bad, error) => {
    expect(example).toContain(good);
    expect(readTariffFile(example.replace(good, bad))).toEqual({ error });
  });

  test(`changed at random (seed ${SEED}) is a table or one sentence`, () => {
    const random = new SeededRandom(SEED);
    const pieces = ["null", "[]", "{}", '""', "-1", "1e9", '"__proto__"', "99", '"', ","];
    for (let i = 0; i < 1000; i++) {
      const at = integerBelow(random, example.length);
      const piece = pieces[integerBelow(random, pieces.length)] as string;
      const text = example.slice(0, at) + piece + example.slice(at + integerBelow(random, 12));
      const read = readTariffFile(text);
      if ("error" in read && !/^[A-Z][^\n]{1,200}\.$/.test(read.error))
        throw new Error(`${text}: ${read.error}`);
    }
  });
});
