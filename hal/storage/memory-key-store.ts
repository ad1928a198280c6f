import type { KeyStore } from "../ports/key-store.ts";
import type { StorageFault, StorageResult } from "../ports/storage.ts";
import { PowerCut } from "./memory-storage.ts";

/** Whether a cut comes just before a change is durable, or just after: before its caller hears of it. */
export type KeyStoreCut = "before" | "after";

interface Places {
  readonly current: Uint8Array | undefined;
  readonly next: Uint8Array | undefined;
}

/** Keys in memory, as a secure element would keep them; the power goes when it is told to. */
export class MemoryKeyStore implements KeyStore {
  /** What each change is answered with, where it is not done. */
  fault: StorageFault | undefined;
  #places: Places;
  #operations = 0;
  #cut: { readonly operation: number; readonly when: KeyStoreCut } | undefined;

  constructor(current?: Uint8Array, next?: Uint8Array) {
    this.#places = { current, next };
  }

  /** How many changes were begun. */
  get operations(): number {
    return this.#operations;
  }

  /** The power goes at the change with that number, counted from 1; that and all later ones throw {@link PowerCut}. */
  cutAt(operation: number, when: KeyStoreCut): void {
    this.#cut = { operation, when };
  }

  /** The store as it is found when the power is back. */
  afterCut(): MemoryKeyStore {
    return new MemoryKeyStore(this.#places.current, this.#places.next);
  }

  read(place: "current" | "next"): Uint8Array | undefined {
    return this.#places[place]?.slice();
  }

  keepNext(key: Uint8Array): StorageResult {
    return this.#change({ ...this.#places, next: key.slice() });
  }

  promote(): StorageResult {
    const { current, next } = this.#places;
    return this.#change({ current: next ?? current, next: undefined });
  }

  #change(places: Places): StorageResult {
    this.#operations++;
    const { operation, when } = this.#cut ?? { operation: Number.POSITIVE_INFINITY, when: "before" };
    const isCut = this.#operations >= operation;
    if (isCut && (when === "before" || this.#operations > operation)) throw new PowerCut();
    if (this.fault !== undefined) return this.fault;
    this.#places = places;
    if (isCut) throw new PowerCut();
    return "done";
  }
}
