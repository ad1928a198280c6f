// Events that a stranger can cause at will: told at once, and then counted, so that nobody can flush a log.
import type { EventName } from "./event-table.ts";

/**
 * After the first one, more of a kind become one event for six hours: 8 events a day for each of the six kinds
 * in the security log turn its ring of 680 over in 14 days at the soonest, and a head-end reads it each day.
 */
export const COUNTING_MS = 6 * 3_600_000;
const COUNT_MAX = 0xffffffff;

interface Window {
  readonly endMs: number;
  count: number;
}

/** What is being counted, for storage: kind, count, and milliseconds until it is told. */
export type OpenCount = readonly [name: EventName, count: number, leftMs: number];

export class FailureCounter {
  readonly #windows = new Map<EventName, Window>();

  /** True where this one is to be logged by itself; the others wait for {@link due}. */
  isFirst(name: EventName, nowMs: number): boolean {
    const window = this.#windows.get(name);
    if (window === undefined) {
      this.#windows.set(name, { endMs: nowMs + COUNTING_MS, count: 0 });
      return true;
    }
    window.count = Math.min(COUNT_MAX, window.count + 1);
    return false;
  }

  /** Ends the windows whose time is over; those in which there were more are given with their counts. */
  due(nowMs: number): (readonly [EventName, number])[] {
    const over = [...this.#windows].filter(([, { endMs }]) => endMs <= nowMs);
    for (const [name] of over) this.#windows.delete(name);
    return over.filter(([, { count }]) => count > 0).map(([name, { count }]) => [name, count]);
  }

  open(nowMs: number): OpenCount[] {
    return [...this.#windows].map(([name, { count, endMs }]) => [
      name,
      count,
      Math.min(COUNTING_MS, Math.max(0, Math.ceil(endMs - nowMs))),
    ]);
  }

  reopen([name, count, leftMs]: OpenCount, nowMs: number): void {
    this.#windows.set(name, { count, endMs: nowMs + leftMs });
  }
}
