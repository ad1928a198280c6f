// The event logs in storage: each event as a record of its own, and beside them what a log knows of its readers.
import type { CborValue } from "../protocol/cbor.ts";
import { arrayItems, isIntegerWithin } from "../protocol/readings/answer-fields.ts";
import {
  CODE_MAX,
  eventFromCbor,
  eventToCbor,
  type LoggedEvent,
  SEQUENCE_MAX,
} from "../protocol/readings/logged-event.ts";
import type { EventLogCounters, EventLogState, LogState } from "./event-log.ts";
import { EVENT_LOGS, EVENTS, eventNameOf, type LogName } from "./event-table.ts";
import { COUNTING_MS, type OpenCount } from "./failure-counter.ts";

const VERSION = 1;
const COUNT_MAX = 0xffffffff;
const HOUR_MS = 3_600_000;

/** Events by log, in the order of their numbers. */
export type LoggedEvents = Readonly<Record<LogName, readonly LoggedEvent[]>>;

/**
 * All but the events: `[version, [[next, read up to, overflow told], ...], [[code, count, hours left], ...]]`, logs in
 * their order of numbers. Hours are begun ones, so that this changes with what happens and not with each minute.
 */
export function logCountersToCbor({ logs, counts }: EventLogCounters): CborValue {
  return [
    VERSION,
    EVENT_LOGS.map((name) => {
      const { next, readUpTo, overflow } = logs[name];
      return [next, readUpTo, overflow === "told"];
    }),
    counts.map(([name, count, leftMs]) => [EVENTS[name].code, count, Math.ceil(leftMs / HOUR_MS)]),
  ];
}

/**
 * The state that counters and events are of. Counters that are none are as of a log that nobody has read: its numbers
 * go on after its last event. Counts of kinds that are no longer counted are dropped.
 */
export function eventLogState(counters: CborValue | undefined, events: LoggedEvents): EventLogState {
  const items = arrayItems(counters);
  const known = items?.length === 3 && items[0] === VERSION;
  const logItems = known ? arrayItems(items[1]) : undefined;
  const counts = (known ? arrayItems(items[2]) : undefined) ?? [];
  return {
    logs: recordOf((name, i) => logState(logItems?.[i], events[name])),
    counts: counts.map(countFromCbor).filter((count) => count !== undefined),
  };
}

/** One event for a journal that keeps each log's apart: `[sequence, event]`. */
export function journalEventToCbor(event: LoggedEvent): CborValue {
  return [event.sequence, eventToCbor(event)];
}

export function journalEventFromCbor(value: CborValue | undefined): LoggedEvent | undefined {
  const [sequence, item, ...more] = arrayItems(value) ?? [];
  if (more.length > 0 || !isIntegerWithin(sequence, 1, SEQUENCE_MAX)) return undefined;
  return eventFromCbor(sequence, item);
}

/** Something for each log. */
export function recordOf<Value>(of: (name: LogName, index: number) => Value): Record<LogName, Value> {
  const entries = EVENT_LOGS.map((name, index) => [name, of(name, index)] as const);
  return Object.fromEntries(entries) as Record<LogName, Value>;
}

function logState(item: CborValue | undefined, events: readonly LoggedEvent[]): LogState {
  const [next, readUpTo, told] = arrayItems(item) ?? [];
  const after = (events.at(-1)?.sequence ?? 0) + 1;
  if (!isIntegerWithin(next, 1, SEQUENCE_MAX + 1) || !isIntegerWithin(readUpTo, 0, next - 1)) {
    return { next: after, readUpTo: 0, overflow: "none", events };
  }
  return { next: Math.max(next, after), readUpTo, overflow: told === true ? "told" : "none", events };
}

function countFromCbor(value: CborValue): OpenCount | undefined {
  const [code, count, leftHours] = arrayItems(value) ?? [];
  if (!isIntegerWithin(code, 1, CODE_MAX) || !isIntegerWithin(count, 0, COUNT_MAX)) return undefined;
  if (!isIntegerWithin(leftHours, 0, COUNTING_MS / HOUR_MS)) return undefined;
  const name = eventNameOf(code);
  return name !== undefined && EVENTS[name].isCounted ? [name, count, leftHours * HOUR_MS] : undefined;
}
