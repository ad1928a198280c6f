import { describe, expect, test } from "vitest";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import {
  type DailyWindow,
  joinedSpans,
  latestWindows,
  parseDailyWindow,
  windowTotals,
} from "../../host-tools/daily-windows.ts";
import { BACK_OVER_MIDNIGHT, ZONES, zoneOf } from "../support/zones.ts";

const DAY = 86_400;
const SEED = 5015;

const zones = new Map<string, string>(ZONES.map(({ name, text }) => [name, text]));

function windowOf(text: string): DailyWindow {
  const window = parseDailyWindow(text);
  if (window === undefined) throw new Error(`${text} is no window`);
  return window;
}

function utc(text: string): number {
  return Date.parse(text) / 1000;
}

/** Windows as `DATE FROM TO`, both ends in UTC to the minute. */
function latest(text: string, zone: string, now: string, count: number): string[] {
  const windows = latestWindows(windowOf(text), zoneOf(zone), utc(now), count);
  const minute = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(5, 16);
  return windows.map(
    ({ date, fromSeconds, toSeconds }) => `${date} ${minute(fromSeconds)} ${minute(toSeconds)}`,
  );
}

describe("a window is written", () => {
  test.each([
    ["14:00-20:00", { startMinute: 840, endMinute: 1200 }],
    ["22:00-06:00", { startMinute: 1320, endMinute: 1800 }],
    ["00:00-24:00", { startMinute: 0, endMinute: 1440 }],
    ["22:00-24:00", { startMinute: 1320, endMinute: 1440 }],
    ["22:00-00:00", { startMinute: 1320, endMinute: 1440 }],
    ["12:30-12:29", { startMinute: 750, endMinute: 2189 }],
  ])("as %s", (text, window) => {
    expect(parseDailyWindow(text)).toEqual(window);
  });

  test.each(["", "14-20", "14:00", "14:00-14:00", "24:00-06:00", "14:00-24:01", "14:60-20:00", "9:00-10:00"])(
    "and not as '%s'",
    (text) => {
      expect(parseDailyWindow(text)).toBeUndefined();
    },
  );
});

describe("the latest days", () => {
  const berlin = zones.get("Europe/Berlin") as string;

  test("have today among them as soon as its window is over, and not a second before", () => {
    expect(latest("14:00-20:00", berlin, "2026-11-25T18:59:59Z", 2)).toEqual([
      "2026-11-23 11-23T13:00 11-23T19:00",
      "2026-11-24 11-24T13:00 11-24T19:00",
    ]);
    expect(latest("14:00-20:00", berlin, "2026-11-25T19:00:00Z", 2)).toEqual([
      "2026-11-24 11-24T13:00 11-24T19:00",
      "2026-11-25 11-25T13:00 11-25T19:00",
    ]);
  });

  test("are of the meter's calendar, not of UTC's", () => {
    const kolkata = zones.get("Asia/Kolkata") as string;
    expect(latest("00:00-00:30", kolkata, "2026-11-24T19:00:00Z", 1)).toEqual([
      "2026-11-25 11-24T18:30 11-24T19:00",
    ]);
  });

  test("have a window over midnight as the day's that it begins on", () => {
    expect(latest("22:00-06:00", berlin, "2026-11-25T04:59:59Z", 1)).toEqual([
      "2026-11-23 11-23T21:00 11-24T05:00",
    ]);
    expect(latest("22:00-06:00", berlin, "2026-11-25T05:00:00Z", 1)).toEqual([
      "2026-11-24 11-24T21:00 11-25T05:00",
    ]);
    expect(latest("12:00-11:59", berlin, "2026-11-25T10:00:00Z", 1)).toEqual([
      "2026-11-23 11-23T11:00 11-24T10:59",
    ]);
  });

  test("end with yesterday where whole days are asked for", () => {
    expect(latest("00:00-24:00", "UTC0", "2026-03-01T00:00:00Z", 2)).toEqual([
      "2026-02-27 02-27T00:00 02-28T00:00",
      "2026-02-28 02-28T00:00 03-01T00:00",
    ]);
  });
});

describe("on days on which clocks change", () => {
  test.each([
    // An afternoon, and a night that loses or gains what the clock does.
    ["Europe/Berlin", "14:00-20:00", "2026-03-28 03-28T13:00 03-28T19:00"],
    ["Europe/Berlin", "14:00-20:00", "2026-03-29 03-29T12:00 03-29T18:00"],
    ["Europe/Berlin", "22:00-06:00", "2026-03-28 03-28T21:00 03-29T04:00"],
    ["Europe/Berlin", "22:00-06:00", "2026-10-24 10-24T20:00 10-25T05:00"],
    // 02:00 to 03:00 is left out: its readings are the instant of the change.
    ["Europe/Berlin", "00:00-02:30", "2026-03-29 03-28T23:00 03-29T01:00"],
    ["Europe/Berlin", "02:30-06:00", "2026-03-29 03-29T01:00 03-29T04:00"],
    ["Europe/Berlin", "02:00-03:00", "2026-03-29 03-29T01:00 03-29T01:00"],
    // 02:00 to 03:00 is there twice: its readings are the first of two.
    ["Europe/Berlin", "00:00-02:30", "2026-10-25 10-24T22:00 10-25T00:30"],
    ["Europe/Berlin", "02:30-06:00", "2026-10-25 10-25T00:30 10-25T05:00"],
    ["Europe/Berlin", "02:00-03:00", "2026-10-25 10-25T00:00 10-25T02:00"],
    ["America/New_York", "14:00-20:00", "2026-03-07 03-07T19:00 03-08T01:00"],
    ["America/New_York", "14:00-20:00", "2026-03-08 03-08T18:00 03-09T00:00"],
    ["America/New_York", "02:30-06:00", "2026-03-08 03-08T07:00 03-08T10:00"],
    ["America/New_York", "22:00-02:30", "2026-03-07 03-08T03:00 03-08T07:00"],
    ["America/New_York", "00:00-01:30", "2026-11-01 11-01T04:00 11-01T05:30"],
    ["America/New_York", "01:30-06:00", "2026-11-01 11-01T05:30 11-01T11:00"],
    // Half an hour: 02:00 to 02:30 is left out, 01:30 to 02:00 is there twice.
    ["Australia/Lord_Howe", "02:15-06:00", "2026-10-04 10-03T15:30 10-03T19:00"],
    ["Australia/Lord_Howe", "00:00-02:15", "2026-10-04 10-03T13:30 10-03T15:30"],
    ["Australia/Lord_Howe", "02:00-02:30", "2026-10-04 10-03T15:30 10-03T15:30"],
    ["Australia/Lord_Howe", "00:00-01:45", "2026-04-05 04-04T13:00 04-04T14:45"],
    ["Australia/Lord_Howe", "01:45-06:00", "2026-04-05 04-04T14:45 04-04T19:30"],
  ])("%s has %s at %s", (name, text, expected) => {
    const end = expected.slice(-11);
    const now = `${expected.slice(0, 4)}-${end}:00Z`;
    expect(latest(text, zones.get(name) as string, now, 1)).toEqual([expected]);
  });

  const all = [...zones, ["St John's until 2011", BACK_OVER_MIDNIGHT] as const];
  test.each(all)(
    "%s has windows that fill each day without gap or overlap, wherever it is cut",
    (name, text) => {
      const zone = zoneOf(text);
      const random = new SeededRandom(SEED).fork(name);
      for (let now = utc("2026-01-03T00:00:00Z"); now < utc("2028-01-03T00:00:00Z"); now += 100 * DAY) {
        const cut = 1 + integerBelow(random, 1439);
        const count = 100;
        const whole = latestWindows({ startMinute: 0, endMinute: 1440 }, zone, now, count);
        expect(joinedSpans(whole)).toHaveLength(1);
        // A day later all parts of the last whole day are over.
        const partsUntil = (whole.at(-1)?.toSeconds ?? 0) + 1;
        const first = latestWindows({ startMinute: 0, endMinute: cut }, zone, partsUntil, count + 1);
        const second = latestWindows({ startMinute: cut, endMinute: 1440 }, zone, partsUntil, count);
        const parts = whole.map(({ date }, i) => {
          const before = first.find((each) => each.date === date);
          const after = second[i];
          return before?.toSeconds === after?.fromSeconds
            ? { date, fromSeconds: before?.fromSeconds, toSeconds: after?.toSeconds }
            : { before, after };
        });
        expect(parts).toEqual(whole);
      }
    },
  );
});

describe("what is asked for", () => {
  const spans = (text: string, count: number) =>
    joinedSpans(latestWindows(windowOf(text), zoneOf("UTC0"), utc("2026-03-01T00:00:00Z"), count));

  test("is a span for each window, and one for whole days that follow each other", () => {
    expect(spans("14:00-20:00", 3)).toHaveLength(3);
    expect(spans("00:00-24:00", 3)).toEqual([
      { fromSeconds: utc("2026-02-26T00:00:00Z"), toSeconds: utc("2026-03-01T00:00:00Z") },
    ]);
  });

  test("is nothing for a window that the clock leaves out", () => {
    const berlin = zones.get("Europe/Berlin") as string;
    const windows = latestWindows(windowOf("02:00-03:00"), zoneOf(berlin), utc("2026-03-29T12:00:00Z"), 2);
    expect(joinedSpans(windows)).toEqual([
      { fromSeconds: utc("2026-03-28T01:00:00Z"), toSeconds: utc("2026-03-28T02:00:00Z") },
    ]);
  });
});

describe("a window's total", () => {
  const from = utc("2026-02-28T00:00:00Z");
  const at = (i: number, value: number | undefined) => ({ startSeconds: from + i * 900, value, flags: 0 });
  const window = (first: number, after: number) => ({
    date: "2026-02-28",
    fromSeconds: from + first * 900,
    toSeconds: from + after * 900,
  });

  test("is of the intervals within it, in the register's unit", () => {
    const intervals = [at(0, 1), at(1, 2), at(4, 3), at(5, 4)];
    const totals = windowTotals([window(0, 2), window(4, 6)], intervals, 10);
    expect(totals.map(({ total, missing }) => [total, missing])).toEqual([
      [30, 0],
      [70, 0],
    ]);
  });

  test("tells how many intervals it lacks, and is none where all are missing", () => {
    const intervals = [at(0, undefined), at(1, 2), at(4, undefined)];
    const totals = windowTotals([window(0, 2), window(4, 5), window(6, 6)], intervals, 1);
    expect(totals.map(({ total, missing }) => [total, missing])).toEqual([
      [2, 1],
      [undefined, 1],
      [0, 0],
    ]);
  });
});
