// What a server keeps between the blocks of one body.
interface Kept<Value> {
  readonly owner: object;
  readonly key: string;
  readonly value: Value;
  readonly untilMs: number;
}

/** A few values, each for a while after its last use; those that were not used for longest make room. */
export class KeptAWhile<Value> {
  readonly #most: number;
  readonly #forMs: number;
  /** Last used last. */
  #kept: Kept<Value>[] = [];

  constructor(most: number, forMs: number) {
    this.#most = most;
    this.#forMs = forMs;
  }

  /** Keeps a value, in place of one with the same owner and key. */
  set(nowMs: number, owner: object, key: string, value: Value): void {
    this.forget(owner, key);
    const others = this.#kept.filter(({ untilMs }) => nowMs < untilMs).slice(1 - this.#most);
    this.#kept = [...others, { owner, key, value, untilMs: nowMs + this.#forMs }];
  }

  /** The value, which is then kept for as long again. */
  use(nowMs: number, owner: object, key: string): Value | undefined {
    const found = this.#kept.find((kept) => kept.owner === owner && kept.key === key);
    if (found === undefined || nowMs >= found.untilMs) return undefined;
    this.set(nowMs, owner, key, found.value);
    return found.value;
  }

  forget(owner: object, key: string): void {
    this.#kept = this.#kept.filter((kept) => kept.owner !== owner || kept.key !== key);
  }
}
