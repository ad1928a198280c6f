import type { Station } from "../../../hal/ports/link.ts";

/** What bounds a queue: the share of one client, and all together. */
export interface QueueLimits {
  readonly perClient: number;
  readonly most: number;
  readonly bytes: number;
}

/** What waits, for whom, and how long it is. */
export interface Waiting {
  readonly client: Station;
  readonly bytes: number;
}

/** What waits for its turn: clients take turns, whatever each of them has waiting; of each the oldest is first. */
export class FairQueue<Item extends Waiting> {
  readonly #limits: QueueLimits;
  /** Whose turn it is next is first. */
  readonly #byClient = new Map<Station, Set<Item>>();
  #count = 0;
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#count;
  }

  /** False where there is no room. */
  add(item: Item): boolean {
    const { perClient, most, bytes } = this.#limits;
    const own = this.#byClient.get(item.client) ?? new Set<Item>();
    if (this.#count >= most || own.size >= perClient || this.#bytes + item.bytes > bytes) return false;
    own.add(item);
    this.#byClient.set(item.client, own);
    this.#count++;
    this.#bytes += item.bytes;
    return true;
  }

  /** Takes out the one whose turn it is. */
  take(): Item | undefined {
    const [turn] = this.#byClient;
    if (turn === undefined) return undefined;
    const [client, own] = turn;
    const [item] = own;
    // Behind the others from now on.
    this.#byClient.delete(client);
    this.#byClient.set(client, own);
    if (item !== undefined) this.remove(item);
    return item;
  }

  /** Takes one out before its turn; false where it does not wait. */
  remove(item: Item): boolean {
    const own = this.#byClient.get(item.client);
    if (own === undefined || !own.delete(item)) return false;
    if (own.size === 0) this.#byClient.delete(item.client);
    this.#count--;
    this.#bytes -= item.bytes;
    return true;
  }
}
