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

/**
 * Each reservation is a write that must be durable. Blocks double, so that a context which does little loses little of
 * its numbers at a cut, and one which does a lot seldom writes.
 */
export const FIRST_BLOCK = 64;
const LARGEST_BLOCK = 8192;

/** A count that stays below a mark which was made durable before; what counts on after a cut begins at the mark. */
export class Reservation {
  #mark: number;
  #block = FIRST_BLOCK;
  readonly #reserve: (mark: number) => boolean;

  /** `mark` is durable already; `reserve` makes a higher one durable, or gives false. */
  constructor(mark: number, reserve: (mark: number) => boolean) {
    this.#mark = mark;
    this.#reserve = reserve;
  }

  /** True where what has counted up to `count` may count one further. */
  covers(count: number): boolean {
    return count < this.#mark || this.#extend(count);
  }

  /** Gives back what was reserved and not counted. */
  settle(count: number): void {
    this.#mark = count;
  }

  #extend(count: number): boolean {
    const mark = Math.min(count + this.#block, NUMBERS_MAX);
    if (!this.#reserve(mark)) return false;
    this.#mark = mark;
    this.#block = Math.min(2 * this.#block, LARGEST_BLOCK);
    return true;
  }
}

/**
 * A sequence that outlives its process: numbers are used only below a mark that was made durable
 * before (RFC 8613 appendix B.1.1), and the next start begins at the mark. What was not used of a
 * block is lost.
 */
export class ReservedSequence implements SenderSequence {
  #next: number;
  readonly #reservation: Reservation;

  /** `start` is the mark of before; `reserve` makes a new mark durable, or gives false. */
  constructor(start: number, reserve: (mark: number) => boolean, mark = start) {
    this.#next = start;
    this.#reservation = new Reservation(mark, reserve);
  }

  next(): number | undefined {
    if (this.#next >= NUMBERS_MAX || !this.#reservation.covers(this.#next)) return undefined;
    return this.#next++;
  }

  /** Gives back what was reserved and not used; the number that comes next, which is to be made durable. */
  settle(): number {
    this.#reservation.settle(this.#next);
    return this.#next;
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
