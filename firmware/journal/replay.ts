// What the files of a journal say: read only, nothing is mended here.
import type { Storage } from "../../hal/ports/storage.ts";
import { FLAG, type Frame } from "./frame.ts";
import { readRecords, readSegment, type Segment, type SegmentRecords, segmentNumber } from "./segment.ts";
import { parseSnapshot, SNAPSHOT_NAMES, type Snapshot, type SnapshotName } from "./snapshot.ts";

/** How many records of one kind are kept: the newest. Kinds do not evict each other. */
export interface RetentionRule {
  /** 1 to 253. */
  readonly kind: number;
  readonly keepRecords: number;
  /** Of a record's CBOR; with `keepRecords` it bounds the disk. */
  readonly recordBytesMax: number;
}

/** What was durable once and is no more, or cannot be read: never a torn tail. */
export type Damage =
  | { readonly what: "gap"; readonly fromSequence: number; readonly toSequence: number }
  | { readonly what: "snapshot"; readonly sequence: number }
  | { readonly what: "unreadable"; readonly name: string };

export interface Replay {
  /** The snapshot that it began from, and its file. */
  readonly snapshot: (Snapshot & { readonly name: SnapshotName }) | undefined;
  readonly lastSequence: number;
  readonly lastBoot: number;
  /** All records up to this one were durable; those after it may be so. */
  readonly durableSequence: number;
  /** The records after that, in order. */
  readonly tail: readonly Frame[];
  /** Numbers of segments with nothing in them but records of the tail, or a torn beginning. */
  readonly superseded: readonly number[];
  /** By kind, oldest first. */
  readonly kept: ReadonlyMap<number, readonly Frame[]>;
  readonly discardedBytes: number;
  readonly damage: readonly Damage[];
}

/** Reads the newest good snapshot and the records after it. Never throws on what is in the files. */
export function replay(storage: Storage, rules: readonly RetentionRule[]): Replay {
  const damage: Damage[] = [];
  const segments = readSegments(storage, damage);
  const { best: snapshot, discardedBytes } = readSnapshots(storage, segments, damage);
  const reading = new Reading(rules, snapshot, damage);
  // Older ones may be back after a cut, some of them, as their removal was not synced.
  const needed = segments.filter(({ number }) => number >= (snapshot?.firstSegment ?? 0));
  const taken = needed.map((segment) => ({ segment, ...reading.take(segment) }));
  const last = taken.at(-1);
  if (last !== undefined) reading.checkEnd(last);
  const superseded = taken.filter(({ segment: { head }, durableBehind }) =>
    head === undefined ? durableBehind === undefined : head.base >= reading.durableSequence,
  );
  return {
    snapshot,
    lastSequence: reading.lastSequence,
    lastBoot: reading.lastBoot,
    durableSequence: reading.durableSequence,
    tail: reading.tail,
    superseded: superseded.map(({ segment }) => segment.number),
    kept: reading.kept(),
    discardedBytes: taken.reduce((sum, { discardedBytes }) => sum + discardedBytes, discardedBytes),
    damage,
  };
}

function readSegments(storage: Storage, damage: Damage[]): Segment[] {
  const segments: Segment[] = [];
  for (const name of storage.list()) {
    const number = segmentNumber(name);
    if (number === undefined) continue;
    const bytes = storage.read(name);
    if (bytes === undefined) damage.push({ what: "unreadable", name });
    else segments.push(readSegment(number, bytes));
  }
  return segments.sort((a, b) => a.number - b.number);
}

/**
 * The newest good snapshot. Only one that a segment's head names counts: the head is written after the
 * snapshot is durable. Any other is of a compaction that was cut off, and all that it stands for is still
 * in the segments.
 */
function readSnapshots(storage: Storage, segments: readonly Segment[], damage: Damage[]) {
  const named = new Set(segments.flatMap(({ head }) => (head ? [head.snapshot] : [])));
  const present = new Set(storage.list());
  let best: (Snapshot & { readonly name: SnapshotName }) | undefined;
  let discardedBytes = 0;
  for (const name of SNAPSHOT_NAMES) {
    if (!present.has(name)) continue;
    const bytes = storage.read(name);
    const snapshot = bytes && parseSnapshot(bytes);
    if (bytes === undefined) damage.push({ what: "unreadable", name });
    else if (snapshot === undefined || !named.has(snapshot.sequence)) discardedBytes += bytes.length;
    else if (best === undefined || snapshot.sequence > best.sequence) best = { ...snapshot, name };
  }
  const newest = Math.max(0, ...named);
  if (newest > (best?.sequence ?? 0)) damage.push({ what: "snapshot", sequence: newest });
  return { best, discardedBytes };
}

/** The state of a replay between two segments. */
class Reading {
  lastSequence: number;
  lastBoot: number;
  durableSequence: number;
  tail: Frame[] = [];
  readonly #damage: Damage[];
  readonly #rings: ReadonlyMap<number, Ring>;

  constructor(rules: readonly RetentionRule[], snapshot: Snapshot | undefined, damage: Damage[]) {
    this.#rings = new Map(rules.map(({ kind, keepRecords }) => [kind, new Ring(keepRecords)]));
    this.#damage = damage;
    this.lastSequence = snapshot?.sequence ?? 0;
    this.durableSequence = this.lastSequence;
    this.lastBoot = snapshot?.boot ?? 0;
    for (const frame of snapshot?.frames ?? []) this.#keep(frame);
  }

  take(segment: Segment): SegmentRecords {
    const records = readRecords(segment);
    const { head } = segment;
    if (head === undefined) return records;
    this.lastBoot = head.boot;
    if (head.base > this.lastSequence) this.#skipTo(head.base);
    this.#nowDurable(head.base);
    for (const frame of records.frames) this.#takeFrame(frame);
    return records;
  }

  /** A bad frame before the end of the last segment, where no next segment can show the gap. */
  checkEnd({ durableBehind }: SegmentRecords): void {
    if (durableBehind === undefined || durableBehind <= this.lastSequence + 1) return;
    const gap = { fromSequence: this.lastSequence + 1, toSequence: durableBehind - 1 };
    this.#damage.push({ what: "gap", ...gap });
  }

  kept(): Map<number, readonly Frame[]> {
    return new Map([...this.#rings].map(([kind, ring]) => [kind, ring.newest()]));
  }

  #takeFrame(frame: Frame): void {
    if ((frame.flags & FLAG.durableBefore) !== 0) this.#nowDurable(frame.sequence - 1);
    // Copied over from the segment of an earlier start, and read there.
    if (frame.sequence <= this.lastSequence) return;
    this.lastSequence = frame.sequence;
    this.tail.push(frame);
    this.#keep(frame);
  }

  #skipTo(base: number): void {
    this.#damage.push({ what: "gap", fromSequence: this.lastSequence + 1, toSequence: base });
    this.lastSequence = base;
  }

  #nowDurable(sequence: number): void {
    if (sequence <= this.durableSequence) return;
    this.durableSequence = sequence;
    // Mostly all of it: a batch is durable before the next one is begun.
    const isAllDurable = (this.tail.at(-1)?.sequence ?? 0) <= sequence;
    this.tail = isAllDurable ? [] : this.tail.filter((frame) => frame.sequence > sequence);
  }

  #keep(frame: Frame): void {
    this.#rings.get(frame.kind)?.push(frame);
  }
}

/** The newest of many. */
class Ring {
  readonly #size: number;
  readonly #frames: Frame[] = [];
  /** Where the next one goes, over the oldest as soon as there are enough. */
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  push(frame: Frame): void {
    this.#frames[this.#next] = frame;
    this.#next = (this.#next + 1) % this.#size;
  }

  newest(): Frame[] {
    const isFull = this.#frames.length === this.#size;
    return isFull
      ? [...this.#frames.slice(this.#next), ...this.#frames.slice(0, this.#next)]
      : [...this.#frames];
  }
}
