// Records that survive power cuts: what "done" was said for is there after any of them. See README.md.
import type { Storage, StorageFault, StorageResult } from "../../hal/ports/storage.ts";
import { concat, EMPTY } from "../protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../protocol/cbor.ts";
import {
  encodeFrame,
  FLAG,
  FRAME_OVERHEAD_BYTES,
  type Frame,
  OWN_KIND,
  PAYLOAD_BYTES_MAX,
  SEQUENCE_MAX,
} from "./frame.ts";
import { LatchedStorage } from "./latched-storage.ts";
import { type Damage, type Replay, type RetentionRule, replay } from "./replay.ts";
import {
  encodeSegmentHead,
  SEGMENT_HEAD_BYTES_MAX,
  SEGMENT_NUMBER_MAX,
  segmentName,
  segmentNumber,
} from "./segment.ts";
import { encodeSnapshot, SNAPSHOT_NAMES, type SnapshotName } from "./snapshot.ts";

/** At a checkpoint a minute and an interval a quarter of an hour most of a day's records. */
const SEGMENT_BYTES = 65_536;

/**
 * Segments since the last snapshot before the next one: 512 KiB of records, about as much as a snapshot of 190
 * days of quarter-hours, so that snapshots no more than double what is written.
 */
const SEGMENTS_PER_SNAPSHOT = 8;

export interface JournalOptions {
  /** One rule for each kind; records of a kind without one are dropped at the next snapshot. */
  readonly rules: readonly RetentionRule[];
  readonly segmentBytes?: number;
  readonly segmentsPerSnapshot?: number;
  /**
   * Told of each record that opening finds, as {@link Journal.records} gives them, before anything is written:
   * it may throw and leave the storage as it was. And reading all twice would cost a start.
   */
  readonly onRecovered?: (entry: JournalEntry) => void;
}

export interface JournalRecord {
  readonly kind: number;
  readonly value: CborValue;
}

/** A record as it was recovered. Sequences ascend; those of other kinds lie in between. */
export interface JournalEntry extends JournalRecord {
  readonly sequence: number;
  readonly boot: number;
}

/** What an opened journal found. */
export interface Recovery {
  readonly lastSequence: number;
  /** Of tails and snapshots that were being written when the power went. */
  readonly discardedBytes: number;
  /** What was durable and is gone: the records around it are used, and the meter says so. */
  readonly damage: readonly Damage[];
}

/** `ready`, or the fault that ended writing: it goes on after another open, in files of its own. */
export type JournalState = "ready" | StorageFault;

/** The snapshot that is durable, and from where on segments are needed beside it. */
interface Base {
  readonly name: SnapshotName;
  readonly sequence: number;
  readonly firstSegment: number;
}

/** The journal in a {@link Storage}, for one owner at a time. */
export class Journal {
  readonly recovery: Recovery;
  readonly #disk: LatchedStorage;
  readonly #rules: ReadonlyMap<number, RetentionRule>;
  readonly #segmentBytes: number;
  readonly #segmentsPerSnapshot: number;
  readonly #boot: number;
  #sequence: number;
  #base: Base | undefined;
  #segment: { readonly number: number; bytes: number };
  #hasNotes = false;

  /**
   * Recovers, and begins a segment of its own. Where the storage cannot be written the journal is there for
   * reading, with the fault as its state. Throws only where the options are senseless.
   */
  static open(storage: Storage, options: JournalOptions): Journal {
    return new Journal(storage, options);
  }

  private constructor(storage: Storage, options: JournalOptions) {
    this.#disk = new LatchedStorage(storage);
    this.#rules = new Map(options.rules.map((rule) => [rule.kind, checkedRule(rule)]));
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#segmentsPerSnapshot = options.segmentsPerSnapshot ?? SEGMENTS_PER_SNAPSHOT;
    const found = this.#replay();
    const { lastSequence, discardedBytes, damage } = found;
    this.recovery = { lastSequence, discardedBytes, damage };
    this.#sequence = lastSequence;
    this.#boot = (found.lastBoot + 1) & 0xffff;
    this.#base = found.snapshot;
    this.#segment = { number: Math.max(0, ...this.#segmentNumbers()), bytes: 0 };
    // What cannot be read now may be readable later: nothing is written that could take its place.
    if (damage.some(({ what }) => what === "unreadable")) this.#disk.fail("broken");
    if (options.onRecovered !== undefined)
      entriesOf(found, [...this.#rules.keys()]).forEach(options.onRecovered);
    this.#begin(found);
  }

  get state(): JournalState {
    return this.#disk.state;
  }

  /** Since it was opened; syncs are those of files and of the folder. */
  get counters(): { readonly bytesWritten: number; readonly syncs: number } {
    return this.#disk.counters;
  }

  /**
   * The records of these kinds in the order they were added, of each kind at most as many as its rule keeps;
   * read anew from the storage.
   */
  records(...kinds: readonly number[]): JournalEntry[] {
    return entriesOf(this.#replay(), kinds);
  }

  /** Adds records, all of which are recovered or none. "done": they and all before them are durable. */
  append(records: readonly JournalRecord[]): StorageResult {
    const written = this.#write(records);
    return written === "done" ? this.sync() : written;
  }

  /** Adds a record that may be lost at a cut until the next `append` or `sync` is done. */
  note(record: JournalRecord): StorageResult {
    return this.#write([record]);
  }

  /** Makes all that was noted durable. */
  sync(): StorageResult {
    if (this.state !== "ready" || !this.#hasNotes) return this.#soFar();
    const result = this.#disk.sync(segmentName(this.#segment.number));
    if (result === "done") this.#hasNotes = false;
    return result;
  }

  /**
   * Writes what the rules keep into a snapshot and removes the segments that none needs. It comes by itself;
   * a caller may choose a quiet moment. Nothing is done where nothing was added since the last one.
   */
  snapshot(): StorageResult {
    const synced = this.sync();
    if (synced !== "done" || this.#sequence === (this.#base?.sequence ?? 0)) return synced;
    const found = this.#replay();
    // The storage does not give back what it took: a snapshot would hide that.
    if (found.lastSequence !== this.#sequence || found.damage.length > 0) return this.#disk.fail("broken");
    return this.#writeSnapshot(found);
  }

  #replay(): Replay {
    return replay(this.#disk, [...this.#rules.values()]);
  }

  #soFar(): StorageResult {
    return this.state === "ready" ? "done" : this.state;
  }

  /** Records whose durability is unknown are written again, and synced, before anybody hears of them. */
  #begin(found: Replay): void {
    const carried = concat(...found.tail.map(({ bytes }) => bytes));
    if (this.#beginSegment(found.durableSequence, carried) !== "done") return;
    for (const number of found.superseded) this.#disk.remove(segmentName(number));
    // Damage is told once: after this nothing damaged is read any more.
    if (found.damage.length > 0) this.#writeSnapshot(this.#replay());
    else if (this.#isSnapshotDue()) this.snapshot();
  }

  #write(records: readonly JournalRecord[]): StorageResult {
    const payloads = records.map((record) => this.#payload(record));
    const size = payloads.reduce((sum, { length }) => sum + length + FRAME_OVERHEAD_BYTES, 0);
    if (size > this.#segmentBytes - SEGMENT_HEAD_BYTES_MAX) throw new Error(`a batch of ${size} bytes`);
    if (this.#sequence + records.length > SEQUENCE_MAX) this.#disk.fail("full");
    const room = this.#makeRoom(size);
    if (room !== "done" || size === 0) return room;
    const frames = records.map(({ kind }, i) => this.#frame(kind, payloads, i));
    const result = this.#disk.append(segmentName(this.#segment.number), concat(...frames));
    if (result !== "done") return result;
    this.#segment.bytes += size;
    this.#sequence += records.length;
    this.#hasNotes = true;
    return "done";
  }

  #payload({ kind, value }: JournalRecord): Uint8Array {
    const rule = this.#rules.get(kind);
    if (rule === undefined) throw new Error(`no rule for records of kind ${kind}`);
    const payload = encodeCbor(value);
    if (payload.length > rule.recordBytesMax)
      throw new Error(`a record of kind ${kind} of ${payload.length} bytes`);
    // The decoder has limits that the encoder does not know, and a record must come back.
    if (decodeCbor(payload) === undefined) throw new Error(`a record of kind ${kind} that cannot be read`);
    return payload;
  }

  #frame(kind: number, payloads: readonly Uint8Array[], i: number): Uint8Array {
    const durableBefore = i === 0 && !this.#hasNotes ? FLAG.durableBefore : 0;
    const continued = i < payloads.length - 1 ? FLAG.continued : 0;
    return encodeFrame({
      sequence: this.#sequence + 1 + i,
      boot: this.#boot,
      kind,
      flags: durableBefore | continued,
      payload: payloads[i] as Uint8Array,
    });
  }

  #makeRoom(size: number): StorageResult {
    if (this.#fits(size)) return this.#soFar();
    const synced = this.sync();
    if (synced !== "done") return synced;
    if (this.#isSnapshotDue()) {
      const written = this.snapshot();
      if (written !== "done") return written;
    }
    return this.#fits(size) ? "done" : this.#beginSegment(this.#sequence, EMPTY);
  }

  #fits(size: number): boolean {
    return this.#segment.bytes + size <= this.#segmentBytes;
  }

  #segmentNumbers(): number[] {
    return this.#disk.list().flatMap((name) => segmentNumber(name) ?? []);
  }

  #isSnapshotDue(): boolean {
    const first = this.#base?.firstSegment ?? 0;
    return this.#segmentNumbers().filter((number) => number >= first).length >= this.#segmentsPerSnapshot;
  }

  /** Its head says that all up to `base` is durable, and which snapshot is. */
  #beginSegment(base: number, carried: Uint8Array): StorageResult {
    const number = this.#segment.number + 1;
    if (number > SEGMENT_NUMBER_MAX) return this.#disk.fail("full");
    const head = encodeSegmentHead({ base, boot: this.#boot, snapshot: this.#base?.sequence ?? 0 });
    const bytes = concat(head, carried);
    this.#segment = { number, bytes: bytes.length };
    return this.#writeDurably(segmentName(number), bytes);
  }

  #writeSnapshot({ kept }: Replay): StorageResult {
    const before = this.#base;
    const name = before?.name === SNAPSHOT_NAMES[0] ? SNAPSHOT_NAMES[1] : SNAPSHOT_NAMES[0];
    const firstSegment = this.#segment.number + 1;
    const sequence = this.#sequence;
    const frames = inOrder([...kept.values()].flat());
    const bytes = encodeSnapshot({ sequence, boot: this.#boot, firstSegment, frames });
    // A new file, as a sync of the old one may have failed at an earlier start.
    const removed = this.#disk.remove(name);
    const written = removed === "done" ? this.#writeDurably(name, bytes) : removed;
    if (written !== "done") return written;
    this.#base = { name, sequence, firstSegment };
    const begun = this.#beginSegment(sequence, EMPTY);
    return begun === "done" ? this.#removeBefore(before?.firstSegment ?? 0) : begun;
  }

  #writeDurably(name: string, bytes: Uint8Array): StorageResult {
    const written = this.#disk.write(name, bytes);
    if (written !== "done") return written;
    const synced = this.#disk.sync(name);
    return synced === "done" ? this.#disk.syncFolder() : synced;
  }

  /** The other snapshot and the segments from it on stay, for the case that the new one is damaged. */
  #removeBefore(firstSegment: number): StorageResult {
    for (const number of this.#segmentNumbers()) {
      if (number < firstSegment) this.#disk.remove(segmentName(number));
    }
    return this.#soFar();
  }
}

function inOrder(frames: readonly Frame[]): Frame[] {
  return [...frames].sort((a, b) => a.sequence - b.sequence);
}

function entriesOf({ kept }: Replay, kinds: readonly number[]): JournalEntry[] {
  const frames = inOrder(kinds.flatMap((kind) => kept.get(kind) ?? []));
  return frames.flatMap(({ kind, sequence, boot, payload }) => {
    const value = decodeCbor(payload);
    return value === undefined ? [] : [{ kind, sequence, boot, value }];
  });
}

function checkedRule(rule: RetentionRule): RetentionRule {
  const { kind, keepRecords, recordBytesMax } = rule;
  const isOwn = kind <= OWN_KIND.segmentHead || kind >= OWN_KIND.snapshotHead;
  if (isOwn || !Number.isInteger(kind)) throw new Error(`no kind of a record: ${kind}`);
  if (!(Number.isInteger(keepRecords) && keepRecords > 0)) throw new Error(`keeping ${keepRecords} records`);
  if (!(recordBytesMax > 0 && recordBytesMax <= PAYLOAD_BYTES_MAX))
    throw new Error(`records of ${recordBytesMax} bytes`);
  return rule;
}
