import { joined } from "../bytes.ts";
import type { Storage, StorageFault, StorageResult } from "../ports/storage.ts";

/** Thrown at the operation of {@link MemoryStorage.cutAt}, and at all after it. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
}

/** What is found of each file's un-synced bytes after a cut. */
export type BytesSurvival = "none" | "all" | "torn" | "zeros" | "last-only" | "torn-and-zeros";

/** What is found of the un-synced creations and removals, in the order they were made. */
export type FolderSurvival = "none" | "first-half" | "last-half" | "all";

export interface Survival {
  readonly bytes: BytesSurvival;
  readonly folder: FolderSurvival;
}

export interface StorageFaultPlan {
  /** Counted from 1 over write, append, remove, sync and syncFolder. */
  readonly operation: number;
  readonly fault: StorageFault;
  /** A write or append leaves the first half of its bytes, as a disk that fills up does. */
  readonly short?: boolean;
  /** All operations from there on fail, too. */
  readonly lasting?: boolean;
}

/** One file's bytes, whatever its names. */
interface Inode {
  synced: Uint8Array;
  content: Uint8Array;
  /** Where un-synced bytes begin, and where those of the last operation do; undefined if there are none. */
  unsynced: { from: number; lastFrom: number } | undefined;
  /** After a failed sync the bytes count as written to the system and are not on the disk (fsync(2), EIO). */
  syncFailed: boolean;
}

interface FolderChange {
  readonly name: string;
  /** What the name stands for from now on. */
  readonly inode: Inode | undefined;
}

/**
 * A storage in memory that treats un-synced operations as badly as the port allows: an emulated board's
 * disk, and the model that power-loss tests enumerate.
 */
export class MemoryStorage implements Storage {
  readonly #files: Map<string, Inode>;
  #durableFiles: ReadonlyMap<string, Inode>;
  #changes: FolderChange[] = [];
  #operations = 0;
  #cutAt = Number.POSITIVE_INFINITY;
  #fault: StorageFaultPlan | undefined;
  #watcher: () => void = () => {};

  /** Begins with the given files, all durable. */
  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#files = new Map([...files].map(([name, bytes]) => [name, newInode(bytes)]));
    this.#durableFiles = new Map(this.#files);
  }

  /** How many operations were begun that change something or sync it. */
  get operations(): number {
    return this.#operations;
  }

  /** What a cut could take or damage now. */
  get unsynced(): { readonly bytes: boolean; readonly folderChanges: number } {
    const inodes = [...this.#files.values(), ...this.#durableFiles.values()];
    const bytes = inodes.some((inode) => inode.unsynced !== undefined);
    return { bytes, folderChanges: this.#changes.length };
  }

  /** The power goes in the middle of the operation with that number, counted from 1. */
  cutAt(operation: number): void {
    this.#cutAt = operation;
  }

  /** Called in the middle of each operation, where a cut would come: `afterCut` says what it would leave. */
  watch(watcher: () => void): void {
    this.#watcher = watcher;
  }

  failAt(plan: StorageFaultPlan): void {
    this.#fault = plan;
  }

  /** The disk as it is found when the power is back. */
  afterCut({ bytes, folder }: Survival): MemoryStorage {
    const names = new Map(this.#durableFiles);
    for (const { name, inode } of survivingChanges(this.#changes, folder)) {
      if (inode === undefined) names.delete(name);
      else names.set(name, inode);
    }
    return new MemoryStorage(
      new Map([...names].map(([name, inode]) => [name, survivingBytes(inode, bytes)])),
    );
  }

  list(): readonly string[] {
    return [...this.#files.keys()];
  }

  read(name: string): Uint8Array | undefined {
    return this.#files.get(name)?.content.slice();
  }

  write(name: string, bytes: Uint8Array): StorageResult {
    return this.#write(bytes, (taken) => {
      const inode = this.#inode(name);
      inode.content = taken.slice();
      inode.unsynced = { from: 0, lastFrom: 0 };
    });
  }

  append(name: string, bytes: Uint8Array): StorageResult {
    return this.#write(bytes, (taken) => {
      const inode = this.#inode(name);
      const lastFrom = inode.content.length;
      inode.unsynced = { from: inode.unsynced?.from ?? lastFrom, lastFrom };
      inode.content = joined(inode.content, taken);
    });
  }

  remove(name: string): StorageResult {
    return this.#operate(() => {
      if (this.#files.delete(name)) this.#changes.push({ name, inode: undefined });
    });
  }

  sync(name: string): StorageResult {
    const inode = this.#files.get(name);
    const result = this.#operateUncut(() => {
      if (inode === undefined || inode.syncFailed) return;
      inode.synced = inode.content;
      inode.unsynced = undefined;
    });
    if (result !== "done" && inode !== undefined) inode.syncFailed = true;
    return result;
  }

  syncFolder(): StorageResult {
    return this.#operateUncut(() => {
      this.#durableFiles = new Map(this.#files);
      this.#changes = [];
    });
  }

  #inode(name: string): Inode {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const inode = newInode(new Uint8Array(0));
    this.#files.set(name, inode);
    this.#changes.push({ name, inode });
    return inode;
  }

  #write(bytes: Uint8Array, take: (bytes: Uint8Array) => void): StorageResult {
    const fault = this.#nextFault();
    if (fault === undefined) take(bytes);
    else if (fault.short) take(bytes.subarray(0, bytes.length >> 1));
    this.#comeToCut();
    return fault?.fault ?? "done";
  }

  /** What it does may survive a cut in its middle. */
  #operate(operation: () => void): StorageResult {
    const fault = this.#nextFault();
    if (fault === undefined) operation();
    this.#comeToCut();
    return fault?.fault ?? "done";
  }

  /** A cut comes before it has done anything: what it would have made durable may survive anyway. */
  #operateUncut(operation: () => void): StorageResult {
    const fault = this.#nextFault();
    this.#comeToCut();
    if (fault === undefined) operation();
    return fault?.fault ?? "done";
  }

  #nextFault(): StorageFaultPlan | undefined {
    if (this.#operations >= this.#cutAt) throw new PowerCut("the power is off");
    this.#operations++;
    const plan = this.#fault;
    if (plan === undefined || this.#operations < plan.operation) return undefined;
    return plan.lasting || this.#operations === plan.operation ? plan : undefined;
  }

  #comeToCut(): void {
    this.#watcher();
    if (this.#operations === this.#cutAt) throw new PowerCut(`the power went at operation ${this.#cutAt}`);
  }
}

function newInode(bytes: Uint8Array): Inode {
  return { synced: bytes, content: bytes, unsynced: undefined, syncFailed: false };
}

function survivingChanges(
  changes: readonly FolderChange[],
  survival: FolderSurvival,
): readonly FolderChange[] {
  const half = changes.length >> 1;
  if (survival === "none") return [];
  if (survival === "first-half") return changes.slice(0, half);
  return survival === "last-half" ? changes.slice(half) : changes;
}

function survivingBytes({ synced, content, unsynced }: Inode, survival: BytesSurvival): Uint8Array {
  if (unsynced === undefined || survival === "none") return synced;
  if (survival === "all") return content;
  const { from, lastFrom } = unsynced;
  const middle = from + ((content.length - from) >> 1);
  if (survival === "torn") return content.slice(0, middle);
  const damaged = content.slice();
  if (survival === "last-only") return damaged.fill(0, from, lastFrom);
  return damaged.fill(0, survival === "zeros" ? from : middle);
}
