import { describe, expect, test } from "vitest";
import {
  dateOfDays,
  daysInMonth,
  daysOfDate,
  isLeapYear,
  SECONDS_PER_DAY,
  weekdayOfDays,
} from "../../../firmware/calendar/civil.ts";

const MS_PER_DAY = 1000 * SECONDS_PER_DAY;
/** What the host's own calendar says; it starts the week on Sunday, with 0. */
function hostDay(days: number): string {
  const date = new Date(days * MS_PER_DAY);
  const weekday = date.getUTCDay() === 0 ? 7 : date.getUTCDay();
  return `${date.getUTCFullYear()}-${date.getUTCMonth() + 1}-${date.getUTCDate()} ${weekday}`;
}

function ourDay(days: number): string {
  const { year, month, day } = dateOfDays(days);
  return `${year}-${month}-${day} ${weekdayOfDays(days)}`;
}

describe("the civil calendar", () => {
  test("is the host's on every day from 1895 to 2205, there and back", () => {
    const last = Date.UTC(2205, 0, 1) / MS_PER_DAY;
    for (let days = Date.UTC(1895, 0, 1) / MS_PER_DAY; days <= last; days++) {
      if (ourDay(days) !== hostDay(days)) expect(ourDay(days)).toBe(hostDay(days));
      if (daysOfDate(dateOfDays(days)) !== days) expect(daysOfDate(dateOfDays(days))).toBe(days);
    }
  });

  test.each([
    [0, "1970-1-1 4"],
    [-1, "1969-12-31 3"],
    [11_016, "2000-2-29 2"],
    [24_855, "2038-1-19 2"],
    [47_540, "2100-2-28 7"],
    [47_541, "2100-3-1 1"],
  ])("day %i is %s", (days, text) => {
    expect(ourDay(days)).toBe(text);
  });

  test("leap years are every fourth, but of the centuries every fourth only", () => {
    const years = [1970, 1972, 2000, 2023, 2024, 2100, 2199, 2200, 2400];
    expect(years.filter(isLeapYear)).toEqual([1972, 2000, 2024, 2400]);
  });

  test("months have the days that the rhyme says", () => {
    const months = Array.from({ length: 12 }, (_, i) => daysInMonth(2025, i + 1));
    expect(months).toEqual([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
    expect(daysInMonth(2024, 2)).toBe(29);
  });
});
