// What the options of `profile` ask for, and how the answer is shown.
import { describe, expect, test } from "vitest";
import type { ClockReading } from "../../../firmware/protocol/readings/clock-reading.ts";
import { INTERVAL_FLAG } from "../../../firmware/protocol/readings/interval.ts";
import {
  profileCsv,
  profileDocument,
  profileLines,
  type WholeProfile,
} from "../../../host-tools/cli/profile-output.ts";
import {
  intervalsOf,
  type WhenOptions,
  whenOf,
  windowsBefore,
} from "../../../host-tools/cli/profile-request.ts";

const BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3";

function utc(text: string): number {
  return Date.parse(text) / 1000;
}

function clockAt(time: string | undefined, zone = BERLIN): ClockReading {
  return {
    timeSeconds: time === undefined ? undefined : utc(time),
    status: 0,
    clockStatus: 0,
    source: "board",
    ageSeconds: undefined,
    driftPartsPerBillion: undefined,
    zone,
    challenge: new Uint8Array(0),
  };
}

function dailyOf(daily: string, days: number) {
  const when = whenOf({ daily, days });
  if (!("window" in when)) throw new Error(`${daily} is a span`);
  return when;
}

describe("the options that say when", () => {
  test("are a span of time, or a window of each day", () => {
    expect(whenOf({ from: "2026-11-24T00:00:00Z", to: "2026-11-25T00:00:00Z" })).toEqual({
      fromSeconds: utc("2026-11-24T00:00:00Z"),
      toSeconds: utc("2026-11-25T00:00:00Z"),
    });
    expect(whenOf({ daily: "22:00-06:00", days: 3 })).toEqual({
      window: { startMinute: 1320, endMinute: 1800 },
      days: 3,
    });
  });

  test.each<[WhenOptions, string]>([
    [{}, "It is not said which intervals: give --from and --to, or --daily and --days."],
    [{ from: "2026-11-24" }, "It is not said which intervals: give --from and --to, or --daily and --days."],
    [{ days: 7 }, "--days needs the window of each day: add --daily 14:00-20:00."],
    [{ daily: "14:00-20:00" }, "--daily needs the number of days: add --days 7."],
    [
      { daily: "14:00-20:00", days: 7, from: "2026-11-24" },
      "--daily and --days stand in place of --from and --to: give either these or those.",
    ],
    [
      { days: 7, from: "2026-11-24", to: "2026-11-25" },
      "--daily and --days stand in place of --from and --to: give either these or those.",
    ],
    [
      { daily: "14-20", days: 7 },
      "--daily 14-20 is no window: write it like 14:00-20:00, 22:00-06:00, or 00:00-24:00 for whole days.",
    ],
    [
      { from: "2026-11-25", to: "2026-11-24" },
      "--to 2026-11-24 is not after --from 2026-11-25: give a later moment.",
    ],
  ])("and %j is refused in one sentence", (options, sentence) => {
    expect(() => whenOf(options)).toThrow(sentence);
  });
});

describe("windows of days", () => {
  test("are by the meter's clock and zone, and in UTC where it has none", () => {
    const [day] = windowsBefore(dailyOf("14:00-20:00", 1), clockAt("2026-07-01T18:00:00Z"), 900);
    expect(day).toEqual({
      date: "2026-07-01",
      fromSeconds: utc("2026-07-01T12:00:00Z"),
      toSeconds: utc("2026-07-01T18:00:00Z"),
    });
    expect(windowsBefore(dailyOf("14:00-20:00", 1), clockAt("2026-07-01T18:00:00Z", ""), 900)).toMatchObject([
      { date: "2026-06-30", fromSeconds: utc("2026-06-30T14:00:00Z") },
    ]);
  });

  test("of a meter that does not know the time, or has a zone that is none, are refused", () => {
    expect(() => windowsBefore(dailyOf("14:00-20:00", 1), clockAt(undefined), 900)).toThrow(
      "The meter does not know what time it is: give --from and --to.",
    );
    expect(() =>
      windowsBefore(dailyOf("14:00-20:00", 1), clockAt("2026-07-01T18:00:00Z", "CET"), 900),
    ).toThrow(
      `The meter's time zone "CET" cannot be used (At character 4: the offset such as -1 or 5:30 is missing): correct it at the meter.`,
    );
  });

  test.each([
    ["14:05-20:00", BERLIN, 900, "15"],
    ["14:00-20:30", BERLIN, 3600, "60"],
    ["14:00-20:00", "IST-5:30", 3600, "60"],
  ])(
    "%s in %s is refused where intervals of %i s reach over its ends",
    (daily, zone, periodSeconds, minutes) => {
      const clock = clockAt("2026-07-01T22:00:00Z", zone);
      expect(() => windowsBefore(dailyOf(daily, 1), clock, periodSeconds)).toThrow(
        `The window of 2026-07-01 begins or ends within an interval of ${minutes} min: give other times, or a shorter --interval.`,
      );
    },
  );

  test("before 1970 are refused", () => {
    const clock = clockAt("1970-02-01T00:00:00Z");
    expect(windowsBefore(dailyOf("14:00-20:00", 31), clock, 900)).toHaveLength(31);
    expect(() => windowsBefore(dailyOf("14:00-20:00", 33), clock, 900)).toThrow("begin before 1970");
  });
});

test("spans are asked for in whole intervals, and no more of them than a meter keeps", () => {
  expect(intervalsOf([{ fromSeconds: 1000, toSeconds: 1801 }], 900)).toEqual([
    { startSeconds: 900, count: 2 },
  ]);
  const year = { fromSeconds: 0, toSeconds: 366 * 86_400 };
  expect(intervalsOf([year], 3600)).toEqual([{ startSeconds: 0, count: 8784 }]);
  expect(() => intervalsOf([year], 900)).toThrow("35136 intervals are more than a meter keeps (18240)");
});

describe("a profile", () => {
  const from = utc("2026-11-24T13:00:00Z");
  const at = (startSeconds: number, value: number | undefined, flags = 0) => ({ startSeconds, value, flags });
  const profile: WholeProfile = {
    meter: "M1",
    register: "1-0:1.8.0*255",
    periodSeconds: 3600,
    step: 10,
    intervals: [
      at(from, 20),
      at(from + 3600, 30),
      at(from + 86_400, 5),
      at(from + 90_000, undefined, INTERVAL_FLAG.missing | INTERVAL_FLAG.powerDown),
    ],
    windows: [
      { date: "2026-11-24", fromSeconds: from, toSeconds: from + 7200 },
      { date: "2026-11-25", fromSeconds: from + 86_400, toSeconds: from + 93_600 },
    ],
    size: { requestBytes: 10, responseBytes: 20, milliseconds: 30 },
  };

  test("of windows of days has intervals, and each day's total, in its document", () => {
    expect(profileDocument(profile)).toEqual({
      meter: "M1",
      register: "1-0:1.8.0*255",
      unit: "Wh",
      interval: 3600,
      intervals: [
        { start: "2026-11-24T13:00:00Z", value: 200, flags: [] },
        { start: "2026-11-24T14:00:00Z", value: 300, flags: [] },
        { start: "2026-11-25T13:00:00Z", value: 50, flags: [] },
        { start: "2026-11-25T14:00:00Z", value: null, flags: ["missing", "power-down"] },
      ],
      days: [
        {
          date: "2026-11-24",
          from: "2026-11-24T13:00:00Z",
          to: "2026-11-24T15:00:00Z",
          total: 500,
          missing: 0,
        },
        {
          date: "2026-11-25",
          from: "2026-11-25T13:00:00Z",
          to: "2026-11-25T15:00:00Z",
          total: 50,
          missing: 1,
        },
      ],
      requestBytes: 10,
      responseBytes: 20,
      milliseconds: 30,
    });
  });

  test("of windows of days is a line with a bar for each day", () => {
    expect(profileLines(profile, true)).toEqual([
      "Meter M1, 1-0:1.8.0*255, intervals of 60 min in Wh",
      `  2026-11-24  500  ${"█".repeat(50)}`,
      "  2026-11-25  50   █████ (1 missing)",
      "Sum 550 Wh; missing intervals: 1",
      "10 bytes asked, 20 bytes answered, 30 ms",
    ]);
  });

  test("of a span has no days, and a line for each interval", () => {
    const { windows: _, ...span } = profile;
    expect(profileDocument(span)).not.toHaveProperty("days");
    expect(profileLines(span, false)).toHaveLength(7);
    expect(profileLines(span, true)).toHaveLength(13);
  });

  test("as CSV has a row for each interval", () => {
    expect(profileCsv(profile).slice(0, 2)).toEqual(["start,Wh,flags", "2026-11-24T13:00:00Z,200,"]);
    expect(profileCsv(profile).at(-1)).toBe("2026-11-25T14:00:00Z,,missing power-down");
  });
});
