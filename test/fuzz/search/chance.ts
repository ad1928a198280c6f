/** Quick chance that follows from a seed: Marsaglia's xorshift32. Not for keys, and not for figures of chance. */
export class Chance {
  #state = 2_166_136_261;

  /** FNV-1a makes a state of the seed's text; zero would stay zero. */
  constructor(seed: string) {
    for (let i = 0; i < seed.length; i++)
      this.#state = Math.imul(this.#state ^ seed.charCodeAt(i), 16_777_619);
    if (this.#state === 0) this.#state = 1;
  }

  /** An integer from 0 to below `limit`, which is at least 1. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }
}
