import type { Storage, StorageResult } from "../ports/storage.ts";
import {
  DiskOperations,
  Inode,
  PowerCut,
  type StorageFaultPlan,
  type Survival,
  survivingChanges,
} from "./disk-model.ts";

export type { BytesSurvival, FolderSurvival, StorageFaultPlan, Survival } from "./disk-model.ts";
export { PowerCut };

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
  readonly #operations = new DiskOperations();

  /** Begins with the given files, all durable. */
  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#files = new Map([...files].map(([name, bytes]) => [name, new Inode(bytes)]));
    this.#durableFiles = new Map(this.#files);
  }

  /** How many operations were begun that change something or sync it. */
  get operations(): number {
    return this.#operations.count;
  }

  /** What a cut could take or damage now. */
  get unsynced(): { readonly bytes: boolean; readonly folderChanges: number } {
    const inodes = [...this.#files.values(), ...this.#durableFiles.values()];
    return { bytes: inodes.some((inode) => !inode.isSynced), folderChanges: this.#changes.length };
  }

  /** The power goes in the middle of the operation with that number, counted from 1. */
  cutAt(operation: number): void {
    this.#operations.cutAt(operation);
  }

  /** Called in the middle of each operation, where a cut would come: `afterCut` says what it would leave. */
  watch(watcher: () => void): void {
    this.#operations.watch(watcher);
  }

  failAt(plan: StorageFaultPlan): void {
    this.#operations.failAt(plan);
  }

  /** The disk as it is found when the power is back. */
  afterCut({ bytes, folder }: Survival): MemoryStorage {
    const names = new Map(this.#durableFiles);
    for (const { name, inode } of survivingChanges(this.#changes, folder)) {
      if (inode === undefined) names.delete(name);
      else names.set(name, inode);
    }
    return new MemoryStorage(new Map([...names].map(([name, inode]) => [name, inode.surviving(bytes)])));
  }

  list(): readonly string[] {
    return [...this.#files.keys()];
  }

  read(name: string): Uint8Array | undefined {
    return this.#files.get(name)?.content.slice();
  }

  write(name: string, bytes: Uint8Array): StorageResult {
    return this.#operations.write(bytes, (taken) => this.#inode(name).write(taken));
  }

  append(name: string, bytes: Uint8Array): StorageResult {
    return this.#operations.write(bytes, (taken) => this.#inode(name).append(taken));
  }

  remove(name: string): StorageResult {
    return this.#operations.change(() => {
      if (this.#files.delete(name)) this.#changes.push({ name, inode: undefined });
    });
  }

  sync(name: string): StorageResult {
    const inode = this.#files.get(name);
    const result = this.#operations.sync(() => inode?.sync());
    if (result !== "done") inode?.failSync();
    return result;
  }

  syncFolder(): StorageResult {
    return this.#operations.sync(() => {
      this.#durableFiles = new Map(this.#files);
      this.#changes = [];
    });
  }

  #inode(name: string): Inode {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const inode = new Inode(new Uint8Array(0));
    this.#files.set(name, inode);
    this.#changes.push({ name, inode });
    return inode;
  }
}
