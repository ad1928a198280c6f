import type { Storage, StorageFault, StorageResult } from "../../hal/ports/storage.ts";

/**
 * A storage that is written no more after its first fault: what a failed sync left behind is unknown, and a
 * second one that succeeds proves nothing. Reading goes on. It counts what wears the board's memory.
 */
export class LatchedStorage implements Storage {
  readonly #storage: Storage;
  #fault: StorageFault | undefined;
  #bytesWritten = 0;
  #syncs = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  get state(): "ready" | StorageFault {
    return this.#fault ?? "ready";
  }

  get counters(): { readonly bytesWritten: number; readonly syncs: number } {
    return { bytesWritten: this.#bytesWritten, syncs: this.#syncs };
  }

  /** For faults that the owner finds; the first one stays. */
  fail(fault: StorageFault): StorageFault {
    this.#fault ??= fault;
    return this.#fault;
  }

  list(): readonly string[] {
    return this.#storage.list();
  }

  read(name: string): Uint8Array | undefined {
    return this.#storage.read(name);
  }

  write(name: string, bytes: Uint8Array): StorageResult {
    return this.#unlessFailed(() => {
      this.#bytesWritten += bytes.length;
      return this.#storage.write(name, bytes);
    });
  }

  append(name: string, bytes: Uint8Array): StorageResult {
    return this.#unlessFailed(() => {
      this.#bytesWritten += bytes.length;
      return this.#storage.append(name, bytes);
    });
  }

  remove(name: string): StorageResult {
    return this.#unlessFailed(() => this.#storage.remove(name));
  }

  sync(name: string): StorageResult {
    return this.#unlessFailed(() => {
      this.#syncs++;
      return this.#storage.sync(name);
    });
  }

  syncFolder(): StorageResult {
    return this.#unlessFailed(() => {
      this.#syncs++;
      return this.#storage.syncFolder();
    });
  }

  #unlessFailed(operation: () => StorageResult): StorageResult {
    if (this.#fault !== undefined) return this.#fault;
    const result = operation();
    return result === "done" ? result : this.fail(result);
  }
}
