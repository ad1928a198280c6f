import type { Cancel, Clock } from "../ports/clock.ts";

/** Longest delay of a host timer, in ms; a longer one would fire at once. */
const HOST_TIMER_MAX_MS = 2 ** 31 - 1;

/** Host timers count in whole milliseconds. */
const HOST_TIMER_STEP_MS = 1;

interface Alarm {
  readonly dueMs: number;
  readonly wake: () => void;
}

/**
 * All wake-ups in one list, with one host timer for the earliest: host timers alone round delays
 * down to whole milliseconds and so come early, and those of different delays out of order.
 */
class SystemClock implements Clock {
  /** By due time, ties in the order they were armed. */
  readonly #alarms: Alarm[] = [];
  /** Rings at the first alarm's time, to a step, or before it; holds the process up while there is an alarm. */
  #timer: { readonly host: NodeJS.Timeout; readonly ringsMs: number } | undefined;

  monotonicMs(): number {
    return performance.now();
  }

  utcMs(): number {
    return Date.now();
  }

  after(delayMs: number, wake: () => void): Cancel {
    if (!(delayMs >= 0)) throw new Error(`${delayMs} ms is no span of time`);
    const alarm: Alarm = { dueMs: this.monotonicMs() + delayMs, wake };
    this.#alarms.splice(this.#placeOf(alarm.dueMs), 0, alarm);
    this.#setTimer();
    return () => this.#cancel(alarm);
  }

  /** Behind all that are due at `dueMs` or before. */
  #placeOf(dueMs: number): number {
    let low = 0;
    let high = this.#alarms.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#alarms[middle] as Alarm).dueMs <= dueMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #cancel(alarm: Alarm): void {
    const place = this.#alarms.indexOf(alarm);
    if (place < 0) return;
    this.#alarms.splice(place, 1);
    if (this.#alarms.length === 0) this.#timer?.host.unref();
  }

  /** A timer that rings too early is left alone: most alarms are cancelled, and setting one costs more. */
  #setTimer(): void {
    const first = this.#alarms[0];
    if (first === undefined) return;
    if (this.#timer !== undefined && this.#timer.ringsMs < first.dueMs + HOST_TIMER_STEP_MS) {
      this.#timer.host.ref();
      return;
    }
    clearTimeout(this.#timer?.host);
    const delayMs = Math.min(Math.ceil(first.dueMs - this.monotonicMs()), HOST_TIMER_MAX_MS);
    const ringsMs = this.monotonicMs() + delayMs;
    this.#timer = { host: setTimeout(() => this.#wakeDue(), delayMs), ringsMs };
  }

  #wakeDue(): void {
    this.#timer = undefined;
    const nowMs = this.monotonicMs();
    try {
      for (let first = this.#alarms[0]; first && first.dueMs <= nowMs; first = this.#alarms[0]) {
        this.#alarms.shift();
        first.wake();
      }
    } finally {
      this.#setTimer();
    }
  }
}

/** The host's time: monotonic from process start, and UTC as the operating system has it. */
export const systemClock: Clock = new SystemClock();
