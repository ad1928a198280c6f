// Whoever sees how many messages went, and how long each was, guesses whether a house used much that day.
import { bestArea } from "../timings/classifier.ts";

/** A day of one meter: what a DAP sees of it, and what only the house knows. */
export interface MeteredDay {
  readonly meter: string;
  /** Bytes of each message, in order; those that go down to the meter below 0. */
  readonly lengths: readonly number[];
  readonly wattHours: number;
}

/** How often a guess is right, by the area under its curve: 0.5 is a coin, 1 always; and by what it was made. */
export interface Guess {
  readonly area: number;
  readonly by: string;
}

type Feature = (day: MeteredDay) => number;

/** Days above the median of their own meter are high, so that the kind of house tells nothing. */
interface Halves {
  readonly high: readonly MeteredDay[];
  readonly low: readonly MeteredDay[];
}

/** The best of all guesses: by counts, by sums, by each message, by all lengths together. */
export function bestGuess(days: readonly MeteredDay[]): Guess {
  const halves = halvesOf(days);
  const guesses = Object.entries(features(days)).map(([by, feature]) => ({
    by,
    ...areaBy(halves, relative(feature, days)),
  }));
  const best = [...guesses, byAllLengths(halves)].sort((a, b) => b.area - a.area)[0];
  if (best === undefined) throw new Error("no day to guess by");
  return best;
}

function areaBy({ high, low }: Halves, feature: Feature): Pick<Guess, "area"> {
  return { area: bestArea(low.map(feature), high.map(feature)) };
}

/** Who sees a meter each day knows what is usual of it. */
function relative(feature: Feature, days: readonly MeteredDay[]): Feature {
  const totals = new Map<string, { sum: number; days: number }>();
  for (const day of days) {
    const { sum, days: count } = totals.get(day.meter) ?? { sum: 0, days: 0 };
    totals.set(day.meter, { sum: sum + feature(day), days: count + 1 });
  }
  return (day) => {
    const { sum, days: count } = totals.get(day.meter) as { sum: number; days: number };
    return feature(day) - sum / count;
  };
}

function features(days: readonly MeteredDay[]): Record<string, Feature> {
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const longest = Math.max(...days.map(({ lengths }) => lengths.length));
  const each = Array.from({ length: longest }, (_, i): [string, Feature] => [
    `length of message ${i + 1}`,
    ({ lengths }) => lengths[i] ?? 0,
  ]);
  return {
    "number of messages": ({ lengths }) => lengths.length,
    "bytes that come up": ({ lengths }) => sum(lengths.filter((length) => length > 0)),
    "bytes that go down": ({ lengths }) => -sum(lengths.filter((length) => length < 0)),
    ...Object.fromEntries(each),
  };
}

/** Learnt on every other day, tried on the rest: how much likelier just these lengths of this meter are on a high day. */
function byAllLengths({ high, low }: Halves): Guess {
  const nameOf = ({ meter, lengths }: MeteredDay): string => `${meter} ${lengths.join(" ")}`;
  const countsOf = (days: readonly MeteredDay[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const day of days) counts.set(nameOf(day), (counts.get(nameOf(day)) ?? 0) + 1);
    return counts;
  };
  const [ofHigh, ofLow] = [countsOf(everyOther(high, 0)), countsOf(everyOther(low, 0))];
  const likelihood: Feature = (day) =>
    Math.log(((ofHigh.get(nameOf(day)) ?? 0) + 1) / ((ofLow.get(nameOf(day)) ?? 0) + 1));
  const rest = { high: everyOther(high, 1), low: everyOther(low, 1) };
  return { by: "all lengths of a day together", ...areaBy(rest, likelihood) };
}

function everyOther(days: readonly MeteredDay[], which: 0 | 1): MeteredDay[] {
  return days.filter((_, i) => i % 2 === which);
}

function halvesOf(days: readonly MeteredDay[]): Halves {
  const byMeter = new Map<string, MeteredDay[]>();
  for (const day of days) byMeter.set(day.meter, [...(byMeter.get(day.meter) ?? []), day]);
  const high: MeteredDay[] = [];
  const low: MeteredDay[] = [];
  for (const of of byMeter.values()) {
    const sorted = of.sort((a, b) => a.wattHours - b.wattHours);
    low.push(...sorted.slice(0, Math.floor(sorted.length / 2)));
    high.push(...sorted.slice(Math.ceil(sorted.length / 2)));
  }
  return { high, low };
}
