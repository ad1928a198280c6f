// Whatever loads, clocks and supplies do: what the metering part counted is booked once, and all of it is found again.
import { test } from "vitest";
import {
  EnergyEngine,
  type EnergyEngineOptions,
  type SavedEngine,
} from "../../../firmware/metrology/energy-engine.ts";
import type { MeterTime } from "../../../firmware/metrology/interval-cutter.ts";
import type { IntervalProfile, IntervalRecord } from "../../../firmware/metrology/interval-profile.ts";
import type { EnergyDelta } from "../../../firmware/metrology/quantities.ts";
import { decodeCbor, encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { integerBelow, SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { recomputedMaximum, type Sight } from "./recomputed-demand.ts";

const RUNS = 2000;
/** Repeats one run. */
const SEED = process.env["METERBENCH_ENGINE_SEED"];
const STEPS = 40;
const START = Date.UTC(2026, 10, 30, 22) / 1000;
const CHANNELS = ["1.8.0", "2.8.0", "3.8.0", "1.8.1", "21.8.0"].map(obis);
const PERIODS = [300, 900, 1800, 3600];
const RATES = 3;
const SUB_PERIODS = [1, 3, 5, 15];

function obis(short: string): string {
  return `1-0:${short}*255`;
}

/** Further than any jump of the clock: months are another test's. */
const NEVER = 4_000_000_000;

/** One meter in a world of chance, and what a part, a clock and a journal beside it have seen. */
class Run {
  readonly #random: SeededRandom;
  readonly #options: EnergyEngineOptions;
  readonly rows: IntervalRecord[] = [];
  readonly chip = {
    import: 0,
    export: 0,
    plusReactive: 0,
    phase1: 0,
    byRate: Array<number>(RATES + 1).fill(0),
  };
  /** By channel of demand: imported in total and by rate, exported in total. */
  readonly sights: readonly Sight[][] = [[], [], [], [], []];
  engine: EnergyEngine;
  #utcSeconds: number | undefined = START;
  #bootSeconds = 0;
  /** Under which the next energy is used. */
  #rate = 0;
  #isDoubted = false;
  /** Half of the meters are disturbed seldom enough that the shortest sub-periods make a period. */
  readonly #isCalm: boolean;

  constructor(seed: string) {
    this.#random = new SeededRandom(seed);
    this.#isCalm = this.below(2) === 0;
    const switchSeconds = 60 * (1 + this.below(200));
    const rateAt = (utcSeconds = 0): number => 1 + (Math.floor(utcSeconds / switchSeconds) % RATES);
    this.#options = {
      profiles: [{ periodSeconds: this.pick(PERIODS), capacity: 500, channels: CHANNELS }],
      tariff: { rates: RATES, rateAt },
      demand: { periodSeconds: 900, subPeriods: this.pick(SUB_PERIODS), resetAt: () => NEVER },
      onRow: (_, row) => void this.rows.push(row),
    };
    this.engine = new EnergyEngine(this.#options, this.time());
    this.#see("start");
  }

  get subPeriods(): number {
    return this.#options.demand?.subPeriods ?? 1;
  }

  get profile(): IntervalProfile {
    return this.engine.profile(0) as IntervalProfile;
  }

  below(n: number): number {
    return integerBelow(this.#random, n);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  time(): MeterTime {
    return { utcSeconds: this.#utcSeconds, bootSeconds: this.#bootSeconds };
  }

  step(): void {
    if (this.#isCalm && this.below(12) > 0) {
      this.pass(60);
      return;
    }
    const chance = this.below(100);
    if (chance < 78) this.pass(this.pick([60, 60, 300, 450, 900, 7]));
    else if (chance < 82) this.pass(900 + this.below(6000));
    else if (chance < 88) this.adjust(this.below(7200) - 3600);
    else if (chance < 89) this.adjust(this.below(100 * 86_400) - 50 * 86_400);
    else if (chance < 91) this.adjust(-((this.#utcSeconds ?? 0) % 900) + 900 * this.pick([-1, 0, 1]));
    else if (chance < 93) this.synchronise(this.below(21) - 10);
    else if (chance < 98) this.cut(this.pick([30, 30, 300, 300, 1200, 1200, 9000, 9000, -600]));
    else this.loseClock();
  }

  pass(seconds: number): void {
    this.#bootSeconds += seconds;
    if (this.#utcSeconds !== undefined) this.#utcSeconds += seconds;
    const delta = this.#load();
    this.engine.book(delta, this.time());
    this.#see("passed");
  }

  adjust(bySeconds: number): void {
    const fromSeconds = this.#utcSeconds;
    this.#utcSeconds = fromSeconds === undefined ? START + Math.abs(bySeconds) : fromSeconds + bySeconds;
    this.#isDoubted = false;
    this.engine.clockChanged({ kind: "adjusted", fromSeconds }, this.time());
    this.#see("adjusted");
  }

  synchronise(bySeconds: number): void {
    if (this.#utcSeconds === undefined) return;
    this.#utcSeconds += bySeconds;
    this.#isDoubted = false;
    this.engine.clockChanged({ kind: "synchronised" }, this.time());
    this.#see("synchronised");
  }

  /** The supply fails right after a checkpoint; the meter may start without a clock, or with one that is behind. */
  cut(seconds: number): void {
    const saved = this.saved();
    this.#bootSeconds = 0;
    const isKnown = this.#utcSeconds !== undefined && this.below(4) > 0;
    this.#utcSeconds = isKnown ? (this.#utcSeconds ?? 0) + seconds : undefined;
    this.#isDoubted = (this.#utcSeconds ?? NEVER) < (saved.state.energy[1] ?? 0) / 1000;
    this.engine = new EnergyEngine(this.#options, this.time(), saved);
    this.#see("start");
  }

  loseClock(): void {
    this.#utcSeconds = undefined;
  }

  saved(): SavedEngine {
    return { state: this.engine.state(), rows: [this.rows] };
  }

  #load(): EnergyDelta {
    const activeImport = this.below(3) === 0 ? 0 : this.below(2_000_000);
    const activeExport = this.below(4) === 0 ? this.below(500_000) : 0;
    const [first, second, phase] = [this.below(1000), this.below(1000), this.below(activeImport + 1)];
    this.chip.import += activeImport;
    this.chip.export += activeExport;
    this.chip.plusReactive += first + second;
    this.chip.phase1 += phase;
    this.chip.byRate[this.#rate] = (this.chip.byRate[this.#rate] ?? 0) + activeImport;
    return {
      activeImport,
      activeExport,
      reactiveQuadrant1: first,
      reactiveQuadrant2: second,
      reactiveQuadrant3: 0,
      reactiveQuadrant4: 0,
      phase1Import: phase,
    };
  }

  #see(event: Sight["event"]): void {
    const utcSeconds = this.#isDoubted ? undefined : this.#utcSeconds;
    this.#rate = this.#options.tariff?.rateAt(utcSeconds) ?? 0;
    const registers = [this.chip.import, ...this.chip.byRate.slice(1), this.chip.export];
    for (const [channel, sights] of this.sights.entries()) {
      sights.push({ event, utcSeconds, milliwattHours: registers[channel] as number });
    }
  }

  restored(): EnergyEngine {
    const state = throughCbor(this.engine.state());
    const rows = this.rows.map((row) => decodeCbor(encodeCbor(row)) as IntervalRecord);
    return new EnergyEngine({ ...this.#options, onRow: () => {} }, this.time(), { state, rows: [rows] });
  }
}

/** As storage gives it back. */
function throughCbor({ energy, profiles, demand }: SavedEngine["state"]): SavedEngine["state"] {
  const parts = decodeCbor(encodeCbor([energy, profiles, demand]));
  const [energyAgain, profilesAgain, demandAgain] = parts as unknown as [
    SavedEngine["state"]["energy"],
    SavedEngine["state"]["profiles"],
    SavedEngine["state"]["demand"],
  ];
  return { energy: energyAgain, profiles: profilesAgain, demand: demandAgain };
}

function same(what: string, actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  throw new Error(`${what}: ${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

/** What is not measured yet has had no energy. */
function energies(registers: IntervalRecord): number[] {
  return registers.map((register) => register ?? 0);
}

/** Registers are the chip's energy, in total and over rates; intervals and the open one are the registers. */
function checkEnergy({ engine, chip, rows }: Run): void {
  const stands = CHANNELS.map((channel) => engine.energyMilli(channel) ?? 0);
  same("chip", stands, [chip.import, chip.export, chip.plusReactive, chip.byRate[1], chip.phase1]);
  const rates = [1, 2, 3].map((rate) => engine.energyMilli(obis(`1.8.${rate}`)) as number);
  same("rates", rates, chip.byRate.slice(1));
  same("sum over rates", sum(rates), chip.import);
  const opened = energies(engine.state().profiles[0]?.[4].slice(4) ?? []);
  for (const [channel, stand] of stands.entries()) {
    const closed = rows.map((row) => (row[9 + channel] ?? 0) - (row[4 + channel] ?? 0));
    same("sum over intervals", sum(closed) + stand - (opened[channel] as number), stand);
  }
}

/** Every entry is of a slot that the meter was in, and the one that was told, and stands where it was put. */
function checkIntervals({ profile, rows, sights: [sights = []] }: Run): void {
  const seen = new Set(sights.map(({ utcSeconds = -1 }) => Math.floor(utcSeconds / profile.periodSeconds)));
  let ends = CHANNELS.map(() => 0);
  for (const [i, row] of rows.entries()) {
    const [sequence, boot, slot] = row;
    same("sequence", sequence, i + 1);
    same("begins where the one before ended", energies(row.slice(4, 9)), ends);
    if (boot === 0) same("a slot that the clock showed", seen.has(slot as number), true);
    ends = energies(row.slice(9));
  }
  const kept = profile
    .entries(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
    .map(({ sequence, boot, slot, flags, starts, ends: last }) => [
      sequence,
      boot,
      slot,
      flags,
      ...starts,
      ...last,
    ]);
  same("entries", kept, rows);
  if (rows.length >= sights.length) throw new Error(`${rows.length} rows of ${sights.length} readings`);
}

function checkDemand({ engine, sights, subPeriods }: Run): void {
  for (const [channel, seen] of sights.entries()) {
    const maximum = engine.demand?.maxima[channel];
    const found = maximum && [maximum.watts, maximum.endSeconds];
    same(`maximum demand ${channel}`, found, recomputedMaximum(seen, 900, subPeriods));
  }
}

function checkRestored(run: Run): void {
  const restored = run.restored();
  same("registers restored", restored.state().energy[3], run.engine.state().energy[3]);
  same("demand restored", restored.demand?.maxima, run.engine.demand?.maxima);
  const [kept, again] = [run.profile, restored.profile(0) as IntervalProfile].map((profile) =>
    profile.entries(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
  );
  same("rows restored", again?.slice(0, kept?.length), kept);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

test(`in ${RUNS} runs all energy is found again, demand is the highest, and no interval is made up or lost`, () => {
  const seeds = SEED === undefined ? Array.from({ length: RUNS }, (_, i) => `engine/${i}`) : [SEED];
  for (const seed of seeds) {
    const run = new Run(seed);
    try {
      for (let i = 0; i < STEPS; i++) run.step();
      checkEnergy(run);
      checkIntervals(run);
      checkDemand(run);
      checkRestored(run);
    } catch (cause) {
      const again = `METERBENCH_ENGINE_SEED=${seed} npx vitest run test/firmware/metrology/engine.property.test.ts`;
      throw new Error(`again by: ${again}`, { cause });
    }
  }
});
