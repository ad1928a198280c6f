import type { MeteringFault, Quality } from "../ports/metering-ic.ts";

/** What a driver must know of its part's energy counter to book it right. */
export interface CounterPolicy {
  readonly widthBits: number;
  /** An integer; the whole counter must stay a safe integer in this unit. */
  readonly nanowattHoursPerCount: number;
  /** The most that the installation can draw or feed; no step beyond it is believed. */
  readonly largestPowerMilliwatts: number;
  /** `absolute`: energy of either direction counts up. `algebraic`: export counts down. */
  readonly adds: "absolute" | "algebraic";
}

/** One value of the counter. */
export interface CounterSample {
  /** On the monotonic clock. */
  readonly atMs: number;
  /** 0 to 2^widthBits - 1. */
  readonly count: number;
  /** The energy last counted was export. */
  readonly isReverse: boolean;
  /** A bit that the part turns over at each wrap; left out where it has none, or is not known to have. */
  readonly carry?: 0 | 1;
}

/** Energy in whole milliwatt-hours, each 0 or more. */
export interface BookedEnergy {
  readonly importMilliwattHours: number;
  readonly exportMilliwattHours: number;
  readonly quality: Quality;
}

/**
 * `advanced`: the counter went on, over a wrap or not. `reset`: it fell to 0 by itself and what it
 * has now is what it counted since. `rebased`: a step that stayed was taken as the new start, without
 * the step's energy. `implausible`: not believed and nothing booked, for the time being.
 */
export type CounterStep =
  | { readonly verdict: "advanced" | "reset" | "rebased"; readonly energy: BookedEnergy }
  | { readonly verdict: "implausible" };

/** So many readings in a row that agree with one another, and not with the baseline, become the baseline. */
const AGREEING_READINGS = 3;
/** A reading can be this late on its way to us, so that its counts seem to have come in less time. */
const LATE_MS = 1000;

interface Suspects {
  readonly first: CounterSample;
  readonly last: CounterSample;
  readonly readings: number;
}

/**
 * Turns the values of a wrapping counter that may also fall to 0 by itself into energy, each count
 * booked once. Over any span the sums are the floor of the counts' energy, by integers.
 *
 * A step back is a wrap only where the installation can have drawn that much since the last good
 * reading (esphome/esphome#15280: every drop taken for a 24-bit wrap booked 3137 kWh each). Whatever
 * happens, no more is booked than the largest power gives in the time that passed.
 */
export class CounterAccumulator {
  readonly #policy: CounterPolicy;
  #baseline: CounterSample | undefined;
  #suspects: Suspects | undefined;
  #importRemainderNanowattHours = 0;
  #exportRemainderNanowattHours = 0;

  constructor(policy: CounterPolicy) {
    const { widthBits, nanowattHoursPerCount } = policy;
    const isWhole = Number.isSafeInteger(nanowattHoursPerCount) && nanowattHoursPerCount > 0;
    if (!isWhole || !Number.isSafeInteger(2 ** widthBits * nanowattHoursPerCount))
      throw new Error(`${widthBits} bits of ${nanowattHoursPerCount} nWh cannot be booked in safe integers`);
    this.#policy = policy;
  }

  /** Takes the next sample; times must not go back. The first one only sets the baseline. */
  accept(sample: CounterSample): CounterStep {
    const baseline = this.#baseline;
    if (baseline === undefined) return this.#advance("advanced", sample, sample, 0);
    const limit = this.#limitCounts(sample.atMs - baseline.atMs);
    const counts = this.#distance(baseline.count, sample.count);
    if (Math.abs(counts) <= limit && !isWrapDenied(baseline, sample))
      return this.#advance("advanced", baseline, sample, counts);
    const countsSinceZero = this.#distance(0, sample.count);
    if (Math.abs(countsSinceZero) <= limit) return this.#advance("reset", baseline, sample, countsSinceZero);
    return this.#suspect(sample);
  }

  /** Makes the next sample a baseline again, as the first one was: what was counted before it is not known. */
  restart(): void {
    this.#baseline = undefined;
    this.#suspects = undefined;
  }

  #advance(
    verdict: "advanced" | "reset" | "rebased",
    from: CounterSample,
    to: CounterSample,
    counts: number,
  ): CounterStep {
    this.#baseline = to;
    this.#suspects = undefined;
    return { verdict, energy: this.#book(counts, from, to) };
  }

  #suspect(sample: CounterSample): CounterStep {
    const before = this.#suspects;
    const suspects =
      before !== undefined && this.#agree(before.last, sample)
        ? { first: before.first, last: sample, readings: before.readings + 1 }
        : { first: sample, last: sample, readings: 1 };
    if (suspects.readings >= AGREEING_READINGS) {
      const counts = this.#distance(suspects.first.count, sample.count);
      return this.#advance("rebased", suspects.first, sample, counts);
    }
    this.#suspects = suspects;
    return { verdict: "implausible" };
  }

  #agree(from: CounterSample, to: CounterSample): boolean {
    return Math.abs(this.#distance(from.count, to.count)) <= this.#limitCounts(to.atMs - from.atMs);
  }

  /** Counts from one value to another: never below 0, or the shorter way round where export counts down. */
  #distance(from: number, to: number): number {
    const span = 2 ** this.#policy.widthBits;
    const forward = (to - from + span) % span;
    return this.#policy.adds === "algebraic" && forward >= span / 2 ? forward - span : forward;
  }

  /** Most counts that can have come in a time; half the counter at most, or a drop could not be told from a wrap. */
  #limitCounts(elapsedMs: number): number {
    const { widthBits, nanowattHoursPerCount } = this.#policy;
    const nanowattHours = largestNanowattHours(this.#policy, elapsedMs + LATE_MS);
    return Math.min(2 ** (widthBits - 1) - 1, Math.floor(nanowattHours / nanowattHoursPerCount) + 1);
  }

  /** One counter cannot tell a change of direction between two samples, so that energy near one is derived. */
  #book(counts: number, from: CounterSample, to: CounterSample): BookedEnergy {
    const isExport = this.#policy.adds === "algebraic" ? counts < 0 : to.isReverse;
    const nanowattHours = Math.abs(counts) * this.#policy.nanowattHoursPerCount;
    this.#importRemainderNanowattHours += isExport ? 0 : nanowattHours;
    this.#exportRemainderNanowattHours += isExport ? nanowattHours : 0;
    const importMilliwattHours = Math.floor(this.#importRemainderNanowattHours / 1_000_000);
    const exportMilliwattHours = Math.floor(this.#exportRemainderNanowattHours / 1_000_000);
    this.#importRemainderNanowattHours -= importMilliwattHours * 1_000_000;
    this.#exportRemainderNanowattHours -= exportMilliwattHours * 1_000_000;
    const quality = from.isReverse || to.isReverse ? "derived" : "measured";
    return { importMilliwattHours, exportMilliwattHours, quality };
  }
}

/** A drop is no wrap where the part's carry bit stayed as it was. */
function isWrapDenied(from: CounterSample, to: CounterSample): boolean {
  return to.count < from.count && from.carry !== undefined && from.carry === to.carry;
}

/** What a step of the counter gives away, for the driver to tell. */
export function faultOfStep({ verdict }: CounterStep): MeteringFault | undefined {
  if (verdict === "advanced") return undefined;
  return verdict === "reset" ? "counter-reset" : "implausible";
}

/** Milliseconds in which half the counter fills at the largest power: the longest time between two polls. */
export function maxPollIntervalMs(policy: CounterPolicy): number {
  const halfCounter = 2 ** (policy.widthBits - 1) * policy.nanowattHoursPerCount;
  return Math.floor(halfCounter / largestNanowattHours(policy, 1));
}

/** A milliwatt for 3.6 ms is a nanowatt-hour. */
function largestNanowattHours(policy: CounterPolicy, elapsedMs: number): number {
  return (policy.largestPowerMilliwatts * elapsedMs) / 3.6;
}
