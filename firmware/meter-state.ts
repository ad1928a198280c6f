// What a meter keeps over a restart, and when it is made durable.
import type { Storage, StorageFault, StorageResult } from "../hal/ports/storage.ts";
import { type EventLogState, RING_SIZES } from "./events/event-log.ts";
import {
  eventLogState,
  journalEventFromCbor,
  journalEventToCbor,
  recordOf,
} from "./events/event-log-state.ts";
import { EVENT_LOGS, type LogName } from "./events/event-table.ts";
import { Journal, type JournalRecord, type Recovery } from "./journal/journal.ts";
import { MEMBERSHIP_RULES, MembershipState } from "./membership-state.ts";
import {
  checked,
  FORMS,
  KIND,
  type MeterSnapshot,
  PARTS,
  type Part,
  type RecoveredMeter,
  recoveredOf,
  type StateBilling,
  statementsOf,
} from "./meter-state-parts.ts";
import type { IntervalRecord } from "./metrology/interval-profile.ts";
import { MONTH_ENDS_MAX, type MonthEndRecord } from "./metrology/month-ends.ts";
import { EMPTY, equal } from "./protocol/bytes.ts";
import { type CborValue, encodeCbor } from "./protocol/cbor.ts";
import type { LoggedEvent } from "./protocol/readings/logged-event.ts";
import { type RelayMemory, relayMemoryFromCbor } from "./relay/relay-memory.ts";
import { SESSION_RULES, SessionState } from "./session-state.ts";
import type { StatementChainState } from "./statement-chain.ts";

/** Each log and each profile has a kind of its own, so that none evicts another's records; 14, 15 and 29 are of sessions and groups. */
const LOG_KINDS: Readonly<Record<LogName, number>> = {
  ...{ standard: 9, "power-quality": 10, fraud: 11, security: 12, communication: 13 },
  disconnector: 28,
};
const LOGS_BY_KIND: ReadonlyMap<number, LogName> = new Map(EVENT_LOGS.map((log) => [LOG_KINDS[log], log]));
const FIRST_PROFILE = 16;
const MONTH_END = 25;

/** Demand that slides over 15 sub-periods on 8 rates takes 2 kB, a year of its maxima 2.5 kB. */
const PART_BYTES_MAX = 4096;
/** Five registers at both ends take 100 bytes at the most. */
const ROW_BYTES_MAX = 128;
/** 13 quantities, each in total and by 8 rates, in nine bytes at the most. */
const MONTH_END_BYTES_MAX = 1200;
/** A number, a code, a time, a status and three details of five bytes each. */
const EVENT_BYTES_MAX = 40;

/** Energy that is not yet durable: so much at the most, or for so long ... */
const SYNC_MILLIWATT_HOURS = 10_000;
const SYNC_AFTER_MS = 60_000;
/** ... but for so long at the least: flash wears, and 10 kW use 28 Wh in that time. */
const SYNC_PAUSE_MS = 10_000;

/**
 * A snapshot holds 190 days of rows, half a megabyte, whatever a day adds: with one a week a day's writes stay
 * under 250 kB, and a start reads 3.5 MB at the most.
 */
const SEGMENTS_PER_SNAPSHOT = 16;

/**
 * What a power cut can take of what was used, rounded up: what is not yet saved, and what the metering part has counted
 * since the reading before, as its counter goes with the supply.
 */
export function maxLossWattHours(largestPowerMilliwatts: number, pollIntervalMs: number): number {
  const inMs = (ms: number): number => (largestPowerMilliwatts * ms) / 3_600_000;
  const unsavedMilliwattHours = Math.max(SYNC_MILLIWATT_HOURS, inMs(SYNC_PAUSE_MS)) + inMs(pollIntervalMs);
  return Math.ceil((unsavedMilliwattHours + inMs(pollIntervalMs)) / 1000);
}

export interface MeterStateOptions {
  readonly billing: StateBilling;
  /** Rows that each profile keeps. */
  readonly rows: number;
  readonly snapshot: () => MeterSnapshot;
  /** Told once, when something could not be written. */
  readonly onFault: (fault: StorageFault) => void;
}

/**
 * A meter in a journal. A row or an event is durable by the next poll; energy within 10 Wh or a minute, not sooner
 * than 10 s after the time before; and all of it before an answer shows it.
 */
export class MeterState {
  /** Undefined on a new storage, and where its energy is lost. */
  readonly saved: RecoveredMeter | undefined;
  /** What storage has of the logs, which outlive a lost register. */
  readonly logs: EventLogState;
  /** How far the statements had come; undefined where there were none. */
  readonly statements: StatementChainState | undefined;
  /** What was ordered of the relay outlives a lost register too. */
  readonly relay: RelayMemory | undefined;
  readonly sessions: SessionState;
  readonly memberships: MembershipState;
  readonly #journal: Journal;
  readonly #billing: StateBilling;
  readonly #snapshot: () => MeterSnapshot;
  readonly #onFault: (fault: StorageFault) => void;
  /** By part, what was written last, and what it was made of. */
  readonly #written = new Map<Part, Uint8Array>();
  readonly #sources = new Map<Part, unknown>();
  #pending: JournalRecord[] = [];
  #unsavedMilliwattHours = 0;
  #savedAtMs = Number.NEGATIVE_INFINITY;
  /** Until the first checkpoint of this start there is one to be made. */
  #hasNews = true;
  #isClockNews = false;

  /** Throws a {@link MeterStateError} where the storage holds what this meter cannot go on from; it is left alone. */
  constructor(storage: Storage, options: MeterStateOptions) {
    this.#billing = options.billing;
    this.#snapshot = options.snapshot;
    this.#onFault = options.onFault;
    const found = new Map<number, CborValue>();
    const rows: IntervalRecord[][] = options.billing.profilePeriodsSeconds.map(() => []);
    const monthEnds: MonthEndRecord[] = [];
    const events = recordOf((): LoggedEvent[] => []);
    this.#journal = Journal.open(storage, {
      segmentsPerSnapshot: SEGMENTS_PER_SNAPSHOT,
      rules: rulesOf(options),
      // Only this class writes these kinds, and the journal gives back what was written or nothing.
      onRecovered({ kind, value }) {
        const log = LOGS_BY_KIND.get(kind);
        const event = log && journalEventFromCbor(value);
        const profile = rows[kind - FIRST_PROFILE];
        if (log !== undefined && event !== undefined) events[log].push(event);
        else if (kind === MONTH_END) monthEnds.push(value as unknown as MonthEndRecord);
        else if (profile !== undefined) profile.push(value as IntervalRecord);
        else if (log === undefined) found.set(kind, checked(kind, value, options.billing));
      },
    });
    for (const part of PARTS) {
      const value = found.get(KIND[part]);
      if (value !== undefined) this.#written.set(part, encodeCbor(value));
    }
    this.logs = eventLogState(found.get(KIND.logs), events);
    this.statements = statementsOf(found);
    this.saved = recoveredOf(found, rows, monthEnds);
    this.relay = relayMemoryFromCbor(found.get(KIND.relay));
    const kept = {
      ...{ found, isDamaged: this.recovery.damage.length > 0 },
      append: (records: readonly JournalRecord[]) => this.#append(records),
    };
    this.sessions = new SessionState(kept);
    this.memberships = new MembershipState(kept);
  }

  /** What was found when it was opened; damage means that something acknowledged may be gone. */
  get recovery(): Recovery {
    return this.#journal.recovery;
  }

  get counters(): Journal["counters"] {
    return this.#journal.counters;
  }

  /** "done" while it can be written; after a fault nothing more is, until another start. */
  get condition(): StorageResult {
    return this.#journal.state === "ready" ? "done" : this.#journal.state;
  }

  /** A row of a profile has closed: it is written with the checkpoint of the booking that closed it. */
  rowClosed(profile: number, row: IntervalRecord): void {
    this.#add({ kind: FIRST_PROFILE + profile, value: row });
  }

  /** A month has ended: written in the same way. */
  monthEnded(record: MonthEndRecord): void {
    this.#add({ kind: MONTH_END, value: record });
  }

  eventLogged(log: LogName, event: LoggedEvent): void {
    this.#add({ kind: LOG_KINDS[log], value: journalEventToCbor(event) });
  }

  /** The clock was set, or knows better: written by the next poll. What it knows anyway is written with each row. */
  clockChanged(): void {
    this.#hasNews = true;
    this.#isClockNews = true;
  }

  /** Something else than energy is another than it was. */
  changed(): void {
    this.#hasNews = true;
  }

  /** A reading has been booked. One without active energy is news too: a demand of 0 W, or reactive energy. */
  booked(milliwattHours: number): void {
    this.#unsavedMilliwattHours += milliwattHours;
    this.#hasNews = true;
  }

  /** Saves what is due; to be called with each poll and each reading. */
  saveIfDue(nowMs: number): void {
    if (this.#isDue(nowMs)) this.save(nowMs);
  }

  /** Makes all durable: before an answer shows it, as the power fails, and at an orderly end. */
  save(nowMs: number): StorageResult {
    if (!this.#hasNews || this.condition !== "done") return this.condition;
    const result = this.#append([...this.#pending, ...this.#changedParts()]);
    this.#pending = [];
    this.#unsavedMilliwattHours = 0;
    this.#savedAtMs = nowMs;
    this.#isClockNews = false;
    this.#hasNews = result !== "done";
    return result;
  }

  #append(records: readonly JournalRecord[]): StorageResult {
    if (this.condition !== "done") return this.condition;
    const result = this.#journal.append(records);
    if (result !== "done") this.#onFault(result);
    return result;
  }

  #add(record: JournalRecord): void {
    if (this.condition !== "done") return;
    this.#pending.push(record);
    this.#hasNews = true;
  }

  #isDue(nowMs: number): boolean {
    if (this.#pending.length > 0 || this.#isClockNews) return true;
    const sinceMs = nowMs - this.#savedAtMs;
    if (this.#unsavedMilliwattHours === 0 || sinceMs < SYNC_PAUSE_MS) return false;
    return this.#unsavedMilliwattHours >= SYNC_MILLIWATT_HOURS || sinceMs >= SYNC_AFTER_MS;
  }

  /** The clock's memory is another each second: rows and the clock's own news say how often it is written. */
  #changedParts(): JournalRecord[] {
    const now = this.#snapshot();
    const isClockDue = this.#pending.length > 0 || this.#isClockNews || !this.#written.has("clock");
    const changed: JournalRecord[] = [];
    for (const part of PARTS) {
      const { source, value } = FORMS[part];
      if (this.#sources.get(part) === source(now) || (part === "clock" && !isClockDue)) continue;
      this.#sources.set(part, source(now));
      const record = { kind: KIND[part], value: value(now, this.#billing) };
      if (part === "energy") {
        changed.push(record);
        continue;
      }
      const bytes = encodeCbor(record.value);
      if (equal(bytes, this.#written.get(part) ?? EMPTY)) continue;
      this.#written.set(part, bytes);
      changed.push(record);
    }
    return changed;
  }
}

function rulesOf({ billing, rows }: MeterStateOptions) {
  return [
    ...PARTS.map((part) => ({ kind: KIND[part], keepRecords: 1, recordBytesMax: PART_BYTES_MAX })),
    ...EVENT_LOGS.map((log) => ({
      kind: LOG_KINDS[log],
      keepRecords: RING_SIZES[log],
      recordBytesMax: EVENT_BYTES_MAX,
    })),
    { kind: MONTH_END, keepRecords: MONTH_ENDS_MAX, recordBytesMax: MONTH_END_BYTES_MAX },
    ...billing.profilePeriodsSeconds.map((_, i) => ({
      kind: FIRST_PROFILE + i,
      keepRecords: rows,
      recordBytesMax: ROW_BYTES_MAX,
    })),
    ...SESSION_RULES,
    ...MEMBERSHIP_RULES,
  ];
}
