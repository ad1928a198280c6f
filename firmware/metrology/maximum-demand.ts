// The highest mean power of a billing period: OBIS 1.6.t and 2.6.t.
import { INTERVAL_FLAG } from "../protocol/readings/interval.ts";
import type { Obis } from "../protocol/readings/obis.ts";
import {
  type ClockChange,
  type ClosedInterval,
  IntervalCutter,
  type IntervalCutterState,
  type MeterTime,
  type Registers,
} from "./interval-cutter.ts";
import { kept } from "./kept.ts";

/** The highest mean power of one whole period, and when the first period with it ended. */
export interface Maximum {
  readonly watts: number;
  readonly endSeconds: number;
}

/** A billing period that is over. */
export interface PastMaxima {
  /** When it ended, by the calendar. */
  readonly resetSeconds: number;
  /** By channel; undefined where no whole period was measured. */
  readonly maxima: readonly (Maximum | undefined)[];
}

export interface MaximumDemandOptions {
  /** What power is the mean of: 300 to 3600 s. */
  readonly periodSeconds: number;
  /** How often within it a period ends, 1 to 15: with 1 they follow each other, with more they slide. */
  readonly subPeriods: number;
  /** The first end of a billing period after a time, in whole seconds. */
  readonly resetAt: (utcSeconds: number) => number;
  /** Told of each end of a billing period, at a start from within the constructor, and by which reading it was found. */
  readonly onReset?: (resetSeconds: number, nowSeconds: number) => void;
}

type SavedMaximum = readonly [watts: number, endSeconds: number] | null;

export type MaximumDemandState = readonly [
  resets: number,
  lastResetSeconds: number | null,
  nextResetSeconds: number | null,
  cumulativeWatts: readonly number[],
  maxima: readonly SavedMaximum[],
  history: readonly (readonly [resetSeconds: number, maxima: readonly SavedMaximum[]])[],
  window: readonly (readonly number[])[],
  open: IntervalCutterState,
];

/** Demand as it was saved, and the time of the last reading that it took. */
export interface SavedDemand {
  readonly state: MaximumDemandState;
  readonly seen: MeterTime;
}

/** Months of which the maxima are kept: a billing year. */
const DEMAND_HISTORY_MAX = 12;
const PERIOD_SECONDS = { min: 300, max: 3600 } as const;
/** Minutes of the usual period of 15: more often than once a minute a part is not read. */
const SUB_PERIODS_MAX = 15;
const { daylightSaving } = INTERVAL_FLAG;

/** The active energy registers that demand is of: imported, exported, each in total and by rate. */
export function demandChannels(rates: number): Obis[] {
  return [1, 2].flatMap((c) => Array.from({ length: rates + 1 }, (_, rate) => `1-0:${c}.8.${rate}*255`));
}

/**
 * Cuts registers into sub-periods by the rules of {@link IntervalCutter} and takes the mean power of
 * each run of as many as make a period, in whole watts, rounded down. Only runs of whole sub-periods
 * count, measured without an outage, a stall or a clock set, and within one billing period.
 */
export class MaximumDemand {
  readonly #periodSeconds: number;
  readonly #subPeriods: number;
  readonly #subPeriodSeconds: number;
  readonly #resetAt: (utcSeconds: number) => number;
  readonly #onReset: (resetSeconds: number, nowSeconds: number) => void;
  readonly #cutter: IntervalCutter;
  #maxima: readonly (Maximum | undefined)[];
  #cumulativeWatts: readonly number[];
  #history: readonly PastMaxima[] = [];
  /** The saved forms, made anew only where there is something new. */
  #savedMaxima: MaximumDemandState[4] = [];
  #savedHistory: MaximumDemandState[5] = [];
  #state: MaximumDemandState | undefined;
  #resets = 0;
  #lastResetSeconds: number | undefined;
  /** Undefined until the clock was valid once. */
  #nextResetSeconds: number | undefined;
  /** `[slot, ...energy of each channel]` of the last sub-periods, which follow each other: one fewer than a period has. */
  #window: readonly (readonly number[])[] = [];
  /** What the clock showed last; at a start everything is before it, so that the next reset is computed anew. */
  #lastSeconds = Number.POSITIVE_INFINITY;

  constructor(
    options: MaximumDemandOptions,
    boot: number,
    time: MeterTime,
    registers: Registers,
    saved?: SavedDemand,
  ) {
    const { periodSeconds, subPeriods, resetAt, onReset = () => {} } = options;
    checkOptions(options);
    this.#periodSeconds = periodSeconds;
    this.#subPeriods = subPeriods;
    this.#subPeriodSeconds = periodSeconds / subPeriods;
    this.#resetAt = resetAt;
    this.#onReset = onReset;
    this.#maxima = registers.map(() => undefined);
    this.#savedMaxima = registers.map(() => null);
    this.#cumulativeWatts = registers.map(() => 0);
    if (saved !== undefined) this.#restore(saved.state);
    const cutterOptions = {
      periodSeconds: this.#subPeriodSeconds,
      boot,
      // A time that the clock shows twice is measured twice, and each time in full.
      hasEntry: () => false,
      onClosed: (interval: ClosedInterval) => this.#take(interval),
      onBootTime: () => {},
    };
    this.#cutter = new IntervalCutter(
      cutterOptions,
      time,
      registers,
      saved && { state: saved.state[7], seen: saved.seen },
    );
    this.#resetIfDue(time.utcSeconds);
  }

  /** Of this billing period, by channel. */
  get maxima(): readonly (Maximum | undefined)[] {
    return this.#maxima;
  }

  /** Sum of the maxima of all billing periods that are over, by channel: nobody can hide one by a reset. */
  get cumulativeWatts(): readonly number[] {
    return this.#cumulativeWatts;
  }

  /** The newest first. */
  get history(): readonly PastMaxima[] {
    return this.#history;
  }

  /** How often a billing period has ended. */
  get resets(): number {
    return this.#resets;
  }

  advance(time: MeterTime, registers: Registers): void {
    this.#cutter.advance(time, registers);
    this.#resetIfDue(time.utcSeconds);
  }

  clockChanged(change: ClockChange, time: MeterTime, registers: Registers): void {
    this.#cutter.clockChanged(change, time, registers);
    this.#resetIfDue(time.utcSeconds);
  }

  /** The same array as before while nothing of it has changed. */
  state(): MaximumDemandState {
    this.#state = kept(this.#state, [
      this.#resets,
      this.#lastResetSeconds ?? null,
      this.#nextResetSeconds ?? null,
      this.#cumulativeWatts,
      this.#savedMaxima,
      this.#savedHistory,
      this.#window,
      this.#cutter.state(),
    ] as const);
    return this.#state;
  }

  #restore([resets, last, next, cumulativeWatts, maxima, history, window]: MaximumDemandState): void {
    if (maxima.length !== this.#maxima.length) throw new Error("saved was the demand of another tariff");
    this.#resets = resets;
    this.#lastResetSeconds = last ?? undefined;
    this.#nextResetSeconds = next ?? undefined;
    this.#cumulativeWatts = cumulativeWatts;
    this.#setMaxima(maxima.map(restoredMaximum));
    this.#history = history.map(([resetSeconds, past]) => ({
      resetSeconds,
      maxima: past.map(restoredMaximum),
    }));
    this.#savedHistory = history;
    this.#window = window;
  }

  #take({ boot, slot, flags, starts, ends }: ClosedInterval): void {
    const follows = this.#window.at(-1)?.[0] === slot - 1;
    const isWhole = boot === 0 && (flags & ~daylightSaving) === 0;
    const energies = ends.map((end, channel) => (end ?? 0) - (starts[channel] ?? 0));
    this.#window = isWhole ? [...(follows ? this.#window : []), [slot, ...energies]] : [];
    if (this.#window.length < this.#subPeriods) return;
    const endSeconds = (slot + 1) * this.#subPeriodSeconds;
    const maxima = this.#maxima.map((maximum, channel) => {
      const watts = this.#meanWatts(channel);
      return maximum === undefined || watts > maximum.watts ? { watts, endSeconds } : maximum;
    });
    this.#setMaxima(kept(this.#maxima, maxima));
    // What the next period needs: of blocks that follow each other nothing.
    this.#window = this.#window.slice(1);
  }

  #setMaxima(maxima: readonly (Maximum | undefined)[]): void {
    if (maxima === this.#maxima) return;
    this.#maxima = maxima;
    this.#savedMaxima = maxima.map(savedMaximum);
  }

  #meanWatts(channel: number): number {
    let milliwattHours = 0;
    for (const subPeriod of this.#window) milliwattHours += subPeriod[1 + channel] as number;
    // mWh times 3600 s/h, by 1000 mW/W: in whole numbers the quotient's floor is exact.
    return Math.floor((18 * milliwattHours) / (5 * this.#periodSeconds));
  }

  /** Sub-periods that ended by now have been taken, so a period that ends with the month is still of it. */
  #resetIfDue(nowSeconds: number | undefined): void {
    if (nowSeconds === undefined) return;
    if (this.#nextResetSeconds !== undefined && nowSeconds >= this.#nextResetSeconds) {
      this.#reset(this.#nextResetSeconds);
      this.#onReset(this.#nextResetSeconds, nowSeconds);
      this.#nextResetSeconds = this.#resetAt(nowSeconds);
    } else if (nowSeconds < this.#lastSeconds) {
      this.#nextResetSeconds = this.#nextAfterSetBack(nowSeconds);
    }
    this.#lastSeconds = nowSeconds;
  }

  /** A clock set back over the end of a billing period must not end the same one again. */
  #nextAfterSetBack(nowSeconds: number): number {
    const next = this.#resetAt(nowSeconds);
    return next === this.#lastResetSeconds ? this.#resetAt(next) : next;
  }

  #reset(resetSeconds: number): void {
    const past = { resetSeconds, maxima: this.#maxima };
    this.#history = [past, ...this.#history].slice(0, DEMAND_HISTORY_MAX);
    this.#savedHistory = this.#history.map(({ resetSeconds: reset, maxima }) => {
      return [reset, maxima.map(savedMaximum)] as const;
    });
    this.#cumulativeWatts = this.#cumulativeWatts.map((sum, i) => sum + (this.#maxima[i]?.watts ?? 0));
    this.#setMaxima(this.#maxima.map(() => undefined));
    this.#window = [];
    this.#lastResetSeconds = resetSeconds;
    this.#resets++;
  }
}

function checkOptions({ periodSeconds, subPeriods }: MaximumDemandOptions): void {
  if (!(periodSeconds >= PERIOD_SECONDS.min && periodSeconds <= PERIOD_SECONDS.max)) {
    throw new Error(`no demand is a mean of ${periodSeconds} s`);
  }
  if (!Number.isInteger(subPeriods) || subPeriods < 1 || subPeriods > SUB_PERIODS_MAX) {
    throw new Error(`a period has 1 to ${SUB_PERIODS_MAX} sub-periods`);
  }
  if (!Number.isInteger(periodSeconds / subPeriods)) throw new Error("a sub-period is whole seconds");
}

function savedMaximum(maximum: Maximum | undefined): SavedMaximum {
  return maximum === undefined ? null : [maximum.watts, maximum.endSeconds];
}

function restoredMaximum(saved: SavedMaximum): Maximum | undefined {
  return saved === null ? undefined : { watts: saved[0], endSeconds: saved[1] };
}
