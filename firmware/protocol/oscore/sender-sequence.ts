/** Partial IVs have 5 bytes: RFC 8613 7.2.1. */
const NUMBERS_MAX = 2 ** 40;

/**
 * Gives a Sender Context its numbers, each once, ever: one context has one sequence, for its requests
 * and for its answers alike. A number that repeats gives the key away.
 */
export interface SenderSequence {
  /** The next number, 0 to 2^40 - 1, or undefined when there are no more: the context is at its end. */
  next(): number | undefined;
}

/** A sequence that forgets with the process; its context must not outlive it. */
export class MemorySequence implements SenderSequence {
  #next: number;
  readonly #limit: number;

  /** Counts from `first` up to, and never including, `limit` (at most 2^40). */
  constructor({ first = 0, limit = NUMBERS_MAX }: { first?: number; limit?: number } = {}) {
    if (limit > NUMBERS_MAX) throw new Error(`a sequence ends before 2^40, not at ${limit}`);
    this.#next = first;
    this.#limit = limit;
  }

  next(): number | undefined {
    return this.#next < this.#limit ? this.#next++ : undefined;
  }
}
