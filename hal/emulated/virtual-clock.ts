import type { Cancel, Clock } from "../ports/clock.ts";

/**
 * No world has so much to do at one instant (20,000 meters with 50 steps each): beyond it, a
 * wake-up arms itself again without delay, and time would stand still for ever.
 */
const WAKES_AT_ONE_INSTANT_MAX = 1_000_000;

/** A wake-up that is armed, with its place in the heap; -1 once it is out. */
interface Alarm {
  readonly dueMs: number;
  readonly order: number;
  readonly wake: () => void;
  slot: number;
}

/**
 * Time that stands until it is told to pass, and then jumps from wake-up to wake-up. Every wake-up
 * is punctual: within it, `monotonicMs` is exactly its due time. Starts at 0.
 */
export class VirtualClock implements Clock {
  readonly #alarms = new AlarmHeap();
  #state: "resting" | "passing" = "resting";
  #nowMs = 0;
  #utcOffsetMs: number | undefined;
  #armedSoFar = 0;
  #wakesAtThisInstant = 0;

  /** `utcMs`: UTC at the start; without it the clock is not told until {@link setUtcMs}. */
  constructor(options: { readonly utcMs?: number } = {}) {
    this.#utcOffsetMs = options.utcMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  utcMs(): number | undefined {
    return this.#utcOffsetMs === undefined ? undefined : this.#nowMs + this.#utcOffsetMs;
  }

  /** Steps UTC, or makes the clock forget it. Monotonic time and wake-ups stay as they are. */
  setUtcMs(utcMs: number | undefined): void {
    this.#utcOffsetMs = utcMs === undefined ? undefined : utcMs - this.#nowMs;
  }

  after(delayMs: number, wake: () => void): Cancel {
    const dueMs = this.#nowMs + checkedSpan(delayMs);
    const alarm: Alarm = { dueMs, order: this.#armedSoFar++, wake, slot: -1 };
    this.#alarms.add(alarm);
    return () => this.#alarms.remove(alarm);
  }

  /** Lets `ms` milliseconds pass, with all that becomes due in them. Not from inside a wake-up. */
  advanceBy(ms: number): void {
    this.runUntil(() => false, ms);
  }

  /**
   * Lets time pass from wake-up to wake-up until `done`, which is asked first and after each; true if
   * that came within `limitMs` milliseconds, else the clock stands at the limit. Not from inside a wake-up.
   */
  runUntil(done: () => boolean, limitMs: number): boolean {
    if (this.#state === "passing") throw new Error("a wake-up cannot make time pass");
    const endMs = this.#nowMs + checkedSpan(limitMs);
    this.#state = "passing";
    try {
      while (!done()) {
        if (this.#wakeNext(endMs)) continue;
        this.#nowMs = endMs;
        return done();
      }
      return true;
    } finally {
      this.#state = "resting";
    }
  }

  /** When the next wake-up is due, on the monotonic clock; undefined where none is armed. */
  nextDueMs(): number | undefined {
    return this.#alarms.first()?.dueMs;
  }

  #wakeNext(endMs: number): boolean {
    const alarm = this.#alarms.first();
    if (alarm === undefined || alarm.dueMs > endMs) return false;
    this.#alarms.remove(alarm);
    this.#wakesAtThisInstant = alarm.dueMs > this.#nowMs ? 1 : this.#wakesAtThisInstant + 1;
    if (this.#wakesAtThisInstant > WAKES_AT_ONE_INSTANT_MAX) {
      throw new Error(`time stands still at ${this.#nowMs} ms: a wake-up keeps arming itself without delay`);
    }
    this.#nowMs = alarm.dueMs;
    alarm.wake();
    return true;
  }
}

function checkedSpan(ms: number): number {
  if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) throw new Error(`${ms} ms is no span of time`);
  return ms;
}

/** A binary heap, earliest first, ties in arming order. Alarms know their slot, so that any can leave. */
class AlarmHeap {
  readonly #alarms: Alarm[] = [];

  first(): Alarm | undefined {
    return this.#alarms[0];
  }

  add(alarm: Alarm): void {
    this.#alarms.push(alarm);
    this.#rise(alarm, this.#alarms.length - 1);
  }

  /** Takes the alarm out; one that is out already stays so. */
  remove(alarm: Alarm): void {
    const { slot } = alarm;
    if (slot < 0) return;
    alarm.slot = -1;
    const last = this.#alarms.pop() as Alarm;
    if (last === alarm) return;
    this.#sink(last, slot);
    this.#rise(last, last.slot);
  }

  #rise(alarm: Alarm, from: number): void {
    let slot = from;
    while (slot > 0) {
      const parent = this.#alarms[(slot - 1) >> 1] as Alarm;
      if (isBefore(parent, alarm)) break;
      const parentSlot = parent.slot;
      this.#put(parent, slot);
      slot = parentSlot;
    }
    this.#put(alarm, slot);
  }

  #sink(alarm: Alarm, from: number): void {
    let slot = from;
    for (;;) {
      const child = this.#earlierChild(slot);
      if (child === undefined || isBefore(alarm, child)) break;
      const childSlot = child.slot;
      this.#put(child, slot);
      slot = childSlot;
    }
    this.#put(alarm, slot);
  }

  #earlierChild(slot: number): Alarm | undefined {
    const left = this.#alarms[2 * slot + 1];
    const right = this.#alarms[2 * slot + 2];
    return left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
  }

  #put(alarm: Alarm, slot: number): void {
    this.#alarms[slot] = alarm;
    alarm.slot = slot;
  }
}

function isBefore(a: Alarm, b: Alarm): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
