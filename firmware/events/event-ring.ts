// One log's ring: the newest events, by sequence numbers that only grow.
import type { LoggedEvent } from "../protocol/readings/logged-event.ts";
import { SEQUENCE_MAX } from "../protocol/readings/logged-event.ts";

/** A run of events without a gap, and where it lies in what the log has. */
export interface EventPage {
  /** The oldest sequence number that is kept; `next` where none is. */
  readonly oldest: number;
  /** What the next event will get. */
  readonly next: number;
  readonly events: readonly LoggedEvent[];
}

export class EventRing {
  readonly #capacity: number;
  /** By sequence, which is also the order of insertion. */
  readonly #events = new Map<number, LoggedEvent>();
  #next = 1;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get next(): number {
    return this.#next;
  }

  get oldest(): number {
    return this.#events.keys().next().value ?? this.#next;
  }

  /** All that is kept, oldest first. */
  all(): LoggedEvent[] {
    return [...this.#events.values()];
  }

  /**
   * Keeps an event whose number is `next` or, where some before it were lost, later; returns what gave
   * way to it. False where its number was used before.
   */
  add(event: LoggedEvent): LoggedEvent | undefined | false {
    if (event.sequence < this.#next || event.sequence > SEQUENCE_MAX) return false;
    this.#events.set(event.sequence, event);
    this.#next = event.sequence + 1;
    if (this.#events.size <= this.#capacity) return undefined;
    const oldest = this.#events.get(this.oldest);
    this.#events.delete(this.oldest);
    return oldest;
  }

  /** Numbers go on from `next`, where that is later: also those whose events are lost stay used. */
  skipTo(next: number): void {
    this.#next = Math.max(this.#next, next);
  }

  /** Up to `count` events from the first that is kept at or after `from`, up to the first gap. */
  read(from: number, count: number): EventPage {
    const events: LoggedEvent[] = [];
    for (const event of this.#events.values()) {
      if (events.length >= count) break;
      if (event.sequence < from) continue;
      const last = events.at(-1);
      if (last !== undefined && event.sequence !== last.sequence + 1) break;
      events.push(event);
    }
    return { oldest: this.oldest, next: this.#next, events };
  }
}
