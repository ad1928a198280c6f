// Where an interval ends and the next begins, whatever the clock and the supply do.
import { INTERVAL_FLAG } from "../protocol/readings/interval.ts";
import { kept } from "./kept.ts";

/** The time that a reading is of. */
export interface MeterTime {
  /** Fractions allowed; undefined while the clock is not valid. */
  readonly utcSeconds: number | undefined;
  /** Since this start of the meter, on the monotonic clock. */
  readonly bootSeconds: number;
}

/**
 * What the owner of the clock has done. A clock that becomes invalid needs no word: the times that
 * follow have no UTC.
 */
export type ClockChange =
  /** Set by no more than the limit: of no consequence, but the clock is known to be right. */
  | { readonly kind: "synchronised" }
  /** Set by more than the limit; what it showed just before, and undefined where it showed nothing valid. */
  | { readonly kind: "adjusted"; readonly fromSeconds: number | undefined };

/** What registers stand at, by channel, in whole mWh, mvarh or mVAh; undefined where one is not measured. */
export type Registers = readonly (number | undefined)[];

/** An interval that has ended. Registers at both of its ends: what it holds is their difference. */
export interface ClosedInterval {
  /** 0 where `slot` counts from 1970 in UTC; else the start of the meter that it counts from. */
  readonly boot: number;
  /** Whole periods. */
  readonly slot: number;
  /** Bits of {@link INTERVAL_FLAG}. */
  readonly flags: number;
  readonly starts: Registers;
  readonly ends: Registers;
}

/** When a start of the meter was, in UTC; known as soon as its clock became valid. */
export interface BootTime {
  readonly boot: number;
  readonly utcSeconds: number;
}

export interface IntervalCutterOptions {
  /** Intervals start at whole multiples of it in UTC. */
  readonly periodSeconds: number;
  /** Starts of the meter so far, this one included: 1 or more. */
  readonly boot: number;
  readonly isDaylightSaving?: ((utcSeconds: number) => boolean) | undefined;
  /** True for a slot that has been closed before, as it is after the clock was set back. */
  readonly hasEntry: (slot: number) => boolean;
  readonly onClosed: (interval: ClosedInterval) => void;
  readonly onBootTime: (bootTime: BootTime) => void;
}

/** `[boot, slot, flags, ms of its opening, ...registers at its opening]`: the same as long as the interval is open. */
export type IntervalCutterState = readonly (number | null)[];

/** A cutter as it was saved, and the time of the last reading that it took. */
export interface SavedCutter {
  readonly state: IntervalCutterState;
  readonly seen: MeterTime;
}

/** A clock that goes back unannounced by no more is one that is kept in step; by more it was set. As GB meters have it. */
const SYNCHRONISATION_LIMIT_SECONDS = 10;

const { clockAdjusted, clockInvalid, dataNotValid, daylightSaving, powerDown } = INTERVAL_FLAG;
const NO_CLOCK = clockInvalid | dataNotValid;

/** A point of one of the two times that slots count in. */
interface Instant {
  readonly boot: number;
  readonly seconds: number;
}

interface OpenInterval {
  readonly boot: number;
  readonly slot: number;
  readonly openedAtSeconds: number;
  readonly starts: Registers;
  readonly flags: number;
}

/**
 * Always in exactly one open interval, whose end is the beginning of the next: energy is in one
 * interval and in no other. An interval is closed once, by the first reading at or after its end; one
 * in which no time has passed and no energy was booked gives no entry. README.md has the table of flags.
 */
export class IntervalCutter {
  readonly #options: IntervalCutterOptions;
  #open: OpenInterval;
  #state: IntervalCutterState | undefined;
  /** In the time that the open interval counts in. */
  #lastSeenSeconds: number;

  /** The meter starts: for the first time, or with the state that it was cut off in. */
  constructor(options: IntervalCutterOptions, time: MeterTime, registers: Registers, saved?: SavedCutter) {
    this.#options = options;
    const at = this.#instant(time);
    if (saved === undefined) {
      this.#open = this.#opening(at, powerDown, registers);
    } else {
      this.#open = openOf(saved.state);
      this.#lastSeenSeconds = secondsIn(this.#open.boot, saved.seen);
      this.#recover(at, registers);
    }
    this.#lastSeenSeconds = at.seconds;
  }

  /** To be called after each reading, with all energy up to it booked. */
  advance(time: MeterTime, registers: Registers): void {
    const at = this.#instant(time);
    if (at.boot !== this.#open.boot) this.#changeTime(at, time.bootSeconds, registers);
    else if (at.seconds < this.#lastSeenSeconds - SYNCHRONISATION_LIMIT_SECONDS) this.#jump(at, registers);
    else this.#pass(at, registers);
    this.#lastSeenSeconds = at.seconds;
  }

  /** The clock was set, and shows `time` now. */
  clockChanged(change: ClockChange, time: MeterTime, registers: Registers): void {
    const at = this.#instant(time);
    if (at.boot !== this.#open.boot) {
      this.#changeTime(at, time.bootSeconds, registers);
    } else if (change.kind === "adjusted" && at.boot === 0) {
      const { fromSeconds } = change;
      if (fromSeconds !== undefined) this.advance({ ...time, utcSeconds: fromSeconds }, registers);
      this.#jump(at, registers);
    } else {
      this.#pass(at, registers);
    }
    this.#lastSeenSeconds = at.seconds;
  }

  /** The same array as before while the same interval is open. */
  state(): IntervalCutterState {
    const { boot, slot, flags, openedAtSeconds, starts } = this.#open;
    const openedAtMs = Math.round(1000 * openedAtSeconds);
    const now = [boot, slot, flags, openedAtMs, ...starts.map((register) => register ?? null)];
    this.#state = kept(this.#state, now);
    return this.#state;
  }

  #instant({ utcSeconds, bootSeconds }: MeterTime): Instant {
    return utcSeconds === undefined
      ? { boot: this.#options.boot, seconds: bootSeconds }
      : { boot: 0, seconds: utcSeconds };
  }

  /** Time has gone on; a reading that comes late by more than a period has missed boundaries. */
  #pass(at: Instant, registers: Registers): void {
    const missed = this.#slotOf(at) - this.#open.slot - 1;
    if (missed < 0) return;
    const flags = missed > 0 ? dataNotValid : 0;
    this.#close(flags, registers);
    this.#open = this.#opening(at, flags, registers);
  }

  #jump(at: Instant, registers: Registers): void {
    const slots = this.#slotOf(at) - this.#open.slot;
    if (slots === 0) {
      this.#open = { ...this.#open, flags: this.#open.flags | clockAdjusted };
      return;
    }
    this.#cutShort(slots < 0 ? clockAdjusted | dataNotValid : clockAdjusted, registers);
    this.#open = this.#opening(at, clockAdjusted, registers);
  }

  /** After an outage, of which nobody knows when it began: the open interval had ended, or goes on. */
  #recover(at: Instant, registers: Registers): void {
    if (at.boot === this.#open.boot && this.#slotOf(at) === this.#open.slot) {
      this.#open = { ...this.#open, flags: this.#open.flags | powerDown };
      return;
    }
    this.#cutShort(powerDown, registers);
    this.#open = this.#opening(at, powerDown, registers);
  }

  /** The clock has become invalid, or valid: slots count from elsewhere now. */
  #changeTime(at: Instant, bootSeconds: number, registers: Registers): void {
    this.#cutShort(at.boot === 0 ? 0 : NO_CLOCK, registers);
    let flags: number = clockAdjusted;
    if (at.boot === 0) {
      const bootUtcSeconds = at.seconds - bootSeconds;
      this.#options.onBootTime({ boot: this.#options.boot, utcSeconds: bootUtcSeconds });
      if (bootUtcSeconds > this.#slotOf(at) * this.#options.periodSeconds) flags |= powerDown;
    }
    this.#open = this.#opening(at, flags, registers);
  }

  /** `partialFlags` are for one that begins within its period. */
  #opening(at: Instant, partialFlags: number, registers: Registers): OpenInterval {
    const slot = this.#slotOf(at);
    let flags = at.seconds === slot * this.#options.periodSeconds ? 0 : partialFlags;
    if (at.boot !== 0) flags |= NO_CLOCK;
    else if (this.#options.hasEntry(slot)) flags |= clockAdjusted;
    return { boot: at.boot, slot, flags, openedAtSeconds: at.seconds, starts: [...registers] };
  }

  /** As {@link IntervalCutter.#close}, where it may be that nothing was in the interval, not even time. */
  #cutShort(moreFlags: number, registers: Registers): void {
    const { starts, openedAtSeconds } = this.#open;
    const isEmpty = starts.every((start, channel) => (start ?? 0) === (registers[channel] ?? 0));
    if (!isEmpty || this.#lastSeenSeconds !== openedAtSeconds) this.#close(moreFlags, registers);
  }

  #close(moreFlags: number, registers: Registers): void {
    const { boot, slot, starts } = this.#open;
    const { isDaylightSaving = () => false, periodSeconds, onClosed } = this.#options;
    const summer = boot === 0 && isDaylightSaving(slot * periodSeconds) ? daylightSaving : 0;
    const flags = this.#open.flags | moreFlags | summer;
    onClosed({ boot, slot, flags, starts, ends: [...registers] });
  }

  #slotOf({ seconds }: Instant): number {
    return Math.floor(seconds / this.#options.periodSeconds);
  }
}

function openOf(state: IntervalCutterState): OpenInterval {
  const [boot, slot, flags, openedAtMs, ...starts] = state as number[];
  if (boot === undefined || slot === undefined || flags === undefined) throw new Error("no open interval");
  return {
    boot,
    slot,
    flags,
    openedAtSeconds: (openedAtMs as number) / 1000,
    starts: starts.map((register) => register ?? undefined),
  };
}

/** In the time that intervals of this start count in; an interval in UTC was seen in UTC. */
function secondsIn(boot: number, { utcSeconds, bootSeconds }: MeterTime): number {
  return boot === 0 ? (utcSeconds as number) : bootSeconds;
}
