// The keys that a meter proves itself with: the one in use, and the one that is to take its place.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { KeyStore } from "../../hal/ports/key-store.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";
import { fromText } from "../protocol/bytes.ts";
import { type Identity, readKeyFile, rotatedIdentity, writeKeyFile } from "./identity.ts";

/** What is no UTF-8 becomes no key file either. */
const TEXT = new TextDecoder();

export interface OwnKeysParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly store: KeyStore;
}

/**
 * A rotation has two steps, each durable before it is answered: a next key is made, which stays beside the current one,
 * and takes its place once somebody has seen it proved. Until then the current one is what everybody is shown.
 */
export class OwnKeys {
  readonly #parts: OwnKeysParts;
  #current: Identity;
  #next: Identity | undefined;

  /** `current` is what the store has in its first place; a next key that is no key of the same meter is none. */
  constructor(parts: OwnKeysParts, current: Identity) {
    this.#parts = parts;
    this.#current = current;
    this.#next = this.#readNext();
  }

  get current(): Identity {
    return this.#current;
  }

  get next(): Identity | undefined {
    return this.#next;
  }

  /** Makes a next key where there is none; it is durable then. Its secret leaves this device as little as any other. */
  begin(): StorageResult {
    if (this.#next !== undefined) return "done";
    const { crypto, random, store } = this.#parts;
    const next = rotatedIdentity(crypto, random, this.#current);
    const kept = store.keepNext(fromText(writeKeyFile(next)));
    if (kept === "done") this.#next = next;
    return kept;
  }

  /** The next key is the current one from now on, and the one before is gone. */
  confirm(): StorageResult {
    const next = this.#next;
    if (next === undefined) return "done";
    const kept = this.#parts.store.promote();
    if (kept !== "done") return kept;
    this.#current = next;
    this.#next = undefined;
    return kept;
  }

  #readNext(): Identity | undefined {
    const { crypto, store } = this.#parts;
    const kept = store.read("next");
    const next = kept && readKeyFile(crypto, TEXT.decode(kept));
    if (next === undefined || "error" in next || next.role !== this.#current.role) return undefined;
    return next.credential.id === this.#current.credential.id ? next : undefined;
  }
}
