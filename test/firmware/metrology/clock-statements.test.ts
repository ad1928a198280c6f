// What the profile does when the clock or the supply does what it should not: one test for a statement.
import { expect, test } from "vitest";
import { EnergyEngine, type SavedEngine } from "../../../firmware/metrology/energy-engine.ts";
import type { MeterTime } from "../../../firmware/metrology/interval-cutter.ts";
import type {
  IntervalProfile,
  IntervalRecord,
  ProfileEntry,
} from "../../../firmware/metrology/interval-profile.ts";

const MIDNIGHT = Date.UTC(2026, 10, 24) / 1000;
const IMPORT = "1-0:1.8.0*255";
const POWER_DOWN = 0x80;
const ADJUSTED = 0x20;
const MISSING = 0x10;
const SUMMER = 0x08;
const NOT_VALID = 0x04;
const NO_CLOCK = 0x02;

type MeterOptions = Partial<ConstructorParameters<typeof EnergyEngine>[0]>;

/** A meter that is given 1 Wh at a time, by minutes after midnight. */
class Bench {
  readonly engine: EnergyEngine;
  readonly #rows: IntervalRecord[];
  #bootMinutes = 0;
  #minutes: number | undefined;

  constructor(start: number | "no clock" = 0, saved?: SavedEngine, options: MeterOptions = {}) {
    this.#minutes = start === "no clock" ? undefined : start;
    this.#rows = [...(saved?.rows[0] ?? [])];
    const onRow = (_: number, row: IntervalRecord) => void this.#rows.push(row);
    const profiles = [{ capacity: 400, channels: [IMPORT] }];
    this.engine = new EnergyEngine({ profiles, onRow, ...options }, this.#time(), saved);
  }

  /** Takes readings each minute until the clock shows `minutes`, each of 1 Wh. */
  run(minutes: number): this {
    while (this.#minutes !== undefined && this.#minutes < minutes) this.pass(1);
    return this;
  }

  /** Lets time pass without a reading, and takes one then. */
  pass(minutes: number, milliwattHours = 1000): this {
    this.#bootMinutes += minutes;
    if (this.#minutes !== undefined) this.#minutes += minutes;
    this.engine.book({ activeImport: milliwattHours }, this.#time());
    return this;
  }

  adjust(minutes: number): this {
    const fromSeconds = this.#time().utcSeconds;
    this.#minutes = minutes;
    this.engine.clockChanged({ kind: "adjusted", fromSeconds }, this.#time());
    return this;
  }

  synchronise(bySeconds: number): this {
    this.#minutes = (this.#minutes ?? 0) + bySeconds / 60;
    this.engine.clockChanged({ kind: "synchronised" }, this.#time());
    return this;
  }

  /** The clock goes on, or back, and nobody says so. */
  step(minutes: number | undefined): this {
    this.#minutes = minutes;
    return this;
  }

  saved(): SavedEngine {
    return { state: this.engine.state(), rows: [[...this.#rows]] };
  }

  get profile(): IntervalProfile {
    return this.engine.profile(0) as IntervalProfile;
  }

  get register(): number {
    return this.engine.energyMilli(IMPORT) as number;
  }

  /** `[start in minutes, flags, Wh]` of every entry, in the order of their making. */
  get entries(): (number | undefined)[][] {
    return this.all.map(({ startSeconds, flags, starts, ends }) => [
      startSeconds === undefined ? undefined : (startSeconds - MIDNIGHT) / 60,
      flags,
      ((ends[0] as number) - (starts[0] as number)) / 1000,
    ]);
  }

  get all(): ProfileEntry[] {
    return this.profile.entries(0, Number.POSITIVE_INFINITY);
  }

  flags(count: number, fromMinutes = 0): number[] {
    return this.profile.read(MIDNIGHT + 60 * fromMinutes, count).map(({ flags }) => flags);
  }

  #time(): MeterTime {
    const utcSeconds = this.#minutes === undefined ? undefined : MIDNIGHT + 60 * this.#minutes;
    return { utcSeconds, bootSeconds: 60 * this.#bootMinutes };
  }
}

test("1. The sum of all intervals since any point is the register's difference, whatever the clock did", () => {
  const bench = new Bench()
    .run(20)
    .adjust(200)
    .run(230)
    .adjust(3)
    .run(40)
    .step(undefined)
    .pass(20)
    .step(90)
    .run(200);
  bench.step(150).run(241).adjust(300).run(301);
  const entries = bench.all;
  for (const [i, { starts, sequence }] of entries.entries()) {
    expect(starts).toEqual(i === 0 ? [0] : entries[i - 1]?.ends);
    expect(sequence).toBe(i + 1);
  }
  expect(entries.at(-1)?.ends[0]).toBe(bench.register - 1000);
});

test("2. A synchronisation within the limit inside an interval leaves one entry without a flag", () => {
  expect(new Bench().run(5).synchronise(10).run(15).entries).toEqual([[0, 0, 15]]);
  expect(new Bench().run(5).synchronise(-10).run(15).entries).toEqual([[0, 0, 16]]);
});

test("2. A synchronisation within the limit back over a boundary makes no second entry", () => {
  const bench = new Bench().run(15).synchronise(-9).run(30);
  expect(bench.entries).toEqual([
    [0, 0, 15],
    [15, 0, 16],
  ]);
  expect(new Bench().run(15).step(14.9).run(30).entries).toEqual(bench.entries);
});

test("3. A synchronisation beyond the limit sets clockAdjusted on the interval that it lands in", () => {
  expect(new Bench().run(5).adjust(6).run(30).flags(2)).toEqual([ADJUSTED, 0]);
  expect(new Bench().run(5).adjust(4).run(30).flags(2)).toEqual([ADJUSTED, 0]);
  expect(new Bench().run(14).adjust(16).run(45).flags(3)).toEqual([ADJUSTED, ADJUSTED, 0]);
});

test("4. A forward jump over k boundaries closes once with clockAdjusted and invents nothing: k - 1 are missing", () => {
  const bench = new Bench().run(5).adjust(65).run(90);
  expect(bench.entries).toEqual([
    [0, ADJUSTED, 5],
    [60, ADJUSTED, 10],
    [75, 0, 15],
  ]);
  expect(bench.flags(6)).toEqual([ADJUSTED, MISSING, MISSING, MISSING, ADJUSTED, 0]);
});

test("5. A backward jump into a closed interval closes the current one, and a read returns both entries", () => {
  const bench = new Bench().run(40).adjust(5).run(60);
  expect(bench.entries).toEqual([
    [0, 0, 15],
    [15, 0, 15],
    [30, ADJUSTED | NOT_VALID, 10],
    [0, ADJUSTED, 10],
    [15, ADJUSTED, 15],
    [30, ADJUSTED, 15],
    [45, 0, 15],
  ]);
  const first = bench.profile.entries(MIDNIGHT, MIDNIGHT + 900);
  expect(first.map(({ sequence }) => sequence)).toEqual([1, 4]);
  const newest = bench.profile.read(MIDNIGHT, 1)[0];
  expect(newest).toMatchObject({ flags: ADJUSTED, register: { startMilli: 40_000, endMilli: 50_000 } });
});

test("5. A clock that goes back beyond the limit and nobody says so is treated alike", () => {
  expect(new Bench().run(40).step(4).run(60).entries).toEqual([
    [0, 0, 15],
    [15, 0, 15],
    [30, ADJUSTED | NOT_VALID, 11],
    [0, ADJUSTED, 10],
    [15, ADJUSTED, 15],
    [30, ADJUSTED, 15],
    [45, 0, 15],
  ]);
});

test("6. A jump that lands exactly on a boundary gives no entry without length", () => {
  expect(new Bench().run(5).adjust(15).run(30).entries).toEqual([
    [0, ADJUSTED, 5],
    [15, 0, 15],
  ]);
  expect(new Bench().run(15).adjust(45).run(60).entries).toEqual([
    [0, 0, 15],
    [45, 0, 15],
  ]);
  expect(new Bench().run(15).adjust(0).run(15).entries).toEqual([
    [0, 0, 15],
    [0, ADJUSTED, 15],
  ]);
});

test("7. A power cut within one interval gives one entry with powerDown and not dataNotValid", () => {
  const saved = new Bench().run(20).saved();
  expect(new Bench(25, saved).run(45).entries).toEqual([
    [0, 0, 15],
    [15, POWER_DOWN, 10],
    [30, 0, 15],
  ]);
});

test("8. A cut over n boundaries: the interval cut short has its own boundary, whole periods have no entry", () => {
  const saved = new Bench().run(20).saved();
  const bench = new Bench(80, saved);
  expect(bench.entries).toEqual([
    [0, 0, 15],
    [15, POWER_DOWN, 5],
  ]);
  expect(bench.run(105).entries.slice(2)).toEqual([
    [75, POWER_DOWN, 10],
    [90, 0, 15],
  ]);
  expect(bench.flags(7)).toEqual([0, POWER_DOWN, MISSING, MISSING, MISSING, POWER_DOWN, 0]);
});

test("9. A cut at the very instant of a boundary: the entry is there once, kept before or made at recovery", () => {
  const before = new Bench().run(14);
  const state = before.engine.state();
  const after = before.run(15).saved();
  expect(new Bench(17, after).run(30).entries).toEqual([
    [0, 0, 15],
    [15, POWER_DOWN, 13],
  ]);
  const again = new Bench(17, { state, rows: after.rows }).run(30);
  expect(again.entries).toEqual([
    [0, POWER_DOWN, 14],
    [15, POWER_DOWN, 13],
  ]);
  expect(new Bench(30, again.saved()).entries).toEqual(again.entries);
});

test("10. Without a valid clock energy counts, and entries have the time since the start and say so", () => {
  const bench = new Bench("no clock").pass(10).pass(10).pass(15);
  expect(bench.register).toBe(3000);
  expect(bench.all).toMatchObject([
    { boot: 1, slot: 0, flags: NO_CLOCK | NOT_VALID, startSeconds: undefined },
    { boot: 1, slot: 1, flags: NO_CLOCK | NOT_VALID, startSeconds: undefined },
  ]);
  expect(bench.flags(4)).toEqual([MISSING, MISSING, MISSING, MISSING]);
});

test("10. Once time is known, a reply has the time of entries of the same start; their records stay as they were", () => {
  const bench = new Bench("no clock").pass(10).pass(10).pass(15);
  const [rows] = bench.saved().rows;
  bench.adjust(65).run(90);
  expect(bench.entries).toEqual([
    [30, NO_CLOCK | NOT_VALID, 2],
    [45, NO_CLOCK | NOT_VALID, 1],
    [60, ADJUSTED, 10],
    [75, 0, 15],
  ]);
  expect(bench.saved().rows[0]?.slice(0, 2)).toEqual(rows);
  expect(bench.flags(6)).toEqual([MISSING, MISSING, 6, 6, ADJUSTED, 0]);
  expect(new Bench(95, bench.saved()).entries).toEqual(bench.entries);
});

test("10. The interval in which the meter started and its clock was set says both", () => {
  expect(new Bench("no clock").pass(2).adjust(5).run(30).entries).toEqual([
    [3, NO_CLOCK | NOT_VALID, 1],
    [0, ADJUSTED | POWER_DOWN, 10],
    [15, 0, 15],
  ]);
});

test("10. A clock that is lost on the way ends the interval, which is not valid", () => {
  expect(new Bench().run(20).step(undefined).pass(1).pass(1).entries).toEqual([
    [0, 0, 15],
    [15, NO_CLOCK | NOT_VALID, 6],
  ]);
});

test("11. A clock that starts earlier than the last time stored is invalid until somebody sets it", () => {
  const saved = new Bench().run(50).saved();
  const bench = new Bench(5, saved).run(30);
  expect(bench.all.slice(3)).toMatchObject([
    { boot: 0, slot: MIDNIGHT / 900 + 3, flags: POWER_DOWN },
    { boot: 2, slot: 0, flags: NO_CLOCK | NOT_VALID, startSeconds: undefined },
  ]);
  bench.synchronise(2).run(90);
  expect(bench.entries.slice(4).map(([start]) => start)).toEqual([5 + 2 / 60, 20 + 2 / 60, 30, 45, 60, 75]);
});

test("12. Daylight saving adds and takes no entry: 96 in 24 h of UTC, 92 or 100 in a local day, its bit flips", () => {
  // Europe/Berlin: 2026-03-29 and 2026-10-25, each at 01:00 UTC.
  const [spring, autumn] = [Date.UTC(2026, 2, 29, 1) / 1000, Date.UTC(2026, 9, 25, 1) / 1000];
  const isDaylightSaving = (utcSeconds: number) => utcSeconds >= spring && utcSeconds < autumn;
  for (const { change, quarters, localMidnight } of [
    { change: spring, quarters: 92, localMidnight: spring - 2 * 3600 },
    { change: autumn, quarters: 100, localMidnight: autumn - 3 * 3600 },
  ]) {
    const start = (change - 86_400 - MIDNIGHT) / 60;
    const bench = new Bench(start, undefined, { isDaylightSaving });
    for (let i = 0; i < 300; i++) bench.pass(15);
    const bits = bench.all.map(({ startSeconds, flags }) => [startSeconds, flags]);
    expect(bits).toEqual(
      bits.map((_, i) => [
        change - 86_400 + 900 * i,
        isDaylightSaving(change - 86_400 + 900 * i) ? SUMMER : 0,
      ]),
    );
    expect(bench.profile.entries(localMidnight, localMidnight + quarters * 900)).toHaveLength(quarters);
    expect(bench.profile.entries(change, change + 86_400)).toHaveLength(96);
  }
});

test("15. A meter that stalled for k intervals puts their energy in the one that closes, without a burst", () => {
  const bench = new Bench().run(5).pass(52, 9000).run(75);
  expect(bench.entries).toEqual([
    [0, NOT_VALID, 14],
    [45, NOT_VALID, 3],
    [60, 0, 15],
  ]);
});

test.each([
  ["the end of a month and year", Date.UTC(2026, 11, 31, 23, 30)],
  ["29 February", Date.UTC(2028, 1, 29, 23, 30)],
  ["the end of February of a common year", Date.UTC(2100, 1, 28, 23, 30)],
  ["2038-01-19 03:14:08", Date.UTC(2038, 0, 19, 3)],
])("15. %s leaves the grid as it was", (_, startMs) => {
  const start = (startMs / 1000 - MIDNIGHT) / 60;
  expect(new Bench(start).run(start + 60).entries).toEqual(
    [0, 15, 30, 45].map((after) => [start + after, 0, 15]),
  );
});
