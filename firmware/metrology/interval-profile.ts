// The load profile: what registers stood at, at each boundary of a grid in UTC.
import { INTERVAL_FLAG, INTERVAL_VALUE_MAX, type Interval } from "../protocol/readings/interval.ts";
import type { Obis } from "../protocol/readings/obis.ts";
import {
  type BootTime,
  type ClockChange,
  IntervalCutter,
  type IntervalCutterState,
  type MeterTime,
  type Registers,
} from "./interval-cutter.ts";
import { IntervalStore, type StoredInterval } from "./interval-store.ts";
import { kept } from "./kept.ts";

/** One interval of the grid, of one channel. */
export interface IntervalRow {
  readonly startSeconds: number;
  /** Bits of {@link INTERVAL_FLAG}; `missing` where and only where there are no registers. */
  readonly flags: number;
  /** What the register stood at when the interval opened and closed. */
  readonly register: RegisterSpan | undefined;
}

/** In whole mWh, mvarh or mVAh. */
interface RegisterSpan {
  readonly startMilli: number;
  readonly endMilli: number;
}

/** A row as it is kept, whether or not another has the same time. */
export interface ProfileEntry extends StoredInterval {
  /** Undefined while nobody knows when that start of the meter was; off the grid where it was learnt later. */
  readonly startSeconds: number | undefined;
}

/** Those that utility meters are set to: each divides the hour, so that local hours begin on all of their grids. */
const PERIODS_SECONDS: readonly number[] = [300, 900, 1800, 3600];
/** As many as the profiles of utility meters have. */
const CHANNELS_MAX = 5;
/**
 * Starts without a valid clock that are remembered: older ones have lost their rows to newer ones. Four profiles with so
 * many go into one record of a journal.
 */
const BOOT_TIMES_MAX = 48;

export interface IntervalProfileOptions {
  /** Length of an interval; 900 where not given. */
  readonly periodSeconds?: number;
  /** Intervals kept: the oldest gives way. */
  readonly capacity: number;
  /** Energy registers, 1 to 5. */
  readonly channels: readonly Obis[];
  readonly isDaylightSaving?: ((utcSeconds: number) => boolean) | undefined;
  /** Told of each row as it closes: one record of a journal. */
  readonly onRow?: ((row: IntervalRecord) => void) | undefined;
}

/** `[sequence, boot, slot, flags, ...registers at the start, ...registers at the end]`. */
export type IntervalRecord = readonly (number | null)[];

/** All but the rows: what it is a profile of, the next sequence, when earlier starts were, the open interval. */
export type IntervalProfileState = readonly [
  periodSeconds: number,
  channels: readonly Obis[],
  nextSequence: number,
  bootTimes: readonly (readonly [boot: number, utcMs: number])[],
  open: IntervalCutterState,
];

/** A profile as it was saved. */
export interface SavedProfile {
  readonly state: IntervalProfileState;
  /**
   * In the order in which they were told. Those newer than the state are left out, since its open
   * interval has their energy and will make them again; of two with one sequence the later one holds.
   */
  readonly rows: readonly IntervalRecord[];
  /** The time of the last reading that it took. */
  readonly seen: MeterTime;
}

/** Cuts up to five registers into the intervals of one period, by the rules of {@link IntervalCutter}. */
export class IntervalProfile {
  readonly periodSeconds: number;
  readonly channels: readonly Obis[];
  readonly #store: IntervalStore;
  readonly #cutter: IntervalCutter;
  readonly #bootTimes = new Map<number, number>();
  #savedBootTimes: IntervalProfileState[3] = [];
  #nextSequence = 1;
  #state: IntervalProfileState | undefined;

  /** `boot` counts the starts of the meter, of which this is one; `saved` is what is left of those before. */
  constructor(
    options: IntervalProfileOptions,
    boot: number,
    time: MeterTime,
    registers: Registers,
    saved?: SavedProfile,
  ) {
    const { periodSeconds = 900, capacity, channels, isDaylightSaving, onRow = () => {} } = options;
    if (!PERIODS_SECONDS.includes(periodSeconds)) throw new Error(`no profile has ${periodSeconds} s`);
    if (channels.length < 1 || channels.length > CHANNELS_MAX)
      throw new Error("a profile has 1 to 5 channels");
    this.periodSeconds = periodSeconds;
    this.channels = channels;
    this.#store = new IntervalStore(capacity, channels.length);
    if (saved !== undefined) this.#restore(saved);
    const cutterOptions = {
      periodSeconds,
      boot,
      isDaylightSaving,
      hasEntry: (slot: number) => this.#store.hasUtc(slot),
      onClosed: (interval: Omit<StoredInterval, "sequence">) => {
        const row = { sequence: this.#nextSequence++, ...interval };
        this.#store.add(row);
        onRow(recordOf(row));
      },
      onBootTime: (bootTime: BootTime) => this.#learn(bootTime),
    };
    this.#cutter = new IntervalCutter(
      cutterOptions,
      time,
      registers,
      saved && { state: saved.state[4], seen: saved.seen },
    );
  }

  /** Takes what the channels' registers stand at. To be called after each reading. */
  advance(time: MeterTime, registers: Registers): void {
    this.#cutter.advance(time, registers);
  }

  clockChanged(change: ClockChange, time: MeterTime, registers: Registers): void {
    this.#cutter.clockChanged(change, time, registers);
  }

  /**
   * `count` slots of the grid, the first the one that `startSeconds` lies in, each with the newest of its
   * entries. An interval that is not closed yet, was never measured or is no longer kept reads as
   * missing. One whose time was learnt later stands in the slot that most of it was in.
   */
  read(startSeconds: number, count: number, channel = 0): IntervalRow[] {
    const first = Math.floor(startSeconds / this.periodSeconds);
    const places = new Array<number | undefined>(count).fill(undefined);
    this.#store.forEachPlace((boot, slot, place) => {
      const start = this.#startOf(boot, slot);
      const index = start === undefined ? -1 : Math.round(start / this.periodSeconds) - first;
      if (index >= 0 && index < count) places[index] = place;
    });
    return places.map((place, i) => this.#row((first + i) * this.periodSeconds, place, channel));
  }

  /**
   * Every entry that starts in a span of UTC, and every one whose time is not known, in the order in
   * which they were made; a time that the clock showed twice has two.
   */
  entries(fromSeconds: number, toSeconds: number): ProfileEntry[] {
    const found: ProfileEntry[] = [];
    this.#store.forEachPlace((boot, slot, place) => {
      const startSeconds = this.#startOf(boot, slot);
      if (startSeconds !== undefined && (startSeconds < fromSeconds || startSeconds >= toSeconds)) return;
      found.push({ ...this.#store.at(place), startSeconds });
    });
    return found;
  }

  /** The same array as before while nothing of it has changed. */
  state(): IntervalProfileState {
    const { periodSeconds, channels } = this;
    const state = [periodSeconds, channels, this.#nextSequence, this.#savedBootTimes, this.#cutter.state()];
    this.#state = kept(this.#state, state as unknown as IntervalProfileState);
    return this.#state;
  }

  #restore({ state, rows }: SavedProfile): void {
    const [periodSeconds, channels, nextSequence, bootTimes] = state;
    if (periodSeconds !== this.periodSeconds || String(channels) !== String(this.channels)) {
      throw new Error(`saved was a profile of ${channels} every ${periodSeconds} s`);
    }
    this.#nextSequence = nextSequence;
    for (const [boot, utcMs] of bootTimes) this.#bootTimes.set(boot, utcMs / 1000);
    this.#savedBootTimes = bootTimes;
    const newest = new Map(rows.map((record) => [record[0], record]));
    for (const record of newest.values()) {
      const row = intervalOf(record, this.channels.length);
      if (row.sequence < this.#nextSequence) this.#store.add(row);
    }
  }

  #learn({ boot, utcSeconds }: BootTime): void {
    this.#bootTimes.set(boot, Math.round(1000 * utcSeconds) / 1000);
    const [oldest] = this.#bootTimes.keys();
    if (this.#bootTimes.size > BOOT_TIMES_MAX && oldest !== undefined) this.#bootTimes.delete(oldest);
    this.#savedBootTimes = [...this.#bootTimes].map(([start, seconds]) => [start, 1000 * seconds] as const);
  }

  #startOf(boot: number, slot: number): number | undefined {
    const origin = boot === 0 ? 0 : this.#bootTimes.get(boot);
    return origin === undefined ? undefined : origin + slot * this.periodSeconds;
  }

  #row(startSeconds: number, place: number | undefined, channel: number): IntervalRow {
    const stored = place === undefined ? undefined : this.#store.at(place);
    const [startMilli, endMilli] = [stored?.starts[channel], stored?.ends[channel]];
    if (stored === undefined || startMilli === undefined || endMilli === undefined) {
      return { startSeconds, flags: INTERVAL_FLAG.missing, register: undefined };
    }
    return { startSeconds, flags: stored.flags, register: { startMilli, endMilli } };
  }
}

function recordOf({ sequence, boot, slot, flags, starts, ends }: StoredInterval): IntervalRecord {
  return [sequence, boot, slot, flags, ...[...starts, ...ends].map((register) => register ?? null)];
}

function intervalOf(record: IntervalRecord, channels: number): StoredInterval {
  const [sequence, boot, slot, flags] = record as readonly number[];
  const registers = record.slice(4).map((register) => register ?? undefined);
  if (sequence === undefined || boot === undefined || slot === undefined || flags === undefined) {
    throw new Error("a record of a row has more numbers");
  }
  if (registers.length !== 2 * channels)
    throw new Error(`a row of ${channels} channels has two registers each`);
  return {
    sequence,
    boot,
    slot,
    flags,
    starts: registers.slice(0, channels),
    ends: registers.slice(channels),
  };
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
    const value = Math.floor(register.endMilli / step) - Math.floor(register.startMilli / step);
    if (value <= INTERVAL_VALUE_MAX) return { value, flags };
    return { value: undefined, flags: flags | INTERVAL_FLAG.error | INTERVAL_FLAG.missing };
  });
}
