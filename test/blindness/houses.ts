// Houses whose days differ much: what they draw follows from a seed, their id and the day alone.
import type { PaddingTenths } from "../../firmware/protocol/readings/interval-block.ts";
import { SeededRandom, uniform } from "../../hal/emulated/seeded-random.ts";
import { type Load, parseLoad } from "../../host-tools/loads/index.ts";

/** What is in a house beside the usual. `recorded` is the household of the shipped CSV file. */
export const HOUSE_KINDS = ["plain", "recorded", "heat-pump", "pv", "ev"] as const;
export type HouseKind = (typeof HOUSE_KINDS)[number];

/** The rung that the meter of such a house is set to. */
export const PADDING_OF: Readonly<Record<HouseKind, PaddingTenths>> = {
  plain: 14,
  recorded: 14,
  "heat-pump": 21,
  pv: 21,
  ev: 41,
};

const QUARTER_MS = 900_000;
const QUARTERS = 96;
const WEEK_MS = 7 * QUARTERS * QUARTER_MS;

/** The load of a house: constant within each quarter-hour; below 0 it feeds in. */
export function houseLoad(kind: HouseKind, seed: string): Load {
  const base = kind === "recorded" ? recorded(seed) : plainHome(seed);
  const days = new Map<number, readonly number[]>();
  const dayOf = (day: number): readonly number[] => {
    const known = days.get(day) ?? added(kind, new SeededRandom(`${seed} ${kind} ${day}`), day);
    days.set(day, known);
    return known;
  };
  return {
    name: kind,
    wattsAt(utcMs) {
      const quarter = Math.floor(utcMs / QUARTER_MS);
      const day = Math.floor(quarter / QUARTERS);
      return base(utcMs) + (dayOf(day)[quarter - day * QUARTERS] as number);
    },
    steadyUntilMs: (utcMs) => (Math.floor(utcMs / QUARTER_MS) + 1) * QUARTER_MS,
  };
}

/** The shipped household, read once. */
let household: Load | undefined;

/** The shipped household by the hour, more or less of it by the seed, and some weeks on. */
function recorded(seed: string): (utcMs: number) => number {
  const random = new SeededRandom(seed);
  const scale = 0.8 + 1.2 * uniform(random);
  const laterMs = Math.floor(100 * uniform(random)) * WEEK_MS;
  const load = household ?? parseLoad("uk", { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  household = load;
  return (utcMs) => scale * load.wattsAt(utcMs - laterMs);
}

/** A base load, a fridge, and what people switch on when they are in: on some days they are away. */
function plainHome(seed: string): (utcMs: number) => number {
  const habits = new SeededRandom(seed);
  const baseWatts = 60 + 140 * uniform(habits);
  const days = new Map<number, readonly number[]>();
  const dayOf = (day: number): readonly number[] => {
    const known = days.get(day) ?? plainDay(new SeededRandom(`${seed} ${day}`), baseWatts);
    days.set(day, known);
    return known;
  };
  return (utcMs) => {
    const quarter = Math.floor(utcMs / QUARTER_MS);
    const day = Math.floor(quarter / QUARTERS);
    return dayOf(day)[quarter - day * QUARTERS] as number;
  };
}

function plainDay(random: SeededRandom, baseWatts: number): number[] {
  const isAway = uniform(random) < 0.15;
  const appetite = isAway ? 0 : 0.4 + 1.4 * uniform(random);
  return Array.from({ length: QUARTERS }, (_, quarter) => {
    const hour = quarter / 4;
    const isUp = hour > 6.5 && hour < 23;
    const isMeal = (hour > 7 && hour < 8.5) || (hour > 12 && hour < 13) || (hour > 18 && hour < 21);
    const fridge = quarter % 3 === 0 ? 90 : 20;
    const living = isUp ? appetite * 250 * uniform(random) : 15 * uniform(random);
    const cooking = isMeal && uniform(random) < 0.4 * appetite ? 1800 * uniform(random) : 0;
    return baseWatts + fridge + living + cooking;
  });
}

/** What the kind adds to a day, in watts. */
function added(kind: HouseKind, random: SeededRandom, day: number): number[] {
  if (kind === "ev") return charging(random);
  if (kind === "pv") return generation(random, day);
  if (kind === "heat-pump") return heating(random, day);
  return new Array<number>(QUARTERS).fill(0);
}

/** On most days the car comes home and takes what the drive took, at one of three rates. */
function charging(random: SeededRandom): number[] {
  const isHome = uniform(random) < 0.6;
  const watts = [3700, 7400, 11_000][Math.floor(3 * uniform(random))] as number;
  const first = 60 + Math.floor(24 * uniform(random));
  const quarters = isHome ? 3 + Math.floor(20 * uniform(random)) : 0;
  return Array.from({ length: QUARTERS }, (_, i) =>
    i >= first && i < first + quarters ? -0.05 * watts * uniform(random) + watts : 0,
  );
}

/** A sun that is high in summer, behind clouds or not. */
function generation(random: SeededRandom, day: number): number[] {
  const season = 0.55 - 0.45 * Math.cos((2 * Math.PI * (day - 5)) / 365.25);
  const clouds = uniform(random);
  const peakWatts = 5000 * season * (1 - 0.8 * clouds);
  return Array.from({ length: QUARTERS }, (_, quarter) => {
    const height = Math.sin((Math.PI * (quarter - 26)) / 44);
    const passing = 1 - 0.7 * clouds * uniform(random);
    return height <= 0 ? 0 : -peakWatts * height * passing;
  });
}

/** A compressor that runs for as many quarters as the day is cold, defrosts now and then, and makes hot water. */
function heating(random: SeededRandom, day: number): number[] {
  const season = 0.5 + 0.5 * Math.cos((2 * Math.PI * (day - 15)) / 365.25);
  const cold = Math.max(0, season * 0.9 + 0.3 * (uniform(random) - 0.5));
  const rated = 1500 + 1200 * uniform(random);
  return Array.from({ length: QUARTERS }, (_, quarter) => {
    const isHotWater = quarter >= 52 && quarter < 57;
    const runs = isHotWater || uniform(random) < cold;
    return runs ? rated * (0.5 + 0.5 * uniform(random)) : 0;
  });
}
