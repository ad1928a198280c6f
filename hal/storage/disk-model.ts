// What storages in memory have in common: bytes that a sync has not reached, operations in which the power goes, faults.
import { joined } from "../bytes.ts";
import type { StorageFault, StorageResult } from "../ports/storage.ts";

/** Thrown at the operation in which the power goes, and at all after it. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
}

/** What is found of each file's un-synced bytes after a cut. */
export type BytesSurvival = "none" | "all" | "torn" | "zeros" | "last-only" | "torn-and-zeros";

/** What is found of the un-synced creations, removals and renames, in the order they were made. */
export type FolderSurvival = "none" | "first-half" | "last-half" | "every-second" | "all";

export interface Survival {
  readonly bytes: BytesSurvival;
  readonly folder: FolderSurvival;
}

export interface StorageFaultPlan {
  /** Counted from 1 over all operations that change something or sync it. */
  readonly operation: number;
  readonly fault: StorageFault;
  /** A write or append leaves the first half of its bytes, as a disk that fills up does. */
  readonly short?: boolean;
  /** All operations from there on fail, too. */
  readonly lasting?: boolean;
}

/** One file's bytes, whatever its names. */
export class Inode {
  #synced: Uint8Array;
  #content: Uint8Array;
  /** Where un-synced bytes begin, and where those of the last operation do; undefined if there are none. */
  #unsynced: { readonly from: number; readonly lastFrom: number } | undefined;
  /** After a failed sync the bytes count as written to the system and are not on the disk (fsync(2), EIO). */
  #syncFailed = false;

  /** These bytes are durable. */
  constructor(bytes: Uint8Array) {
    this.#synced = bytes;
    this.#content = bytes;
  }

  get content(): Uint8Array {
    return this.#content;
  }

  get isSynced(): boolean {
    return this.#unsynced === undefined;
  }

  write(bytes: Uint8Array): void {
    this.#content = bytes.slice();
    this.#unsynced = { from: 0, lastFrom: 0 };
  }

  append(bytes: Uint8Array): void {
    const lastFrom = this.#content.length;
    this.#unsynced = { from: this.#unsynced?.from ?? lastFrom, lastFrom };
    this.#content = joined(this.#content, bytes);
  }

  sync(): void {
    if (this.#syncFailed) return;
    this.#synced = this.#content;
    this.#unsynced = undefined;
  }

  failSync(): void {
    this.#syncFailed = true;
  }

  surviving(survival: BytesSurvival): Uint8Array {
    if (this.#unsynced === undefined || survival === "none") return this.#synced;
    if (survival === "all") return this.#content;
    const { from, lastFrom } = this.#unsynced;
    const middle = from + ((this.#content.length - from) >> 1);
    if (survival === "torn") return this.#content.slice(0, middle);
    const damaged = this.#content.slice();
    if (survival === "last-only") return damaged.fill(0, from, lastFrom);
    return damaged.fill(0, survival === "zeros" ? from : middle);
  }
}

export function survivingChanges<Change>(
  changes: readonly Change[],
  survival: FolderSurvival,
): readonly Change[] {
  const half = changes.length >> 1;
  if (survival === "none") return [];
  if (survival === "first-half") return changes.slice(0, half);
  if (survival === "every-second") return changes.filter((_, i) => i % 2 === 1);
  return survival === "last-half" ? changes.slice(half) : changes;
}

/** Counts what is done to a disk, lets the power go in it, and lets it fail. */
export class DiskOperations {
  #count = 0;
  #cutAt = Number.POSITIVE_INFINITY;
  #fault: StorageFaultPlan | undefined;
  #watcher: () => void = () => {};

  /** How many were begun. */
  get count(): number {
    return this.#count;
  }

  cutAt(operation: number): void {
    this.#cutAt = operation;
  }

  watch(watcher: () => void): void {
    this.#watcher = watcher;
  }

  failAt(plan: StorageFaultPlan): void {
    this.#fault = plan;
  }

  write(bytes: Uint8Array, take: (bytes: Uint8Array) => void): StorageResult {
    const fault = this.#next();
    if (fault === undefined) take(bytes);
    else if (fault.short) take(bytes.subarray(0, bytes.length >> 1));
    this.#comeToCut();
    return fault?.fault ?? "done";
  }

  /** What it does may survive a cut in its middle. */
  change(operation: () => void): StorageResult {
    const fault = this.#next();
    if (fault === undefined) operation();
    this.#comeToCut();
    return fault?.fault ?? "done";
  }

  /** A cut comes before it has done anything: what it would have made durable may survive anyway. */
  sync(operation: () => void): StorageResult {
    const fault = this.#next();
    this.#comeToCut();
    if (fault === undefined) operation();
    return fault?.fault ?? "done";
  }

  #next(): StorageFaultPlan | undefined {
    if (this.#count >= this.#cutAt) throw new PowerCut("the power is off");
    this.#count++;
    const plan = this.#fault;
    if (plan === undefined || this.#count < plan.operation) return undefined;
    return plan.lasting || this.#count === plan.operation ? plan : undefined;
  }

  #comeToCut(): void {
    this.#watcher();
    if (this.#count === this.#cutAt) throw new PowerCut(`the power went at operation ${this.#cutAt}`);
  }
}
