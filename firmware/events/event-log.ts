// The meter's event logs: what has happened, in an order that nothing changes afterwards.

import {
  DETAILS_MAX,
  type EventTime,
  type LoggedEvent,
  toDetail,
} from "../protocol/readings/logged-event.ts";
import { recordOf } from "./event-log-state.ts";
import { type EventPage, EventRing } from "./event-ring.ts";
import { EVENT_LOGS, EVENTS, type EventName, eventNameOf, type LogName } from "./event-table.ts";
import { FailureCounter, type OpenCount } from "./failure-counter.ts";

/**
 * Entries kept. 580 and 680 are what a three-phase meter has (MetCom MCS301, manual 1.25, 15.1 and 15.2); the others
 * are as large, since nothing calls for less: at 60 bytes an event in memory, all of them are some 220 kB.
 */
export const RING_SIZES: Readonly<Record<LogName, number>> = {
  standard: 580,
  "power-quality": 580,
  fraud: 680,
  security: 680,
  communication: 580,
  disconnector: 580,
};

export interface EventLogOptions {
  /** The time of the meter, as it knows it, for the stamp. */
  readonly time: () => EventTime;
  /** For the windows in which failures are counted. */
  readonly monotonicMs: () => number;
  /** Told each event as it is logged, for a journal. An event it records itself is logged after this one. */
  readonly onEvent?: (log: LogName, event: LoggedEvent) => void;
}

/** A log as storage keeps it. */
export interface LogState {
  readonly next: number;
  /** Highest sequence number that a reader is known to have. */
  readonly readUpTo: number;
  readonly overflow: "none" | "told";
  readonly events: readonly LoggedEvent[];
}

export interface EventLogState {
  readonly logs: Readonly<Record<LogName, LogState>>;
  readonly counts: readonly OpenCount[];
}

/** What a log has beside its events. */
export interface EventLogCounters {
  readonly logs: Readonly<Record<LogName, Omit<LogState, "events">>>;
  readonly counts: readonly OpenCount[];
}

interface Log {
  readonly ring: EventRing;
  readUpTo: number;
  overflow: "none" | "told";
}

/**
 * Five rings that do not touch each other. A number is never given twice, also not after a restart, so a reader
 * sees by the gap what it has missed. Events are never deleted but by their ring.
 */
export class EventLog {
  readonly #options: EventLogOptions;
  readonly #logs: Readonly<Record<LogName, Log>>;
  readonly #failures = new FailureCounter();

  /** `state`: what storage had. */
  constructor(options: EventLogOptions, state?: EventLogState) {
    this.#options = options;
    this.#logs = recordOf((name) => restoredLog(name, state?.logs[name]));
    for (const count of state?.counts ?? []) this.#failures.reopen(count, options.monotonicMs());
  }

  /**
   * Logs an event, or counts it where its kind is counted. Details are cut to whole numbers of 32 bits and three of
   * them; `time` is given where the event is not of now.
   */
  record(name: EventName, details: readonly number[] = [], time: EventTime = this.#options.time()): void {
    if (!EVENTS[name].isCounted) this.#append(name, details, time);
    else if (this.#failures.isFirst(name, this.#options.monotonicMs())) {
      this.#append(name, [1, ...details], time);
    }
  }

  /** Logs the counts whose time is over; to be called with each poll. */
  tick(): void {
    for (const [name, count] of this.#failures.due(this.#options.monotonicMs())) {
      this.#append(name, [count], this.#options.time());
    }
  }

  /** The newest event of these kinds, which are of one log. */
  newest(...names: readonly [EventName, ...EventName[]]): EventName | undefined {
    const { ring } = this.#logs[EVENTS[names[0]].log];
    const kinds = ring.all().map(({ code }) => eventNameOf(code));
    return kinds.findLast((kind) => kind !== undefined && names.includes(kind));
  }

  /** The newest event of this kind that the log still has. */
  last(name: EventName): LoggedEvent | undefined {
    const { log, code } = EVENTS[name];
    return this.#logs[log].ring.all().findLast((event) => event.code === code);
  }

  /** Alarms among the events that no reader has yet. */
  get unreadAlarms(): EventName[] {
    return EVENT_LOGS.flatMap((name) => {
      const { ring, readUpTo } = this.#logs[name];
      const unread = ring.all().filter(({ sequence }) => sequence > readUpTo);
      const kinds = unread.map(({ code }) => eventNameOf(code)).filter((kind) => kind !== undefined);
      return kinds.filter((kind) => EVENTS[kind].isAlarm);
    });
  }

  /** Up to `count` events of a log from the sequence number `from` on. */
  read(log: LogName, from: number, count: number): EventPage {
    return this.#logs[log].ring.read(from, count);
  }

  /** A reader that asks for `from` has all before it: what is overwritten there is no loss. True where that is new. */
  acknowledge(log: LogName, from: number): boolean {
    const kept = this.#logs[log];
    const { readUpTo, overflow } = kept;
    kept.readUpTo = Math.max(readUpTo, Math.min(from, kept.ring.next) - 1);
    if (kept.readUpTo >= kept.ring.oldest - 1) kept.overflow = "none";
    return kept.readUpTo !== readUpTo || kept.overflow !== overflow;
  }

  /** For storage, beside the events that `onEvent` has told. */
  counters(): EventLogCounters {
    const logs = recordOf((name) => {
      const { ring, readUpTo, overflow } = this.#logs[name];
      return { next: ring.next, readUpTo, overflow };
    });
    return { logs, counts: this.#failures.open(this.#options.monotonicMs()) };
  }

  #append(name: EventName, details: readonly number[], time: EventTime): void {
    const { log, code } = EVENTS[name];
    const { ring } = this.#logs[log];
    const event: LoggedEvent = {
      sequence: ring.next,
      code,
      utcSeconds: time.utcSeconds === undefined ? undefined : Math.floor(time.utcSeconds),
      clockStatus: time.clockStatus,
      details: details.slice(0, DETAILS_MAX).map(toDetail),
    };
    const gone = ring.add(event);
    if (gone === false) return;
    this.#options.onEvent?.(log, event);
    if (gone !== undefined) this.#overwrote(log, gone);
  }

  /**
   * Tells the loss of events that nobody has read: once for each log until a reader has caught up. It is marked as
   * told before it is logged, so that the event's own loss in the standard log cannot call for another.
   */
  #overwrote(log: LogName, gone: LoggedEvent): void {
    const kept = this.#logs[log];
    if (gone.sequence <= kept.readUpTo || kept.overflow === "told") return;
    kept.overflow = "told";
    this.#append("log-overflow", [EVENT_LOGS.indexOf(log), gone.sequence], this.#options.time());
  }
}

function restoredLog(name: LogName, state: LogState | undefined): Log {
  const ring = new EventRing(RING_SIZES[name]);
  for (const event of state?.events ?? []) ring.add(event);
  ring.skipTo(state?.next ?? 1);
  return { ring, readUpTo: state?.readUpTo ?? 0, overflow: state?.overflow ?? "none" };
}
