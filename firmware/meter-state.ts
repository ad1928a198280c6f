// What a meter keeps over a restart, and when it is made durable.
import type { Storage, StorageFault, StorageResult } from "../hal/ports/storage.ts";
import { Journal, type JournalRecord, type Recovery } from "./journal/journal.ts";
import type { EnergyEngineState, SavedEngine } from "./metrology/energy-engine.ts";
import type { IntervalRecord } from "./metrology/interval-profile.ts";
import type { CborValue } from "./protocol/cbor.ts";

/** The form of a checkpoint; another one is not guessed at. */
const FORM = 1;

/** Kinds of records; each profile has one of its own, so that none evicts another's rows. */
const CHECKPOINT = 1;
const FIRST_PROFILE = 16;

/** Five channels, eight rates and sliding demand take 1.5 kB. */
const CHECKPOINT_BYTES_MAX = 4096;
/** Five registers at both ends take 100 bytes at the most. */
const ROW_BYTES_MAX = 128;

/** Energy that is not yet durable: so much at the most, or for so long ... */
const SYNC_MILLIWATT_HOURS = 10_000;
const SYNC_AFTER_MS = 60_000;
/** ... but for so long at the least: flash wears, and 10 kW use 28 Wh in that time. */
const SYNC_PAUSE_MS = 10_000;

/**
 * A snapshot holds 190 days of rows, half a megabyte, whatever a day adds: twice as seldom as the journal
 * would, a day's writes stay under 250 kB, and a start reads 3.5 MB at the most.
 */
const SEGMENTS_PER_SNAPSHOT = 16;

/** Why a storage cannot be this meter's: one sentence. */
export class MeterStateError extends Error {}

export interface MeterStateOptions {
  /** Rows that each profile keeps. */
  readonly capacities: readonly number[];
  /** The engine as it is now. */
  readonly state: () => EnergyEngineState;
  /** Told once, when something could not be written. */
  readonly onFault: (fault: StorageFault) => void;
}

/**
 * An energy engine's registers, demand and profiles in a journal. A row is durable before the next
 * reading; energy within 10 Wh or a minute, not sooner than 10 s after the time before, and in any
 * case before an answer shows it.
 */
export class MeterState {
  /** What the time before left; undefined on a new storage. */
  readonly saved: SavedEngine | undefined;
  readonly #journal: Journal;
  readonly #state: () => EnergyEngineState;
  readonly #onFault: (fault: StorageFault) => void;
  #rows: JournalRecord[] = [];
  #unsavedMilliwattHours = 0;
  #savedAtMs = Number.NEGATIVE_INFINITY;
  /** Until the first checkpoint of this start there is one to be made. */
  #hasNews = true;

  /** Throws a {@link MeterStateError} where the storage holds another firmware's state, which is left alone. */
  constructor(storage: Storage, { capacities, state, onFault }: MeterStateOptions) {
    this.#state = state;
    this.#onFault = onFault;
    const rows: IntervalRecord[][] = capacities.map(() => []);
    let saved: EnergyEngineState | undefined;
    this.#journal = Journal.open(storage, {
      segmentsPerSnapshot: SEGMENTS_PER_SNAPSHOT,
      rules: [
        { kind: CHECKPOINT, keepRecords: 1, recordBytesMax: CHECKPOINT_BYTES_MAX },
        ...capacities.map((keepRecords, i) => ({
          kind: FIRST_PROFILE + i,
          keepRecords,
          recordBytesMax: ROW_BYTES_MAX,
        })),
      ],
      // Only this class writes these kinds, and the journal gives back what was written or nothing.
      onRecovered({ kind, value }) {
        if (kind === CHECKPOINT) saved = checkpointOf(value);
        else rows[kind - FIRST_PROFILE]?.push(value as IntervalRecord);
      },
    });
    this.saved = saved && { state: saved, rows };
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
    if (this.condition !== "done") return;
    this.#rows.push({ kind: FIRST_PROFILE + profile, value: row });
    this.#hasNews = true;
  }

  /** Energy has been booked. */
  booked(nowMs: number, milliwattHours: number): void {
    this.#unsavedMilliwattHours += milliwattHours;
    this.#hasNews ||= milliwattHours > 0;
    if (this.#isDue(nowMs)) this.save(nowMs);
  }

  /** Makes all durable: before an answer shows it, and at an orderly end. */
  save(nowMs: number): StorageResult {
    if (!this.#hasNews || this.condition !== "done") return this.condition;
    const result = this.#journal.append([...this.#rows, { kind: CHECKPOINT, value: [FORM, this.#state()] }]);
    this.#rows = [];
    this.#unsavedMilliwattHours = 0;
    this.#savedAtMs = nowMs;
    this.#hasNews = result !== "done";
    if (result !== "done") this.#onFault(result);
    return result;
  }

  #isDue(nowMs: number): boolean {
    if (this.#rows.length > 0) return true;
    const sinceMs = nowMs - this.#savedAtMs;
    if (this.#unsavedMilliwattHours === 0 || sinceMs < SYNC_PAUSE_MS) return false;
    return this.#unsavedMilliwattHours >= SYNC_MILLIWATT_HOURS || sinceMs >= SYNC_AFTER_MS;
  }
}

function checkpointOf(value: CborValue): EnergyEngineState {
  const [form, state] = value as unknown as [number, EnergyEngineState];
  if (form === FORM) return state;
  throw new MeterStateError(
    `The state is of form ${form} and this firmware knows form ${FORM}: run the one that wrote it, or name another folder.`,
  );
}
