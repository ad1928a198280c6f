// How much the keys of a security context have done, and how much they may do.

/** What keys may do before they are given up. */
export interface KeyLimits {
  /** Messages protected with one key. */
  readonly messages: number;
  readonly ageMs: number;
  /** Messages that did not open, after which somebody should look. */
  readonly alarmForgeries: number;
  /** Messages that did not open, after which the keys are given up. */
  readonly forgeries: number;
}

/**
 * With AES-CCM and a tag of 8 bytes (draft-irtf-cfrg-aead-limits, 5): 2^20 messages of under 2^7 blocks tell them from
 * noise with a chance of 2^-72, and 2^14 forgeries find a tag with one of 2^-50. The checksums of
 * honest lines let hardly a damaged message through, so 2^7 are somebody's doing; but so few must not end a session, as
 * anybody can send them.
 * A day bounds what a key that leaks gives away.
 */
export const KEY_LIMITS: KeyLimits = {
  messages: 2 ** 20,
  ageMs: 24 * 3_600_000,
  alarmForgeries: 2 ** 7,
  forgeries: 2 ** 14,
};

const UNUSED = { messages: 0, forgeries: 0 };

/** Counts what one end does with the two keys of a context. */
export class KeyUse {
  #sealed: number;
  #opened: number;
  #forgeries: number;

  /** Counts on from what was done with the keys before. */
  constructor({ messages, forgeries }: Pick<KeyUse, "messages" | "forgeries"> = UNUSED) {
    this.#sealed = messages;
    this.#opened = messages;
    this.#forgeries = forgeries;
  }

  /** Messages of the key that has protected more, as far as this end knows. */
  get messages(): number {
    return Math.max(this.#sealed, this.#opened);
  }

  /** Messages that the peer's key did not open. */
  get forgeries(): number {
    return this.#forgeries;
  }

  sealed(): void {
    this.#sealed++;
  }

  /** To be called with each outcome of the peer's key. */
  tried(outcome: "opened" | "forgery"): void {
    if (outcome === "opened") this.#opened++;
    else this.#forgeries++;
  }
}
