import { describe, expect, test } from "vitest";
import type { TimeZone } from "../../../firmware/calendar/time-zone.ts";
import { integerBelow, SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { BACK_OVER_MIDNIGHT, hostClock, ZONES, zoneOf } from "../../support/zones.ts";

const HOUR = 3600;
const DAY = 86_400;
const SEED = 1003;
const RANDOM_INSTANTS = 700;

function utc(text: string): number {
  return Date.parse(text) / 1000;
}

/** The clock's text and its offset agree: the host's calendar of UTC, moved by the offset, is the same reading. */
function expectSame(zone: TimeZone, host: (utcSeconds: number) => string, utcSeconds: number): void {
  const ours = zone.format(utcSeconds).slice(0, 19).replace("T", " ");
  if (ours !== host(utcSeconds)) expect(`${utcSeconds}: ${ours}`).toBe(`${utcSeconds}: ${host(utcSeconds)}`);
}

function changesBetween(zone: TimeZone, first: number, last: number): number[] {
  const changes: number[] = [];
  let offset = zone.localTime(first).offsetSeconds;
  for (let at = first; at < last; at += DAY) {
    const next = zone.localTime(at + DAY).offsetSeconds;
    if (next === offset) continue;
    let [before, after] = [at, at + DAY];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (zone.localTime(middle).offsetSeconds === offset) before = middle;
      else after = middle;
    }
    changes.push(after);
    offset = next;
  }
  return changes;
}

describe.each(ZONES)("$name", ({ name, text, since }) => {
  const zone = zoneOf(text);
  const host = hostClock(name);
  const first = Date.UTC(since, 3, 30) / 1000;
  const last = Date.UTC(2041, 0, 1) / 1000;
  const changes = changesBetween(zone, first, last);

  test("shows what the host's clock shows around every change, on every twentieth day, and at random instants", () => {
    for (const change of changes) {
      for (let at = change - 2 * HOUR; at <= change + 2 * HOUR; at += 900) expectSame(zone, host, at);
      expectSame(zone, host, change - 1);
    }
    // A change that only the host knows shows for months; the odd step meets every hour of the day.
    for (let at = first; at < last; at += 20 * DAY + 8 * HOUR + 1) expectSame(zone, host, at);
    const random = new SeededRandom(SEED).fork(name);
    for (let i = 0; i < RANDOM_INSTANTS; i++)
      expectSame(zone, host, first + integerBelow(random, last - first));
  });

  test("finds each instant among those that its reading names, and none for a reading that is not shown", () => {
    const random = new SeededRandom(SEED).fork(`${name} back`);
    for (let i = 0; i < 200; i++) {
      const near = changes[integerBelow(random, changes.length || 1)] ?? first;
      const at = near - 2 * HOUR + integerBelow(random, 4 * HOUR);
      const wall = zone.wallSeconds(at);
      const brute = [-3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3]
        .map((hours) => at + hours * HOUR)
        .filter((other) => zone.wallSeconds(other) === wall);
      const found = [...zone.instantsOf(wall), zone.firstInstantFrom(wall)];
      if (String(found) !== String([...brute, brute[0]])) expect(found).toEqual([...brute, brute[0]]);
    }
  });

  test("has local days that follow each other, each as long as the host's", () => {
    for (const change of changes) {
      const { startSeconds, endSeconds } = zone.day(zone.localTime(change));
      const date = host(change).slice(0, 10);
      expect([host(startSeconds).slice(0, 10), host(endSeconds - 1).slice(0, 10)]).toEqual([date, date]);
      expect(host(startSeconds - 1) < date).toBe(true);
      expect(host(endSeconds).slice(0, 10) > date).toBe(true);
    }
  });
});

describe("a time zone", () => {
  const berlin = zoneOf("CET-1CEST,M3.5.0,M10.5.0/3");

  test("tells an ambiguous reading's two instants apart by the offset", () => {
    const instants = berlin.instantsOf(utc("2026-10-25T02:30:00Z"));
    expect(instants.map((at) => berlin.format(at))).toEqual([
      "2026-10-25T02:30:00+02:00",
      "2026-10-25T02:30:00+01:00",
    ]);
  });

  test("has no instant for a reading in a gap, and the gap's end for what was to be in it", () => {
    const gap = utc("2026-03-29T02:30:00Z");
    expect(berlin.instantsOf(gap)).toEqual([]);
    expect(berlin.format(berlin.firstInstantFrom(gap))).toBe("2026-03-29T03:00:00+02:00");
  });

  test.each([
    ["CET-1CEST,M3.5.0,M10.5.0/3", [92, 96, 100]],
    ["<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", [94, 96, 98]],
    ["IST-5:30", [96, 96, 96]],
  ])("%s has days of %j quarter-hours", (text, lengths) => {
    const zone = zoneOf(text);
    const found = new Set<number>(lengths);
    for (let month = 1; month <= 12; month++) {
      for (let day = 1; day <= 28; day++) {
        const { startSeconds, endSeconds } = zone.day({ year: 2026, month, day });
        found.add((endSeconds - startSeconds) / 900);
      }
    }
    expect([...found].sort((a, b) => a - b)).toEqual([...new Set(lengths)]);
  });

  test("says which times are daylight saving time, also where that is behind standard time", () => {
    expect(berlin.localTime(utc("2026-07-01T00:00:00Z"))).toEqual({
      ...{ year: 2026, month: 7, day: 1, hour: 2, minute: 0, second: 0 },
      ...{ offsetSeconds: 7200, isDaylight: true, zoneName: "CEST" },
    });
    const dublin = zoneOf("IST-1GMT0,M10.5.0,M3.5.0/1");
    expect(dublin.localTime(utc("2026-01-01T00:00:00Z"))).toMatchObject({
      offsetSeconds: 0,
      isDaylight: true,
    });
  });

  test.each([
    ["2038-01-19T03:14:07Z", "2038-01-19T04:14:07+01:00"],
    ["2038-01-19T03:14:08Z", "2038-01-19T04:14:08+01:00"],
    ["2028-02-28T23:00:00Z", "2028-02-29T00:00:00+01:00"],
    ["2100-02-28T23:00:00Z", "2100-03-01T00:00:00+01:00"],
    ["2027-12-31T23:00:00Z", "2028-01-01T00:00:00+01:00"],
    ["1970-01-01T00:00:00Z", "1970-01-01T01:00:00+01:00"],
    ["2199-12-31T22:59:59Z", "2199-12-31T23:59:59+01:00"],
  ])("%s in Berlin is %s", (instant, text) => {
    expect(berlin.format(utc(instant))).toBe(text);
  });

  test("cuts fractions of a second", () => {
    expect(berlin.format(utc("2026-03-29T00:59:59Z") + 0.75)).toBe("2026-03-29T01:59:59+01:00");
  });

  test("writes an offset to the second where the string has one", () => {
    expect(zoneOf("LMT0:25:21").format(0)).toBe("1969-12-31T23:34:39-00:25:21");
  });

  test("keeps the new day where the clock goes back over midnight: no day begins twice", () => {
    const zone = zoneOf(BACK_OVER_MIDNIGHT);
    const saturday = zone.day({ year: 2010, month: 11, day: 6 });
    const sunday = zone.day({ year: 2010, month: 11, day: 7 });
    expect(zone.format(sunday.startSeconds)).toBe("2010-11-07T00:00:00-02:30");
    expect(zone.format(sunday.startSeconds + 60)).toBe("2010-11-06T23:01:00-03:30");
    expect(sunday.startSeconds).toBe(saturday.endSeconds);
    expect((sunday.endSeconds - sunday.startSeconds) / HOUR).toBe(25);
  });

  test("has a latest reading that never goes back, and is the highest of all before it", () => {
    for (const text of ["CET-1CEST,M3.5.0,M10.5.0/3", BACK_OVER_MIDNIGHT]) {
      const zone = zoneOf(text);
      for (const change of changesBetween(zone, utc("2026-01-01T00:00:00Z"), utc("2028-01-01T00:00:00Z"))) {
        let highest = 0;
        for (let at = change - 2 * HOUR; at < change + 2 * HOUR; at++) {
          highest = Math.max(highest, zone.wallSeconds(at));
          if (zone.latestWallSeconds(at) !== highest) expect(zone.latestWallSeconds(at)).toBe(highest);
        }
      }
    }
  });
});
