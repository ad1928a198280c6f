// What observers of a meter's resources are told, and when: by the clock, or by what was logged.
import type { EventLog } from "../events/event-log.ts";
import type { EventPage } from "../events/event-ring.ts";
import type { CoapContent } from "../protocol/coap/message.ts";
import type { Observed } from "../protocol/observe/observers.ts";
import type { EventRequest } from "../protocol/readings/event-reading.ts";

/** Registers are told at this fixed period unless a runtime says another one. */
export const OBSERVE_PERIOD_MS = 60_000;
/**
 * Of a log in which nothing happens: whose session has ended meanwhile finds out by this, and is told then what he has
 * missed.
 */
const QUIET_LOG_MS = 600_000;
/** An alarm need not wait long; a log that fills in a storm takes a message in this time at the most. */
const EVENTS_APART_MS = 5000;

/** An answer at a fixed period and at no other time: neither tells of the load. */
export function observedPeriodically(periodMs: number, answer: () => CoapContent): Observed {
  return { answer, hasNews: () => false, atLatestMs: periodMs, atSoonestMs: periodMs };
}

/** Each answer goes on after the last event that the one before told. */
export function observedLog(
  log: Pick<EventLog, "read">,
  request: EventRequest,
  answer: (read: () => EventPage) => CoapContent,
): Observed {
  let { from } = request;
  const read = (): EventPage => {
    const page = log.read(request.log, from, request.count);
    const last = page.events.at(-1);
    from = last === undefined ? Math.max(from, page.next) : last.sequence + 1;
    return page;
  };
  return {
    answer: () => answer(read),
    hasNews: () => log.read(request.log, from, 0).next > from,
    atLatestMs: QUIET_LOG_MS,
    atSoonestMs: EVENTS_APART_MS,
  };
}
