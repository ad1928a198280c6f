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

/** Numbers are reserved so many at a time: each reservation is a write that must be durable. */
const BLOCK_NUMBERS = 64;

/**
 * A sequence that outlives its process: numbers are used only below a mark that was made durable
 * before (RFC 8613 appendix B.1.1), and the next start begins at the mark. What was not used of a
 * block is lost.
 */
export class ReservedSequence implements SenderSequence {
  #next: number;
  #mark: number;
  readonly #reserve: (mark: number) => boolean;

  /** `start` is the mark of before; `reserve` makes a new mark durable, or gives false. */
  constructor(start: number, reserve: (mark: number) => boolean) {
    this.#next = start;
    this.#mark = start;
    this.#reserve = reserve;
  }

  next(): number | undefined {
    if (this.#next >= NUMBERS_MAX) return undefined;
    if (this.#next === this.#mark) {
      const mark = Math.min(this.#mark + BLOCK_NUMBERS, NUMBERS_MAX);
      if (!this.#reserve(mark)) return undefined;
      this.#mark = mark;
    }
    return this.#next++;
  }
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
