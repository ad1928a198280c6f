import { describe, expect, test } from "vitest";
import {
  IntervalProfile,
  type IntervalRow,
  intervalsInSteps,
} from "../../../firmware/metrology/interval-profile.ts";

const MIDNIGHT = 1764028800;
const POWER_DOWN = 0x80;
const MISSING = 0x10;
const NOT_VALID = 0x04;
const ERROR = 0x01;

/** Minutes after midnight and the register in Wh at that time. */
type Step = readonly [minutes: number, wattHours: number];

const IMPORT = "1-0:1.8.0*255";
const at = (utcSeconds: number) => ({ utcSeconds, bootSeconds: utcSeconds - MIDNIGHT });

function profileOf([first, ...steps]: readonly Step[], capacity = 100): IntervalProfile {
  const [start, register] = first as Step;
  const options = { capacity, channels: [IMPORT] };
  const profile = new IntervalProfile(options, 1, at(MIDNIGHT + 60 * start), [1000 * register]);
  for (const [minutes, wattHours] of steps) profile.advance(at(MIDNIGHT + 60 * minutes), [1000 * wattHours]);
  return profile;
}

function valuesOf(profile: IntervalProfile, count: number, fromMinutes = 0): (number | undefined)[] {
  const rows = profile.read(MIDNIGHT + 60 * fromMinutes, count);
  return intervalsInSteps(rows, 1).map(({ value }) => value);
}

function flagsOf(profile: IntervalProfile, count: number): number[] {
  return profile.read(MIDNIGHT, count).map(({ flags }) => flags);
}

describe("an interval profile", () => {
  test("closes an interval at the first reading at or after its end, with all energy up to it", () => {
    const profile = profileOf([
      [0, 100],
      [14, 150],
      [15, 160],
      [20, 170],
      [31, 200],
    ]);
    expect(valuesOf(profile, 2)).toEqual([60, 40]);
    expect(flagsOf(profile, 2)).toEqual([0, 0]);
  });

  test("the open interval and those to come are missing, not 0", () => {
    const profile = profileOf([
      [0, 100],
      [15, 160],
      [16, 170],
    ]);
    expect(valuesOf(profile, 3)).toEqual([60, undefined, undefined]);
    expect(flagsOf(profile, 3)).toEqual([0, MISSING, MISSING]);
  });

  test("an interval without energy is 0 and not missing", () => {
    expect(
      valuesOf(
        profileOf([
          [0, 5],
          [15, 5],
        ]),
        1,
      ),
    ).toEqual([0]);
  });

  test("the first interval is partial and says so, unless it starts on a boundary", () => {
    expect(
      flagsOf(
        profileOf([
          [3, 0],
          [15, 10],
          [30, 20],
        ]),
        2,
      ),
    ).toEqual([POWER_DOWN, 0]);
    expect(
      flagsOf(
        profileOf([
          [0, 0],
          [15, 10],
        ]),
        1,
      ),
    ).toEqual([0]);
  });

  test("a stall over three boundaries gives its energy to the interval that closes; two are missing", () => {
    const profile = profileOf([
      [0, 0],
      [50, 400],
      [60, 500],
      [75, 600],
    ]);
    expect(valuesOf(profile, 5)).toEqual([400, undefined, undefined, 100, 100]);
    expect(flagsOf(profile, 5)).toEqual([NOT_VALID, MISSING, MISSING, NOT_VALID, 0]);
  });

  test("a stall that ends on a boundary leaves the interval after it whole", () => {
    const profile = profileOf([
      [0, 0],
      [45, 400],
      [60, 500],
    ]);
    expect(flagsOf(profile, 4)).toEqual([NOT_VALID, MISSING, MISSING, 0]);
  });

  test("keeps as many rows as it has room for, the newest", () => {
    const profile = profileOf(
      Array.from({ length: 11 }, (_, i): Step => [15 * i, i]),
      4,
    );
    expect(valuesOf(profile, 10)).toEqual([...Array(6).fill(undefined), 1, 1, 1, 1]);
  });

  test("a read starts with the interval that its start lies in", () => {
    const profile = profileOf([
      [0, 0],
      [15, 10],
      [30, 30],
    ]);
    const rows = profile.read(MIDNIGHT + 899, 2);
    expect(rows.map(({ startSeconds }) => startSeconds)).toEqual([MIDNIGHT, MIDNIGHT + 900]);
  });

  test("intervals lie on the grid of their own period", () => {
    const options = { periodSeconds: 300, capacity: 10, channels: [IMPORT] };
    const profile = new IntervalProfile(options, 1, at(MIDNIGHT), [0]);
    profile.advance(at(MIDNIGHT + 300.25), [7000]);
    expect(profile.read(MIDNIGHT, 1)).toEqual([
      { startSeconds: MIDNIGHT, flags: 0, register: { startMilli: 0, endMilli: 7000 } },
    ]);
  });

  test("five channels are cut at once, and one that is not measured is missing alone", () => {
    const channels = ["1.8.0", "2.8.0", "3.8.0", "21.8.0", "9.8.0"].map((short) => `1-0:${short}*255`);
    const profile = new IntervalProfile({ capacity: 10, channels }, 1, at(MIDNIGHT), [1, 2, undefined, 4, 5]);
    profile.advance(at(MIDNIGHT + 900), [11, 22, undefined, 44, 55]);
    const values = channels.map((_, channel) => profile.read(MIDNIGHT, 1, channel)[0]?.register);
    expect(values.map((span) => span && span.endMilli - span.startMilli)).toEqual([
      10,
      20,
      undefined,
      40,
      50,
    ]);
    expect(profile.read(MIDNIGHT, 1, 2)[0]?.flags).toBe(MISSING);
  });

  test("190 days of five channels take less than 10 MB, and any day is read in less than 5 ms", () => {
    const channels = Array<string>(5).fill(IMPORT);
    const before = process.memoryUsage().arrayBuffers;
    const profile = new IntervalProfile({ capacity: 18_240, channels }, 1, at(MIDNIGHT), [0, 0, 0, 0, 0]);
    for (let i = 1; i <= 18_240; i++) profile.advance(at(MIDNIGHT + 900 * i), Array<number>(5).fill(i));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10e6);
    const started = process.cpuUsage();
    for (let day = 0; day < 190; day++) profile.read(MIDNIGHT + 86_400 * day, 96);
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1000 / 190).toBeLessThan(5);
  });

  test("a profile that is none is a bug of the caller", () => {
    const make = (options: object) => () =>
      new IntervalProfile({ capacity: 1, channels: [IMPORT], ...options }, 1, at(MIDNIGHT), [0]);
    expect(make({ capacity: 0 })).toThrow("row");
    expect(make({ periodSeconds: 600 })).toThrow("600 s");
    expect(make({ channels: [] })).toThrow("1 to 5");
    expect(make({ channels: Array(6).fill(IMPORT) })).toThrow("1 to 5");
  });
});

describe("intervals in steps", () => {
  const row = (startMilli: number, endMilli: number, flags = 0): IntervalRow => ({
    startSeconds: MIDNIGHT,
    flags,
    register: { startMilli, endMilli },
  });

  test("are differences of the register cut to whole steps", () => {
    expect(intervalsInSteps([row(999, 1000), row(1000, 1999), row(1999, 10_000)], 1)).toEqual([
      { value: 1, flags: 0 },
      { value: 0, flags: 0 },
      { value: 9, flags: 0 },
    ]);
    expect(intervalsInSteps([row(9_999, 10_000)], 10)).toEqual([{ value: 1, flags: 0 }]);
  });

  test("a value over 2^20 steps is missing with an error, and there in larger steps", () => {
    const million = 1_048_576_000;
    expect(intervalsInSteps([row(0, million)], 1)).toEqual([{ value: 1_048_576, flags: 0 }]);
    expect(intervalsInSteps([row(0, million + 1000, POWER_DOWN)], 1)).toEqual([
      { value: undefined, flags: POWER_DOWN | MISSING | ERROR },
    ]);
    expect(intervalsInSteps([row(0, million + 1000, POWER_DOWN)], 10)).toEqual([
      { value: 104_857, flags: POWER_DOWN },
    ]);
  });

  test("no step below 1 Wh or broken", () => {
    expect(() => intervalsInSteps([], 0)).toThrow("no step");
    expect(() => intervalsInSteps([], 0.0005)).toThrow("no step");
  });
});
