// The number and the hash by which a meter's statements hang together, so that none can be left out unseen.
import type { CryptoEngine } from "../hal/ports/crypto.ts";
import { EMPTY } from "./protocol/bytes.ts";

/** What storage keeps: how many statements there were, and the SHA-256 of the payload of the last. */
export interface StatementChainState {
  readonly sequence: number;
  readonly previous: Uint8Array;
}

const NONE: StatementChainState = { sequence: 0, previous: EMPTY };

/** Goes on from what storage had; it must be durable before a statement is given out. */
export class StatementChain {
  readonly #crypto: Pick<CryptoEngine, "sha256">;
  readonly #onNext: () => void;
  #state: StatementChainState;

  /** `onNext`: told that there is something new to store. */
  constructor(
    crypto: Pick<CryptoEngine, "sha256">,
    state: StatementChainState = NONE,
    onNext: () => void = () => {},
  ) {
    this.#crypto = crypto;
    this.#onNext = onNext;
    this.#state = state;
  }

  /** The same object until another statement is made. */
  get state(): StatementChainState {
    return this.#state;
  }

  /** Makes the next payload, from its number and the hash of the one before. */
  next(payloadOf: (link: StatementChainState) => Uint8Array): Uint8Array {
    const { sequence, previous } = this.#state;
    const payload = payloadOf({ sequence: sequence + 1, previous });
    this.#state = { sequence: sequence + 1, previous: this.#crypto.sha256(payload) };
    this.#onNext();
    return payload;
  }
}
