import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  activePowerWatts,
  constantMains,
  energyWattHours,
  type Mains,
  type MainsState,
} from "../../hal/emulated/mains.ts";
import type { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import type { MeteringFault, MeteringIc, MeteringReading } from "../../hal/ports/metering-ic.ts";

/** A driver and the part that it talks to, on one virtual clock; the part is set in physical terms. */
export interface MeteringBench {
  readonly clock: VirtualClock;
  readonly ic: MeteringIc;
  /** Energy of one count of the part. */
  readonly milliwattHoursPerCount: number;
  /** How long the part may be away without a doubt about its counter's wraps. */
  readonly longestPauseMs: number;
  /** Sets the part's counter so that it wraps after so many counts. */
  setCountsToWrap(counts: number): void;
  /** The part's counter falls to 0 by itself, and all else stays. */
  resetCounter(): void;
  /** The part loses its supply for an instant: counter and settings are as at its first start. */
  restartPart(): void;
  /** While silent the part does not answer, but goes on counting. */
  setSilent(isSilent: boolean): void;
  /** What becomes of each answer on its way from now on. */
  damageAnswers(damage: (answer: Uint8Array) => Uint8Array): void;
  unplug(): void;
  replug(): void;
}

/** Longer than any exchange with time-out and the time for a late answer. */
const EXCHANGE_MS = 2000;
const CLASS_LIMIT = 0.005;
const intact = (answer: Uint8Array) => answer;

/** `signed` parts tell import from export; for others what an installation feeds counts as drawn. */
export type Direction = "signed" | "unsigned";

/**
 * What every metering part's driver must show against its emulated part. `makeBench` builds a fresh
 * bench at time 0 whose part feels the given mains.
 */
export function meteringIcContract(
  name: string,
  makeBench: (mains: Mains) => MeteringBench,
  direction: Direction = "signed",
): void {
  /** Holds an unsigned part against the magnitude of its mains' power. */
  const make: Make = (mains) => ({
    bench: makeBench(mains),
    truth: direction === "signed" ? mains : magnitude(mains),
  });
  describe(`${name} as a metering part`, () => {
    test("the first reading is a baseline: no energy, but all values", () => {
      const run = new Run(make, resistor(1000));
      run.waitMs(60_000);
      const reading = run.mustRead();
      expect(reading).toMatchObject({ importMilliwattHours: 0, exportMilliwattHours: 0 });
      expect(reading.atMs).toBeGreaterThan(60_000);
      expect(reading.phases[0]?.voltageMillivolts?.value).toBeGreaterThan(0);
    });

    test.each([20, 230, 2300, 10_000])("an hour at %i W is booked to class and count", (watts) => {
      const run = new Run(make, resistor(watts));
      run.readEvery(10_000, 360);
      run.expectTruth();
      expect(run.importMilliwattHours).toBeGreaterThan(0);
      expect(run.exportMilliwattHours).toBe(0);
    });

    test.each([
      ["a resistor", { voltageVolts: 230, currentAmperes: 4.5, phaseAngleRadians: 0, frequencyHertz: 50 }],
      ["a motor", { voltageVolts: 218, currentAmperes: 8, phaseAngleRadians: 1.0, frequencyHertz: 49.8 }],
      ["a feed", { voltageVolts: 241, currentAmperes: 3, phaseAngleRadians: Math.PI, frequencyHertz: 50.2 }],
    ])("values under %s are the mains', power with its sign", (_, state) => {
      const { phases, frequencyMillihertz } = new Run(make, constantMains(state)).mustRead();
      const [phase = {}] = phases;
      const watts = activePowerWatts(direction === "signed" ? state : magnitudeOf(state));
      expect(phase.voltageMillivolts?.value).toSatisfy(near(state.voltageVolts * 1000));
      expect(phase.currentMilliamperes?.value).toSatisfy(near(state.currentAmperes * 1000));
      expect(phase.activePowerMilliwatts?.value).toSatisfy(near(watts * 1000));
      if (frequencyMillihertz) expect(frequencyMillihertz.value).toSatisfy(near(state.frequencyHertz * 1000));
    });

    test("no load is no current, no power and no energy, and still a voltage", () => {
      const run = new Run(make, resistor(0));
      run.readEvery(60_000, 60);
      expect(run.importMilliwattHours).toBe(0);
      const [phase = {}] = run.mustRead().phases;
      expect(phase.currentMilliamperes?.value).toBe(0);
      expect(phase.activePowerMilliwatts?.value).toBe(0);
      expect(phase.voltageMillivolts?.value).toSatisfy(near(230_000));
    });

    if (direction === "signed") {
      test("export is booked as export, and marked as derived where one counter serves both directions", () => {
        const run = new Run(make, steps([0, 1500], [1_800_000, -1500]));
        run.readEvery(10_000, 360);
        run.expectTruth();
        run.expectEnergy(run.exportMilliwattHours, (run.lastReadingMs - 1_800_000) * (1500 / 3600));
        expect(run.mustRead().phases[0]?.activePowerMilliwatts?.value).toBeLessThan(0);
      });
    } else {
      test("without a sign, what an installation feeds is booked as import", () => {
        const run = new Run(make, steps([0, 1500], [1_800_000, -1500]));
        run.readEvery(10_000, 360);
        run.expectTruth();
        expect(run.exportMilliwattHours).toBe(0);
        expect(run.mustRead().phases[0]?.activePowerMilliwatts?.value).toBeGreaterThan(0);
      });
    }

    test("a wrap of the counter is not seen in the energy", () => {
      const run = new Run(make, resistor(3000), (bench) => bench.setCountsToWrap(100));
      run.readEvery(10_000, 60);
      run.expectTruth();
      expect(run.faults).toEqual([]);
    });

    test("a counter that falls to 0 is told, and nothing is booked that it did not count", () => {
      const run = new Run(make, resistor(3000), (bench) => bench.setCountsToWrap(10_000));
      run.readEvery(10_000, 30);
      const [before, beforeMs] = [run.importMilliwattHours, run.lastReadingMs];
      const resetMs = run.bench.clock.monotonicMs();
      run.bench.resetCounter();
      run.readEvery(10_000, 30);
      expect(run.faults).toEqual(["counter-reset"]);
      // A part that is followed all the time has told what it counted until then; of another one that is lost.
      const booked = run.importMilliwattHours - before;
      const [sinceReset, sinceReading] = [resetMs, beforeMs].map(
        (ms) => (run.lastReadingMs - ms) * (3000 / 3600),
      );
      run.expectEnergy(booked, Math.min(sinceReading ?? 0, Math.max(booked, sinceReset ?? 0)));
    });

    test("a part that lost its supply is set up again and counts on", () => {
      const run = new Run(make, resistor(3000), (bench) => bench.setCountsToWrap(10_000));
      run.readEvery(10_000, 10);
      run.bench.restartPart();
      run.readEvery(10_000, 10);
      expect(run.faults).toEqual(["counter-reset"]);
      run.restartTruth();
      run.readEvery(10_000, 60);
      run.expectTruth();
    });

    test("a silent part gives a fault and no values, and its energy once it is back", () => {
      const run = new Run(make, resistor(3000));
      run.readEvery(10_000, 10);
      run.bench.setSilent(true);
      const polls = run.pollsWithin(run.bench.longestPauseMs);
      for (let i = 0; i < polls; i++) expect(run.poll()).toBeUndefined();
      run.waitMs(Math.min(100_000, run.bench.longestPauseMs - (polls + 1) * EXCHANGE_MS));
      expect(run.faults).toEqual(Array<MeteringFault>(polls).fill("silent"));
      run.bench.setSilent(false);
      run.mustRead();
      run.expectTruth();
      expect(run.faults).toHaveLength(polls);
    });

    test("after one damaged answer the very next poll gives a reading, with all energy", () => {
      const run = new Run(make, resistor(3000));
      run.mustRead();
      for (const damage of DAMAGES) {
        run.bench.damageAnswers(damage);
        expect(run.poll()).toBeUndefined();
        run.bench.damageAnswers(intact);
        run.mustRead();
        run.expectTruth();
      }
      expect(new Set(run.faults)).toEqual(new Set(["bad-frame", "silent"]));
    });

    test("bytes before an answer do not cost it", () => {
      const run = new Run(make, resistor(3000));
      run.mustRead();
      run.bench.damageAnswers((answer) => Uint8Array.of(0x55, 0x00, 0xff, 0x55, ...answer));
      run.mustRead();
    });

    test("a second poll while one is under way is busy, and takes nothing from the first", () => {
      const run = new Run(make, resistor(1000));
      expect(run.bench.ic.poll()).toBe("started");
      expect(run.bench.ic.poll()).toBe("busy");
      run.waitMs(EXCHANGE_MS);
      expect(run.readings).toHaveLength(1);
    });

    test("a line that is down cannot be polled; back again, the energy of that time is booked", () => {
      const run = new Run(make, resistor(3000));
      run.readEvery(10_000, 10);
      expect(run.bench.ic.poll()).toBe("started");
      run.bench.unplug();
      expect(run.faults).toEqual(["silent"]);
      expect(run.bench.ic.poll()).toBe("down");
      run.waitMs(Math.min(60_000, run.bench.longestPauseMs - EXCHANGE_MS));
      run.bench.replug();
      run.mustRead();
      run.expectTruth();
    });

    test("has one listener, and counters that tell readings and faults", () => {
      const run = new Run(make, resistor(1000));
      const { ic } = run.bench;
      expect(() => ic.listen({ reading: () => {}, fault: () => {} })).toThrow();
      run.readEvery(1000, 3);
      run.bench.setSilent(true);
      run.poll();
      expect(ic.counters).toMatchObject({ readings: 3, faults: { silent: 1, "bad-frame": 0 } });
    });

    test("over any faults of part and line each reading has booked the truth, once", () => {
      const trouble = fc.constantFrom<Trouble>("none", "none", "none", "silent", "unplugged", 0, 1, 2, 3);
      const visits = fc.array(fc.record({ trouble, gapMs: fc.integer({ min: 2000, max: 120_000 }) }), {
        minLength: 5,
        maxLength: 40,
      });
      const power = fc.array(fc.integer({ min: -2500, max: 2500 }), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(visits, power, fc.integer({ min: 1, max: 5000 }), (schedule, watts, countsToWrap) => {
          const sign = Math.sign(watts[0] as number) || 1;
          const oneWay = watts.map((value, i) => [i * 300_000, sign * Math.abs(value)] as const);
          const run = new Run(make, steps(...oneWay), (bench) => bench.setCountsToWrap(countsToWrap));
          run.mustRead();
          for (const visit of schedule) {
            run.visit(visit.trouble);
            run.waitMs(visit.gapMs);
          }
        }),
        { seed: 942, numRuns: 30 },
      );
    });
  });
}

/** What goes wrong at one visit; a number is an index of {@link DAMAGES}. */
type Trouble = "none" | "silent" | "unplugged" | number;

/**
 * A bit over, an end torn off, a byte lost in the middle, nothing at all. A checksum alone would be torn off
 * in vain where the next frame begins with its value.
 */
const DAMAGES: readonly ((answer: Uint8Array) => Uint8Array)[] = [
  (answer) => answer.map((byte, index) => (index === 2 ? byte ^ 0x10 : byte)),
  (answer) => answer.slice(0, 3),
  (answer) => Uint8Array.of(...answer.subarray(0, 2), ...answer.subarray(3)),
  () => new Uint8Array(0),
];

type Make = (mains: Mains) => { readonly bench: MeteringBench; readonly truth: Mains };

/** A bench, what came of its polls, and the truth to hold it against. */
class Run {
  readonly bench: MeteringBench;
  readonly readings: MeteringReading[] = [];
  readonly faults: MeteringFault[] = [];
  importMilliwattHours = 0;
  exportMilliwattHours = 0;
  firstReadingMs = 0;
  lastReadingMs = 0;
  readonly #truth: Mains;

  constructor(make: Make, mains: Mains, prepare: (bench: MeteringBench) => void = () => {}) {
    const { bench, truth } = make(mains);
    this.#truth = truth;
    this.bench = bench;
    prepare(this.bench);
    this.bench.ic.listen({
      reading: (reading) => this.#read(reading),
      fault: (fault) => this.faults.push(fault),
    });
  }

  waitMs(ms: number): void {
    this.bench.clock.advanceBy(ms);
  }

  /** Polls once and lets the exchange end; the reading, if one came. */
  poll(): MeteringReading | undefined {
    const before = this.readings.length;
    expect(this.bench.ic.poll()).toBe("started");
    this.waitMs(EXCHANGE_MS);
    return this.readings.length === before ? undefined : this.readings.at(-1);
  }

  mustRead(): MeteringReading {
    const reading = this.poll();
    if (reading === undefined) throw new Error(`no reading, but ${this.faults.at(-1)}`);
    return reading;
  }

  /** Polls that can fail in a row within a time, ten at most. */
  pollsWithin(ms: number): number {
    return Math.min(10, Math.floor(ms / EXCHANGE_MS) - 2);
  }

  readEvery(periodMs: number, times: number): void {
    for (let i = 0; i < times; i++) {
      if (i > 0) this.waitMs(Math.max(0, periodMs - EXCHANGE_MS));
      this.mustRead();
    }
  }

  /** One poll under some trouble, and what it booked held against the truth. */
  visit(trouble: Trouble): void {
    if (trouble === "unplugged") this.bench.unplug();
    if (trouble === "silent") this.bench.setSilent(true);
    if (typeof trouble === "number") this.bench.damageAnswers(DAMAGES[trouble] ?? intact);
    if (trouble === "unplugged") expect(this.bench.ic.poll()).toBe("down");
    else if (trouble === "none") this.mustRead();
    else expect(this.poll()).toBeUndefined();
    this.bench.replug();
    this.bench.setSilent(false);
    this.bench.damageAnswers(intact);
    this.expectTruth();
  }

  /** Holds later energy against the mains from the last reading on. */
  restartTruth(): void {
    this.firstReadingMs = this.lastReadingMs;
    this.importMilliwattHours = 0;
    this.exportMilliwattHours = 0;
  }

  /** Net energy between the first and the last reading is the mains' to class and count. */
  expectTruth(): void {
    const truth = 1000 * energyWattHours(this.#truth, this.firstReadingMs, this.lastReadingMs);
    this.expectEnergy(this.importMilliwattHours - this.exportMilliwattHours, truth);
  }

  /** 0.5 % and a count, and less than 1 mWh for rounding. */
  expectEnergy(bookedMilliwattHours: number, truth: number): void {
    const allowed = CLASS_LIMIT * Math.abs(truth) + this.bench.milliwattHoursPerCount + 1;
    const off = bookedMilliwattHours - truth;
    if (!(Math.abs(off) <= allowed))
      throw new Error(
        `${bookedMilliwattHours} mWh booked is ${off.toFixed(1)} off, ${allowed.toFixed(1)} allowed`,
      );
  }

  #read(reading: MeteringReading): void {
    if (this.readings.length === 0) this.firstReadingMs = reading.atMs;
    this.lastReadingMs = reading.atMs;
    this.readings.push(reading);
    for (const energy of [reading.importMilliwattHours, reading.exportMilliwattHours]) {
      if (!Number.isSafeInteger(energy) || energy < 0) throw new Error(`${energy} is no energy to book`);
    }
    if (reading.exportMilliwattHours > 0) expect(reading.energyQuality).toBe("derived");
    this.importMilliwattHours += reading.importMilliwattHours;
    this.exportMilliwattHours += reading.exportMilliwattHours;
  }
}

/** Within 0.5 % and one unit. */
function near(truth: number): (value: unknown) => boolean {
  return (value) => typeof value === "number" && Math.abs(value - truth) <= Math.abs(truth) * CLASS_LIMIT + 1;
}

/** 230 V and power factor 1 or, below 0 W, -1. */
function resistor(watts: number): Mains {
  return constantMains(stateOf(watts));
}

/** The same mains with all power drawn. */
function magnitude(mains: Mains): Mains {
  return { at: (ms) => magnitudeOf(mains.at(ms)), steadyUntilMs: (ms) => mains.steadyUntilMs(ms) };
}

function magnitudeOf(state: MainsState): MainsState {
  const cosine = Math.abs(Math.cos(state.phaseAngleRadians));
  return { ...state, phaseAngleRadians: Math.acos(cosine) };
}

/** (from ms, watts) pairs in order of time. */
function steps(...changes: readonly (readonly [number, number])[]): Mains {
  return {
    at: (ms) => stateOf(changes.findLast(([fromMs]) => fromMs <= ms)?.[1] ?? 0),
    steadyUntilMs: (ms) => changes.find(([fromMs]) => fromMs > ms)?.[0] ?? Number.POSITIVE_INFINITY,
  };
}

function stateOf(watts: number) {
  const phaseAngleRadians = watts < 0 ? Math.PI : 0;
  return { voltageVolts: 230, currentAmperes: Math.abs(watts) / 230, phaseAngleRadians, frequencyHertz: 50 };
}
