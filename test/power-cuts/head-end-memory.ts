// What a head-end has in files, and a note of all that either end has sealed.
import type { ClientKeeping } from "../../firmware/protocol/asking-sessions.ts";
import { type Epoch, type EpochMemory, epochAfter } from "../../firmware/protocol/epochs.ts";
import type { KeptSession } from "../../firmware/protocol/kept-session.ts";
import type { Peer } from "../../firmware/protocol/sessions.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { Killed } from "./line.ts";

/** The head-end's files; its process may be killed in the middle of writing one. */
export class HeadEndFiles implements ClientKeeping {
  utcMs: () => number = () => 0;
  /** The write, counted from 1, that it does not outlive; 0 for none. */
  killIn = 0;
  readonly #files = new Map<string, KeptSession>();
  readonly #places = new Map<string, string>();

  find(peer: string): KeptSession | undefined {
    return this.#files.get(peer);
  }

  save(peer: string, session: KeptSession): boolean {
    const isKilled = this.killIn > 0 && --this.killIn === 0;
    // It dies before the write or right after it.
    if (isKilled && session.numbers % 2 === 0) throw new Killed();
    this.#files.set(peer, session);
    if (isKilled) throw new Killed();
    return true;
  }

  forget(peer: string): void {
    this.#files.delete(peer);
  }

  lastAt(place: string): string | undefined {
    return this.#places.get(place);
  }

  foundAt(place: string, peer: string): void {
    this.#places.set(place, peer);
  }

  clear(): void {
    this.#places.clear();
    this.#files.clear();
  }
}

/** What the head-end has heard of the meter's starts, in a file. */
export class HeardEpochs implements EpochMemory {
  known: Epoch | undefined;

  takes(_: Peer, told: Epoch | undefined): boolean {
    const step = epochAfter(this.known, told);
    if (step === "later") this.known = told;
    return step !== "never";
  }

  clear(): void {
    this.known = undefined;
  }
}

/** Notes each key with each nonce that either end has sealed under. */
export class NonceLog {
  nonces = 0;
  replays = 0;
  handshakes = 0;
  readonly #byKey = new Map<string, Set<string>>();

  readonly engine: CryptoEngine = {
    ...opensslEngine,
    seal: (aead, key, nonce, ...rest) => {
      this.#note(text(key), text(nonce));
      return opensslEngine.seal(aead, key, nonce, ...rest);
    },
    sharedSecret: (...inputs) => {
      this.handshakes++;
      return opensslEngine.sharedSecret(...inputs);
    },
  };

  #note(key: string, nonce: string): void {
    const used = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, used);
    this.nonces++;
    if (used.has(nonce)) this.replays++;
    used.add(nonce);
  }
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
