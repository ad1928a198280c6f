// What `events` shows: as a document, and for people.
import { CLOCK_STATUS } from "../../firmware/clock/clock-state.ts";
import { EVENTS, eventNameOf, LOG_OBIS, type LogName } from "../../firmware/events/event-table.ts";
import type { LoggedEvent } from "../../firmware/protocol/readings/logged-event.ts";
import type { ExchangeSize } from "../head-end/client.ts";
import type { LogReading } from "../head-end/event-pages.ts";
import { detailsText } from "./event-details.ts";
import { clockStatusTexts, localText, printable, sizeText, table, utcText } from "./output.ts";

/** Logs in their order, with all events that were read. */
export interface LogsRead {
  readonly meter: string;
  readonly logs: readonly LogReading[];
  readonly size: ExchangeSize;
}

/** Daylight saving is in the offset of a local time already. */
const DOUBTS = CLOCK_STATUS.invalid | CLOCK_STATUS.doubtful | CLOCK_STATUS.differentBase;

/** The alarms among the events of each log; what was read stays read. */
export function alarmsOf(logs: readonly LogReading[]): LogReading[] {
  return logs.map((log) => ({ ...log, events: log.events.filter(isAlarm) }));
}

export function eventsDocument({ meter, logs, size }: LogsRead) {
  return {
    meter,
    logs: logs.map(({ log, oldest, next, events }) => ({
      log,
      obis: LOG_OBIS[log],
      oldest,
      next,
      events: events.map(eventDocument),
    })),
    ...size,
  };
}

/** One event as JSON. */
export function eventDocument(event: LoggedEvent) {
  const { sequence, code, utcSeconds, clockStatus, details } = event;
  return {
    sequence,
    time: utcSeconds === undefined ? null : utcText(utcSeconds),
    event: eventNameOf(code) ?? null,
    code,
    alarm: isAlarm(event),
    clockStatus: clockStatusTexts(clockStatus),
    details,
  };
}

/** One table of all logs, what is no longer there, and what was not read. */
export function eventLines({ meter, logs, size }: LogsRead): string[] {
  const rows = logs.flatMap(({ log, events }) => events.map((event) => eventRow(log, event)));
  return [
    `Meter ${printable(meter)}, events: ${rows.length}`,
    ...table(rows).map((line) => `  ${line}`),
    ...logs.flatMap(({ log, gaps }) => gaps.map(({ first, last }) => gapText(log, first, last))),
    ...logs.filter(({ readTo, next }) => readTo < next).map(restText),
    sizeText(size),
  ];
}

/** One event as cells of a table. */
export function eventRow(log: LogName, event: LoggedEvent): string[] {
  const { sequence, code, utcSeconds, clockStatus, details } = event;
  const name = eventNameOf(code);
  const doubts = clockStatusTexts(clockStatus & DOUBTS).map((text) => `clock ${text}`);
  return [
    log,
    String(sequence),
    utcSeconds === undefined ? "time unknown" : localText(utcSeconds),
    name ?? `code ${code}`,
    isAlarm(event) ? "ALARM" : "",
    [detailsText(name, details), ...doubts].filter((text) => text !== "").join(", "),
  ];
}

function gapText(log: LogName, first: number, last: number): string {
  const numbers = first === last ? `event ${first} is` : `events ${first} to ${last} are`;
  return `Of the log ${log} ${numbers} no longer there: overwritten or lost.`;
}

function restText({ log, readTo }: LogReading): string {
  return `The log ${log} has more: read on with --log ${log} --from ${readTo}.`;
}

function isAlarm({ code }: LoggedEvent): boolean {
  const name = eventNameOf(code);
  return name !== undefined && EVENTS[name].isAlarm;
}
