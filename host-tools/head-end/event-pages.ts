// A whole event log, page by page.
import type { LogName } from "../../firmware/events/event-table.ts";
import {
  EVENTS_PER_ANSWER_MAX,
  type EventReading,
  type EventRequest,
} from "../../firmware/protocol/readings/event-reading.ts";
import type { LoggedEvent } from "../../firmware/protocol/readings/logged-event.ts";
import type { Answer } from "./client.ts";

/** Sequence numbers, both ends included. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** What a log has from a number on. */
export interface LogReading {
  readonly log: LogName;
  /** As the last answer said. */
  readonly oldest: number;
  readonly next: number;
  readonly events: readonly LoggedEvent[];
  /** What was asked for and is not there any more: overwritten, or lost in a power cut. */
  readonly gaps: readonly NumberRange[];
  /** Where to go on; below `next` where there is more than was read. */
  readonly readTo: number;
}

/** The largest log of our meters in full pages is 22; one whose answers are short has three times as many. */
const PAGES_MAX = 64;

/**
 * Reads a log from a number on up to what it had when it was first asked: one that fills as fast as it is read ends
 * nevertheless. Each request begins after the last event that was got, so the meter takes no other for read.
 */
export async function readLog(
  ask: (request: EventRequest) => Promise<Answer<EventReading>>,
  log: LogName,
  from: number,
): Promise<LogReading> {
  const events: LoggedEvent[] = [];
  const gaps: NumberRange[] = [];
  let readTo = from;
  let until: number | undefined;
  for (let page = 1; ; page++) {
    const { body } = await ask({ log, from: readTo, count: EVENTS_PER_ANSWER_MAX });
    const { oldest, next } = body;
    // Without any event, all numbers before the next one are gone.
    const first = body.events[0]?.sequence ?? next;
    if (first > readTo) gaps.push({ first: readTo, last: first - 1 });
    events.push(...body.events);
    readTo = Math.max(readTo, first + body.events.length);
    until ??= next;
    if (readTo >= until || page === PAGES_MAX) return { log, oldest, next, events, gaps, readTo };
  }
}
