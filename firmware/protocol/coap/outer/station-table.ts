// What is kept for stations that may be anybody: so much for each, so much in all, each for a while.
import type { Station } from "../../../../hal/ports/link.ts";

/** What bounds a table. */
export interface TableLimits {
  readonly most: number;
  readonly perStation: number;
  /** An entry that nobody used for so long is gone. */
  readonly idleMs: number;
  /** No entry is older, however busy. */
  readonly lifeMs: number;
  /** An entry used within so long does not make room for another station's. */
  readonly graceMs: number;
}

interface Entry<Value> {
  readonly from: Station;
  readonly key: string;
  readonly value: Value;
  readonly bornMs: number;
  usedMs: number;
}

/**
 * Values by station and key. A station that has its share gives up its own that was used least lately; a table
 * that is full refuses whoever is new, unless there is an entry that nobody has used of late.
 */
export class StationTable<Value> {
  readonly #limits: TableLimits;
  /** Last used last. */
  #entries: Entry<Value>[] = [];

  constructor(limits: TableLimits) {
    this.#limits = limits;
  }

  /** The value, which counts as used. */
  use(nowMs: number, from: Station, key: string): Value | undefined {
    const entry = this.#entries.find((each) => each.from === from && each.key === key);
    if (entry === undefined || !this.#isAlive(nowMs, entry)) return undefined;
    entry.usedMs = nowMs;
    this.#entries = [...this.#entries.filter((each) => each !== entry), entry];
    return entry.value;
  }

  /** Keeps a value in place of one with the same key; false where there is no room. */
  put(nowMs: number, from: Station, key: string, value: Value): boolean {
    this.remove(from, key);
    this.#entries = this.#entries.filter((entry) => this.#isAlive(nowMs, entry));
    const own = this.#entries.filter((entry) => entry.from === from);
    const isFull = this.#entries.length >= this.#limits.most;
    const [leaving] = own.length >= this.#limits.perStation ? own : isFull ? this.#entries : [];
    if (leaving !== undefined && leaving.from !== from && nowMs < leaving.usedMs + this.#limits.graceMs)
      return false;
    this.#entries = this.#entries.filter((entry) => entry !== leaving);
    this.#entries.push({ from, key, value, bornMs: nowMs, usedMs: nowMs });
    return true;
  }

  remove(from: Station, key: string): void {
    this.#entries = this.#entries.filter((entry) => entry.from !== from || entry.key !== key);
  }

  #isAlive(nowMs: number, { bornMs, usedMs }: Entry<Value>): boolean {
    const { idleMs, lifeMs } = this.#limits;
    return nowMs < usedMs + idleMs && nowMs < bornMs + lifeMs;
  }
}
