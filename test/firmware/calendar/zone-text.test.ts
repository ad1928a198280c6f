import { describe, expect, test } from "vitest";
import { TimeZone } from "../../../firmware/calendar/time-zone.ts";
import { zoneOf } from "../../support/zones.ts";

function offsetAt(text: string, instant: string): string {
  return zoneOf(text)
    .format(Date.parse(instant) / 1000)
    .slice(19);
}

describe("a POSIX TZ string", () => {
  test.each([
    ["<+0330>-3:30", "2026-07-01T00:00:00Z", "+03:30"],
    ["UTC0", "2026-07-01T00:00:00Z", "+00:00"],
    ["EST+05:00EDT+4,M3.2.0/02:00,M11.1.0/02:00:00", "2026-07-01T00:00:00Z", "-04:00"],
    ["<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "2026-07-01T00:00:00Z", "-02:00"],
    ["LHST-10:30LHDT-11,M10.1.0,M4.1.0", "2026-01-01T00:00:00Z", "+11:00"],
    // Jn leaves 29 February out, n counts it: both are 1 March 2028, a day apart in their numbers.
    ["AAA0BBB,J60/0,J300", "2028-03-01T00:00:00Z", "+01:00"],
    ["AAA0BBB,J60/0,J300", "2028-02-29T23:59:59Z", "+00:00"],
    ["AAA0BBB,60/0,J300", "2028-03-01T00:00:00Z", "+01:00"],
    ["AAA0BBB,60/0,J300", "2028-02-29T23:59:59Z", "+00:00"],
    ["AAA0BBB,59/0,J300", "2027-03-01T00:00:00Z", "+01:00"],
    ["AAA0BBB,59/0,J300", "2027-02-28T23:59:59Z", "+00:00"],
    // RFC 8536 3.3.1: times of a week before and after, and daylight saving time without end.
    ["AAA0BBB,M3.1.0/-167,J300", "2026-02-22T00:59:59Z", "+00:00"],
    ["AAA0BBB,M3.1.0/-167,J300", "2026-02-22T01:00:00Z", "+01:00"],
    ["AAA0BBB,M3.1.0/167,J300", "2026-03-07T23:00:00Z", "+01:00"],
    ["EST5EDT,0/0,J365/25", "2026-01-01T00:00:00Z", "-04:00"],
    ["AAA-2<+01>-1,0/0,J365/23", "2026-07-01T00:00:00Z", "+01:00"],
    // A change that belongs to the year before.
    ["AAA0BBB,J100,365/167", "2027-01-07T21:59:59Z", "+01:00"],
    ["AAA0BBB,J100,365/167", "2027-01-07T22:00:00Z", "+00:00"],
    // Both changes of a year lie in another: those of 2026 after this New Year, those of 2027 before this New Year's Eve.
    ["AAA23BBB24,358/167,365/167", "2027-01-01T00:00:00Z", "-23:00"],
    ["AAA-24BBB-23,J1/-167,J8/-167", "2026-12-31T12:00:00Z", "+24:00"],
  ])("%s at %s is %s", (text, instant, offset) => {
    expect(offsetAt(text, instant)).toBe(offset);
  });

  test.each([
    ["", "At character 1: the name of 3 to 6 letters, or between < and > also digits, + and - is missing."],
    [
      "CE-1",
      "At character 1: the name of 3 to 6 letters, or between < and > also digits, + and - is missing.",
    ],
    [
      ":Europe/Berlin",
      "At character 1: the name of 3 to 6 letters, or between < and > also digits, + and - is missing.",
    ],
    [
      "<+03-3",
      "At character 1: the name of 3 to 6 letters, or between < and > also digits, + and - is missing.",
    ],
    ["CET", "At character 4: the offset such as -1 or 5:30 is missing."],
    ["CET-25", "At character 4: hour 25 is not from 0 to 24."],
    ["CET-1:60", "At character 4: minute 60 is not from 0 to 59."],
    [
      "CET-1CEST",
      "At character 10: the comma with the start of daylight saving time, as in ,M3.5.0,M10.5.0/3 is missing.",
    ],
    [
      "CET-1CEST,M3.5.0",
      "At character 17: the comma with the end of daylight saving time, as in ,M3.5.0,M10.5.0/3 is missing.",
    ],
    ["CET-1CEST,M13.5.0,M10.5.0", "At character 11: month 13 is not from 1 to 12."],
    ["CET-1CEST,M3.6.0,M10.5.0", "At character 11: week 6 is not from 1 to 5."],
    ["CET-1CEST,M3.5.7,M10.5.0", "At character 11: weekday 7 is not from 0 to 6."],
    ["CET-1CEST,J0,J300", "At character 11: day 0 is not from 1 to 365."],
    ["CET-1CEST,366,J300", "At character 11: day 366 is not from 0 to 365."],
    ["CET-1CEST,x,J300", "At character 11: the day of a change such as M3.5.0, J60 or 59 is missing."],
    ["CET-1CEST,J60/168,J300", "At character 15: hour 168 is not from 0 to 167."],
    ["CET-1CEST,J60/,J300", "At character 15: the time such as 3 or 2:30 is missing."],
    ["CET-1CEST,J60,J300 ", "At character 19: the end of the text is missing."],
    [
      "CET-1CEST-5,J60,J300",
      "At character 10: daylight saving time is more than 3 hours from standard time.",
    ],
    [
      "CET-1CEST,J60,J62",
      "Start and end of daylight saving time must be at least 7 days apart in every year.",
    ],
    [
      "CET-1CEST,M3.5.0,J86",
      "Start and end of daylight saving time must be at least 7 days apart in every year.",
    ],
    ["x".repeat(73), "A time zone has at most 72 characters, and this is 73."],
  ])("%j is refused with where and why", (text, error) => {
    expect(TimeZone.parse(text)).toEqual({ error });
  });

  test("of the greatest length that the grammar allows is taken", () => {
    const longest = "<abcdef>-10:30:00<ABCDEF>-11:30:00,M10.5.0/-167:00:00,M12.5.0/-167:00:00";
    expect(longest).toHaveLength(72);
    expect(zoneOf(longest).text).toBe(longest);
  });
});
