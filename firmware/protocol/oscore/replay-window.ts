/** RFC 8613 3.2.2: the default size, and so what a peer's client may count on. */
const WINDOW_SIZE = 32;

/**
 * The sliding window over a peer's numbers: each is accepted once, those more than 31 below the
 * highest never (RFC 8613 7.4, RFC 4303 3.4.3). Nothing moves before {@link accept}, which is for
 * numbers whose message was proved genuine.
 */
export class ReplayWindow {
  /** The highest number accepted, -1 before the first. */
  #top = -1;
  /** Bit i stands for the number `#top - i`. */
  #seen = 0;

  /** True where `number` was not accepted before and is not too old to tell. */
  isFresh(number: number): boolean {
    const age = this.#top - number;
    if (age < 0) return true;
    return age < WINDOW_SIZE && ((this.#seen >>> age) & 1) === 0;
  }

  /**
   * Begins after a restart at a number that was just proved fresh by other means: it and all below
   * count as seen (RFC 8613 appendix B.1.2).
   */
  beginAt(number: number): void {
    this.#top = number;
    this.#seen = ~0;
  }

  /** Marks a fresh number as seen. One that is not fresh is a bug of the caller and throws. */
  accept(number: number): void {
    if (!this.isFresh(number)) throw new Error(`number ${number} is not fresh`);
    const step = number - this.#top;
    if (step <= 0) {
      this.#seen |= 1 << -step;
      return;
    }
    this.#seen = step < WINDOW_SIZE ? (this.#seen << step) | 1 : 1;
    this.#top = number;
  }
}
