// The load profile: what a register stood at, at each boundary of a grid in UTC.
import { INTERVAL_FLAG, INTERVAL_VALUE_MAX, type Interval } from "../protocol/readings/interval.ts";

/** One interval of the grid. */
export interface IntervalRow {
  readonly startSeconds: number;
  /** Bits of {@link INTERVAL_FLAG}; `missing` where and only where there are no registers. */
  readonly flags: number;
  /** What the register stood at when the interval opened and closed. */
  readonly register: RegisterSpan | undefined;
}

interface RegisterSpan {
  readonly startMilliwattHours: number;
  readonly endMilliwattHours: number;
}

export interface IntervalProfileOptions {
  /** Length of an interval; 900 where not given. Intervals start at whole multiples of it in UTC. */
  readonly periodSeconds?: number;
  /** Intervals kept: the oldest gives way. */
  readonly capacity: number;
}

interface OpenInterval {
  /** Intervals of the grid since 1970. */
  readonly index: number;
  readonly startMilliwattHours: number;
  flags: number;
}

/** Neither the interval before a gap nor the one after it has exactly the energy of its own period. */
const GAP = INTERVAL_FLAG.dataNotValid;
const CLOCK_SET_BACK = INTERVAL_FLAG.clockAdjusted | INTERVAL_FLAG.dataNotValid;

/**
 * Cuts one register into intervals. Each row keeps the register at both of its ends and begins where
 * the row before ended, so all rows and the open interval together are the register, whatever the
 * clock did.
 *
 * - The first reading at or after a boundary closes the open interval with all energy up to it.
 * - Over more than one boundary (a stall, a clock set forward) the interval that closes has the energy,
 *   the one that opens begins late, both are flagged `dataNotValid`, and those between are missing.
 * - The first interval after a start is flagged `powerDown`, unless it starts on a boundary.
 * - A time before the open interval (a clock set back) overwrites nothing: the open interval goes on
 *   until the time is beyond it, flagged `clockAdjusted` and `dataNotValid`.
 */
export class IntervalProfile {
  readonly periodSeconds: number;
  readonly #capacity: number;
  /** By index, which is also the order of insertion. */
  readonly #rows = new Map<number, IntervalRow>();
  #open: OpenInterval | undefined;
  #registerMilliwattHours = 0;

  constructor({ periodSeconds = 900, capacity }: IntervalProfileOptions) {
    if (!Number.isSafeInteger(periodSeconds) || periodSeconds < 1)
      throw new Error("a period is whole seconds");
    if (!Number.isSafeInteger(capacity) || capacity < 1) throw new Error("a profile keeps at least one row");
    this.periodSeconds = periodSeconds;
    this.#capacity = capacity;
  }

  /**
   * Takes what the register stands at, at a time of UTC (fractions allowed). To be called after each
   * reading, and once at the start, while UTC is known. A register that goes back is a bug and throws.
   */
  advance(utcSeconds: number, registerMilliwattHours: number): void {
    if (
      !Number.isSafeInteger(registerMilliwattHours) ||
      registerMilliwattHours < this.#registerMilliwattHours
    ) {
      throw new Error(`register at ${registerMilliwattHours} mWh after ${this.#registerMilliwattHours} mWh`);
    }
    if (!Number.isFinite(utcSeconds)) throw new Error(`${utcSeconds} is no time`);
    this.#registerMilliwattHours = registerMilliwattHours;
    const index = Math.floor(utcSeconds / this.periodSeconds);
    const isOnBoundary = utcSeconds === index * this.periodSeconds;
    const open = this.#open;
    if (open === undefined) {
      this.#openAt(index, isOnBoundary ? 0 : INTERVAL_FLAG.powerDown);
    } else if (index < open.index) {
      open.flags |= CLOCK_SET_BACK;
    } else if (index > open.index) {
      const isGap = index > open.index + 1;
      this.#close(open, isGap ? GAP : 0);
      this.#openAt(index, isGap && !isOnBoundary ? GAP : 0);
    }
  }

  /**
   * `count` rows of the grid, the first the one that `startSeconds` lies in. An interval that is not
   * closed yet, was never measured or is no longer kept reads as missing.
   */
  read(startSeconds: number, count: number): IntervalRow[] {
    const first = Math.floor(startSeconds / this.periodSeconds);
    return Array.from({ length: count }, (_, i) => this.#rows.get(first + i) ?? this.#missing(first + i));
  }

  #openAt(index: number, flags: number): void {
    this.#open = { index, startMilliwattHours: this.#registerMilliwattHours, flags };
  }

  #close(open: OpenInterval, moreFlags: number): void {
    this.#rows.set(open.index, {
      startSeconds: open.index * this.periodSeconds,
      flags: open.flags | moreFlags,
      register: {
        startMilliwattHours: open.startMilliwattHours,
        endMilliwattHours: this.#registerMilliwattHours,
      },
    });
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > this.#capacity && oldest !== undefined) this.#rows.delete(oldest);
  }

  #missing(index: number): IntervalRow {
    return { startSeconds: index * this.periodSeconds, flags: INTERVAL_FLAG.missing, register: undefined };
  }
}

/**
 * Rows as values of whole steps: floor(end / step) - floor(start / step), which adds up to the same
 * difference of the register over any rows that follow each other.
 *
 * An interval of more than 2^20 steps has no value and is flagged `error` beside `missing`, since a
 * value cut would be wrong unseen; in larger steps it can still be read.
 */
export function intervalsInSteps(rows: readonly IntervalRow[], stepWattHours: number): Interval[] {
  const step = stepWattHours * 1000;
  if (!Number.isSafeInteger(step) || step < 1) throw new Error(`${stepWattHours} Wh is no step`);
  return rows.map(({ register, flags }) => {
    if (register === undefined) return { value: undefined, flags };
    const value =
      Math.floor(register.endMilliwattHours / step) - Math.floor(register.startMilliwattHours / step);
    if (value <= INTERVAL_VALUE_MAX) return { value, flags };
    return { value: undefined, flags: flags | INTERVAL_FLAG.error | INTERVAL_FLAG.missing };
  });
}
