// Bodies of the resource `e`: which events of a log are asked for, and the events.
import { EVENT_LOGS, type LogName } from "../../events/event-table.ts";
import { equal } from "../bytes.ts";
import { type CborValue, decodeCbor, encodeCbor, encodeCborSequence } from "../cbor.ts";
import { arrayItems, decodeTime, encodeTime, isIntegerWithin, STATUS_MAX } from "./answer-fields.ts";
import { eventFromCbor, eventToCbor, type LoggedEvent, SEQUENCE_MAX } from "./logged-event.ts";

export interface EventRequest {
  readonly log: LogName;
  /** The sequence number to begin at; all before it is taken for read. */
  readonly from: number;
  /** At most this many; with 0 the answer only says what there is. */
  readonly count: number;
}

export interface EventReading {
  /** UTC of the answer, whole seconds; undefined where the meter does not know it. */
  readonly timeSeconds: number | undefined;
  /** Bits of `STATUS`. */
  readonly status: number;
  /** The oldest sequence number that the log keeps; `next` where it keeps none. */
  readonly oldest: number;
  /** What the next event will get: there are more as long as the last one here is not just before it. */
  readonly next: number;
  /** One after the other without a gap. A first one later than asked for says that those between are gone. */
  readonly events: readonly LoggedEvent[];
}

/** 32 events of at most 27 bytes and 23 bytes before them: an answer stays within 887 bytes. */
export const EVENTS_PER_ANSWER_MAX = 32;
/** What the padding of a detail fills up to. */
const DETAIL_BYTES = 5;

/** `[log, from, count]`: 4 to 8 bytes. A request that cannot be asked throws. */
export function encodeEventRequest({ log, from, count }: EventRequest): Uint8Array {
  const body = encodeCbor([EVENT_LOGS.indexOf(log), from, count]);
  if (decodeEventRequest(body) === undefined) throw new Error(`no request: ${log}, ${from}, ${count}`);
  return body;
}

/** The request, or undefined where the body is none. */
export function decodeEventRequest(body: Uint8Array): EventRequest | undefined {
  const [index, from, count, ...more] = arrayItems(decodeCbor(body)) ?? [];
  const log = typeof index === "number" ? EVENT_LOGS[index] : undefined;
  if (log === undefined || more.length > 0) return undefined;
  if (!isIntegerWithin(from, 0, SEQUENCE_MAX) || !isIntegerWithin(count, 0, EVENTS_PER_ANSWER_MAX)) {
    return undefined;
  }
  return { log, from, count };
}

/**
 * `[time, status, oldest, next]`, and where there are events `first, event, ...` after it, an event being
 * `[code, time, clock status]` or `[code, time, clock status, detail, ..., padding]`: zeros, so that five bytes are taken
 * for each detail, whatever was measured or counted. An answer that is none to the request is a bug and throws.
 */
export function encodeEventReading(reading: EventReading, request: EventRequest): Uint8Array {
  const { timeSeconds, status, oldest, next, events } = reading;
  const [first] = events;
  const body = encodeCbor([
    encodeTime(timeSeconds),
    status,
    oldest,
    next,
    ...(first === undefined ? [] : [first.sequence, ...events.map(eventToWire)]),
  ]);
  if (!isRun(events) || decodeEventReading(body, request) === undefined) {
    throw new Error(`${events.length} events from ${first?.sequence} answer no such request`);
  }
  return body;
}

/** The reading, or undefined where the body does not answer this request. */
export function decodeEventReading(body: Uint8Array, request: EventRequest): EventReading | undefined {
  const [timeItem, status, oldest, next, ...rest] = arrayItems(decodeCbor(body)) ?? [];
  const time = decodeTime(timeItem);
  if (time === undefined || !isIntegerWithin(status, 0, STATUS_MAX)) return undefined;
  if (!isIntegerWithin(next, 1, SEQUENCE_MAX + 1) || !isIntegerWithin(oldest, 1, next)) return undefined;
  const timeSeconds = time === "unknown" ? undefined : time;
  if (rest.length === 0) return { timeSeconds, status, oldest, next, events: [] };
  const [first, ...items] = rest;
  if (!isIntegerWithin(first, Math.max(oldest, request.from), next - items.length)) return undefined;
  if (items.length < 1 || items.length > request.count) return undefined;
  const events = items
    .map((item, i) => eventFromWire(first + i, item))
    .filter((event) => event !== undefined);
  return events.length === items.length ? { timeSeconds, status, oldest, next, events } : undefined;
}

function eventToWire(event: LoggedEvent): CborValue {
  const items = arrayItems(eventToCbor(event)) ?? [];
  return event.details.length === 0 ? [...items] : [...items, paddingOf(event)];
}

/** The event, or undefined where the value is none, or is padded in another way. */
function eventFromWire(sequence: number, value: CborValue): LoggedEvent | undefined {
  const items = arrayItems(value) ?? [];
  const padding = items.at(-1);
  const isPadded = padding instanceof Uint8Array;
  const event = eventFromCbor(sequence, isPadded ? items.slice(0, -1) : value);
  if (event === undefined || !isPadded) return event?.details.length === 0 ? event : undefined;
  return event.details.length > 0 && equal(padding, paddingOf(event)) ? event : undefined;
}

function paddingOf({ details }: LoggedEvent): Uint8Array {
  // A detail beyond its room is a bug, which the encoder finds.
  return new Uint8Array(Math.max(0, DETAIL_BYTES * details.length - encodeCborSequence([...details]).length));
}

function isRun(events: readonly LoggedEvent[]): boolean {
  return events.every(({ sequence }, i) => sequence === (events[0] as LoggedEvent).sequence + i);
}
