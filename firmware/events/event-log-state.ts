// The event logs in storage: a snapshot as CBOR, and each event for a journal.
import { type CborValue, decodeCbor, encodeCbor } from "../protocol/cbor.ts";
import { arrayItems, isIntegerWithin } from "../protocol/readings/answer-fields.ts";
import {
  CODE_MAX,
  eventFromCbor,
  eventToCbor,
  type LoggedEvent,
  SEQUENCE_MAX,
} from "../protocol/readings/logged-event.ts";
import { type EventLogState, type LogState, RING_SIZES } from "./event-log.ts";
import { EVENT_LOGS, EVENTS, eventNameOf, type LogName } from "./event-table.ts";
import { COUNTING_MS, type OpenCount } from "./failure-counter.ts";

const VERSION = 1;
const COUNT_MAX = 0xffffffff;

/** `[version, [log, ...], [count, ...]]`, logs in their order of numbers. */
export function eventLogToCbor({ logs, counts }: EventLogState): CborValue {
  return [
    VERSION,
    EVENT_LOGS.map((name) => logToCbor(logs[name])),
    counts.map(([name, count, leftMs]) => [EVENTS[name].code, count, leftMs]),
  ];
}

/** The state, or undefined where the value is none. Counts of kinds that are no longer counted are dropped. */
export function eventLogFromCbor(value: CborValue | undefined): EventLogState | undefined {
  const items = arrayItems(value);
  const logItems = arrayItems(items?.[1]);
  const countItems = arrayItems(items?.[2]);
  if (items?.length !== 3 || items[0] !== VERSION || countItems === undefined) return undefined;
  if (logItems?.length !== EVENT_LOGS.length) return undefined;
  const logs = EVENT_LOGS.map((name, i) => [name, logFromCbor(name, logItems[i])] as const);
  const counts = countItems.map(countFromCbor);
  if (logs.some(([, log]) => log === undefined) || counts.includes(undefined)) return undefined;
  return {
    logs: Object.fromEntries(logs) as Record<LogName, LogState>,
    counts: counts.filter((count) => count !== undefined && count !== "not-counted"),
  };
}

/** One event for a journal: `[log, sequence, event]`. */
export function journalEventToCbor(log: LogName, event: LoggedEvent): CborValue {
  return [EVENT_LOGS.indexOf(log), event.sequence, eventToCbor(event)];
}

export function journalEventFromCbor(
  value: CborValue | undefined,
): { readonly log: LogName; readonly event: LoggedEvent } | undefined {
  const [index, sequence, item, ...more] = arrayItems(value) ?? [];
  if (more.length > 0 || !isIntegerWithin(sequence, 1, SEQUENCE_MAX)) return undefined;
  const log = typeof index === "number" ? EVENT_LOGS[index] : undefined;
  const event = eventFromCbor(sequence, item);
  return log === undefined || event === undefined ? undefined : { log, event };
}

/** Events of a chunk: with nine items each they stay far below what CBOR's door takes at once. */
const CHUNK_EVENTS = 200;

/** `[next, read up to, overflow told, chunk, ...]`, a chunk the bytes of `[[sequence, event], ...]`. */
function logToCbor({ next, readUpTo, overflow, events }: LogState): CborValue {
  const chunks: CborValue[] = [];
  for (let i = 0; i < events.length; i += CHUNK_EVENTS) {
    const items = events.slice(i, i + CHUNK_EVENTS).map((event) => [event.sequence, eventToCbor(event)]);
    chunks.push(encodeCbor(items));
  }
  return [next, readUpTo, overflow === "told", ...chunks];
}

function logFromCbor(name: LogName, value: CborValue | undefined): LogState | undefined {
  const [next, readUpTo, told, ...chunks] = arrayItems(value) ?? [];
  if (!isIntegerWithin(next, 1, SEQUENCE_MAX + 1) || !isIntegerWithin(readUpTo, 0, next - 1))
    return undefined;
  if (typeof told !== "boolean") return undefined;
  const events = eventsFromCbor(chunks);
  if (events === undefined || events.length > RING_SIZES[name]) return undefined;
  if ((events.at(-1)?.sequence ?? 0) >= next) return undefined;
  return { next, readUpTo, overflow: told ? "told" : "none", events };
}

/** All events of the chunks, if they are in order. */
function eventsFromCbor(chunks: readonly CborValue[]): LoggedEvent[] | undefined {
  const events: LoggedEvent[] = [];
  for (const chunk of chunks) {
    const items = chunk instanceof Uint8Array ? arrayItems(decodeCbor(chunk)) : undefined;
    if (items === undefined || items.length > CHUNK_EVENTS) return undefined;
    for (const item of items) {
      const event = sequencedFromCbor(item);
      if (event === undefined || event.sequence <= (events.at(-1)?.sequence ?? 0)) return undefined;
      events.push(event);
    }
  }
  return events;
}

function sequencedFromCbor(value: CborValue): LoggedEvent | undefined {
  const [sequence, item, ...more] = arrayItems(value) ?? [];
  if (more.length > 0 || !isIntegerWithin(sequence, 1, SEQUENCE_MAX)) return undefined;
  return eventFromCbor(sequence, item);
}

function countFromCbor(value: CborValue): OpenCount | "not-counted" | undefined {
  const [code, count, leftMs, ...more] = arrayItems(value) ?? [];
  if (more.length > 0 || !isIntegerWithin(code, 1, CODE_MAX)) return undefined;
  if (!isIntegerWithin(count, 0, COUNT_MAX) || !isIntegerWithin(leftMs, 0, COUNTING_MS)) return undefined;
  const name = eventNameOf(code);
  return name === undefined || !EVENTS[name].isCounted ? "not-counted" : [name, count, leftMs];
}
