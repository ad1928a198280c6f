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
  /** Last used last, and so are those of each station: what is at the front has not been used for longest. */
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #ofStation = new Map<Station, Set<Entry<Value>>>();

  constructor(limits: TableLimits) {
    this.#limits = limits;
  }

  /** The value, which counts as used. */
  use(nowMs: number, from: Station, key: string): Value | undefined {
    const entry = this.#entries.get(nameOf(from, key));
    if (entry === undefined || !this.#isAlive(nowMs, entry)) return undefined;
    entry.usedMs = nowMs;
    this.#remove(entry);
    this.#add(entry);
    return entry.value;
  }

  /** Keeps a value in place of one with the same key; false where there is no room. */
  put(nowMs: number, from: Station, key: string, value: Value): boolean {
    this.remove(from, key);
    this.#dropDead(nowMs, this.#entries.values());
    const own = this.#ofStation.get(from) ?? new Set();
    this.#dropDead(nowMs, own.values());
    const isFull = this.#entries.size >= this.#limits.most;
    const [leaving] = own.size >= this.#limits.perStation ? own : isFull ? this.#entries.values() : [];
    if (leaving !== undefined && leaving.from !== from && nowMs < leaving.usedMs + this.#limits.graceMs)
      return false;
    if (leaving !== undefined) this.#remove(leaving);
    this.#add({ from, key, value, bornMs: nowMs, usedMs: nowMs });
    return true;
  }

  remove(from: Station, key: string): void {
    const entry = this.#entries.get(nameOf(from, key));
    if (entry !== undefined) this.#remove(entry);
  }

  /** From the front on to one that lives. */
  #dropDead(nowMs: number, entries: Iterable<Entry<Value>>): void {
    for (const entry of entries) {
      if (this.#isAlive(nowMs, entry)) return;
      this.#remove(entry);
    }
  }

  #add(entry: Entry<Value>): void {
    this.#entries.set(nameOf(entry.from, entry.key), entry);
    const own = this.#ofStation.get(entry.from);
    if (own === undefined) this.#ofStation.set(entry.from, new Set([entry]));
    else own.add(entry);
  }

  #remove(entry: Entry<Value>): void {
    this.#entries.delete(nameOf(entry.from, entry.key));
    const own = this.#ofStation.get(entry.from);
    if (own?.delete(entry) && own.size === 0) this.#ofStation.delete(entry.from);
  }

  #isAlive(nowMs: number, { bornMs, usedMs }: Entry<Value>): boolean {
    const { idleMs, lifeMs } = this.#limits;
    return nowMs < usedMs + idleMs && nowMs < bornMs + lifeMs;
  }
}

function nameOf(from: Station, key: string): string {
  return `${from}\n${key}`;
}
