import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  IntervalProfile,
  type IntervalRow,
  intervalsInSteps,
} from "../../../firmware/metrology/interval-profile.ts";

const MIDNIGHT = 1764028800;
const POWER_DOWN = 0x80;
const CLOCK_ADJUSTED = 0x20;
const MISSING = 0x10;
const NOT_VALID = 0x04;
const ERROR = 0x01;

/** Minutes after midnight and the register in Wh at that time. */
type Step = readonly [minutes: number, wattHours: number];

function profileOf(steps: readonly Step[], capacity = 100): IntervalProfile {
  const profile = new IntervalProfile({ capacity });
  for (const [minutes, wattHours] of steps) profile.advance(MIDNIGHT + 60 * minutes, 1000 * wattHours);
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

  test("a clock set back overwrites nothing: the open interval takes the energy and says why", () => {
    const profile = profileOf([
      [0, 0],
      [15, 10],
      [30, 30],
      [31, 31],
      [5, 40],
      [16, 50],
      [29, 60],
      [45, 70],
    ]);
    expect(valuesOf(profile, 4)).toEqual([10, 20, 40, undefined]);
    expect(flagsOf(profile, 4)).toEqual([0, 0, CLOCK_ADJUSTED | NOT_VALID, MISSING]);
  });

  test("the interval after a clock set back is plain again", () => {
    const profile = profileOf([
      [0, 0],
      [15, 10],
      [10, 20],
      [30, 30],
      [45, 40],
    ]);
    expect(flagsOf(profile, 3)).toEqual([0, CLOCK_ADJUSTED | NOT_VALID, 0]);
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
    const profile = new IntervalProfile({ periodSeconds: 300, capacity: 10 });
    profile.advance(MIDNIGHT, 0);
    profile.advance(MIDNIGHT + 300.25, 7000);
    expect(profile.read(MIDNIGHT, 1)).toEqual([
      { startSeconds: MIDNIGHT, flags: 0, register: { startMilliwattHours: 0, endMilliwattHours: 7000 } },
    ]);
  });

  test("a register that goes back or is no integer, and a time that is none, are bugs of the caller", () => {
    const profile = profileOf([[0, 10]]);
    expect(() => profile.advance(MIDNIGHT + 1, 9999)).toThrow("after 10000 mWh");
    expect(() => profile.advance(MIDNIGHT + 1, 10000.5)).toThrow("10000.5");
    expect(() => profile.advance(Number.NaN, 10000)).toThrow("no time");
    expect(() => new IntervalProfile({ capacity: 0 })).toThrow("row");
    expect(() => new IntervalProfile({ periodSeconds: 0.5, capacity: 1 })).toThrow("whole seconds");
  });
});

describe("intervals in steps", () => {
  const row = (startMilliwattHours: number, endMilliwattHours: number, flags = 0): IntervalRow => ({
    startSeconds: MIDNIGHT,
    flags,
    register: { startMilliwattHours, endMilliwattHours },
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

describe("intervals and register", () => {
  interface Move {
    readonly seconds: number;
    readonly milliwattHours: number;
  }

  const moves: fc.Arbitrary<Move[]> = fc.array(
    fc.record({
      seconds: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 1, max: 600 }) },
        fc.integer({ min: 600, max: 10_000 }),
        fc.integer({ min: -5000, max: 0 }),
      ),
      milliwattHours: fc.integer({ min: 0, max: 3_000_000 }),
    }),
    { minLength: 1, maxLength: 120 },
  );

  interface Played {
    readonly profile: IntervalProfile;
    /** Latest time that the clock has shown. */
    readonly lastSeconds: number;
    readonly register: number;
  }

  /** A meter that starts at midnight with this register and makes these moves. */
  function play(all: readonly Move[], start: number): Played {
    const profile = new IntervalProfile({ capacity: 2000 });
    let [utc, lastSeconds, register] = [MIDNIGHT, MIDNIGHT, start];
    profile.advance(utc, register);
    for (const { seconds, milliwattHours } of all) {
      utc += seconds;
      register += milliwattHours;
      lastSeconds = Math.max(lastSeconds, utc);
      profile.advance(utc, register);
    }
    return { profile, lastSeconds, register };
  }

  function sumOf(profile: IntervalProfile, count: number, page: number, step: number): number {
    let sum = 0;
    for (let at = 0; at < count; at += page) {
      const rows = profile.read(MIDNIGHT + 900 * at, Math.min(page, count - at));
      for (const { value = 0 } of intervalsInSteps(rows, step)) sum += value;
    }
    return sum;
  }

  test("agree over any rows that follow each other, in any step and any pages, whatever the clock did", () => {
    const step = fc.constantFrom(1, 10, 100, 1000);
    const property = fc.property(moves, step, fc.integer({ min: 1, max: 96 }), (all, stepWattHours, page) => {
      const start = 123_456;
      const { profile, lastSeconds } = play(all, start);
      const count = Math.floor((lastSeconds - MIDNIGHT) / 900) + 2;
      const spans = profile.read(MIDNIGHT, count).flatMap(({ register }) => register ?? []);
      let end = start;
      for (const span of spans) {
        expect(span.startMilliwattHours).toBe(end);
        end = span.endMilliwattHours;
      }
      const mwh = 1000 * stepWattHours;
      expect(sumOf(profile, count, page, stepWattHours)).toBe(
        Math.floor(end / mwh) - Math.floor(start / mwh),
      );
    });
    fc.assert(property, { seed: 9, numRuns: 400 });
  });

  test("what is in no closed interval is in the open one: closing it makes the rows the whole register", () => {
    const property = fc.property(moves, (all) => {
      const { profile, lastSeconds, register } = play(all, 0);
      const boundary = 900 * (Math.floor(lastSeconds / 900) + 1);
      profile.advance(boundary, register);
      const rows = profile.read(MIDNIGHT, (boundary - MIDNIGHT) / 900);
      const energy = rows.map(({ register: span }) =>
        span === undefined ? 0 : span.endMilliwattHours - span.startMilliwattHours,
      );
      expect(energy.reduce((sum, each) => sum + each, 0)).toBe(register);
    });
    fc.assert(property, { seed: 10, numRuns: 300 });
  });
});
