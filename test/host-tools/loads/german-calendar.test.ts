import { describe, expect, test } from "vitest";
import { germanHour } from "../../../host-tools/loads/german-calendar.ts";

const HOUR_MS = 3_600_000;

describe("the wall clock in Germany", () => {
  test("is the host's own calendar's through forty years, in every hour around a change", () => {
    const berlin = new Intl.DateTimeFormat("sv-SE", {
      timeZone: "Europe/Berlin",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      hourCycle: "h23",
    });
    for (let utcMs = Date.UTC(2000, 0, 1); utcMs < Date.UTC(2040, 0, 1); utcMs += HOUR_MS) {
      // Changes are in the last days of two months: there every hour, else each eleventh.
      const date = new Date(utcMs);
      const mayChange = [2, 9].includes(date.getUTCMonth()) && date.getUTCDate() >= 24;
      if (!mayChange && (utcMs / HOUR_MS) % 11 !== 0) continue;
      const { year, month, day: wallDay, hour } = germanHour(utcMs);
      const two = (value: number) => String(value).padStart(2, "0");
      if (`${year}-${two(month)}-${two(wallDay)} ${two(hour)}` !== berlin.format(utcMs))
        expect(`${year}-${two(month)}-${two(wallDay)} ${two(hour)}`).toBe(berlin.format(utcMs));
    }
  });
});
