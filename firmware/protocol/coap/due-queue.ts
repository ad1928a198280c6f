/** What waits for its time in a {@link DueQueue}, which alone sets both. */
export interface Timed {
  /** When it is due; Infinity for never. */
  dueMs: number;
  /** Where in the queue it is; -1 for nowhere. */
  place: number;
}

/**
 * What is due when, the earliest first: a binary heap whose items know their place, so that any can be put off or taken
 * out. However much waits, to ask for the next time costs nothing.
 */
export class DueQueue<Item extends Timed> {
  readonly #items: Item[] = [];

  /** The earliest time; Infinity where nothing waits. */
  get nextMs(): number {
    return this.#items[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  /** The earliest, where it is due by now. It stays: whoever takes it puts it off or takes it out. */
  due(nowMs: number): Item | undefined {
    const first = this.#items[0];
    return first !== undefined && first.dueMs <= nowMs ? first : undefined;
  }

  /** Puts an item in, or elsewhere; what is never due is not kept. */
  set(item: Item, dueMs: number): void {
    if (dueMs === Number.POSITIVE_INFINITY) return this.remove(item);
    item.dueMs = dueMs;
    if (item.place < 0) {
      item.place = this.#items.length;
      this.#items.push(item);
    }
    this.#sink(item, this.#rise(item, item.place));
  }

  /** Takes an item out; one that is not in is left alone. */
  remove(item: Item): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    item.dueMs = Number.POSITIVE_INFINITY;
    const last = this.#items.pop() as Item;
    if (last !== item) this.#sink(last, this.#rise(last, place));
  }

  #rise(item: Item, from: number): number {
    let place = from;
    while (place > 0) {
      const parentPlace = (place - 1) >> 1;
      const parent = this.#items[parentPlace] as Item;
      if (parent.dueMs <= item.dueMs) break;
      this.#put(parent, place);
      place = parentPlace;
    }
    this.#put(item, place);
    return place;
  }

  #sink(item: Item, from: number): void {
    let place = from;
    for (;;) {
      const childPlace = this.#earlierChild(place);
      const child = this.#items[childPlace];
      if (child === undefined || item.dueMs <= child.dueMs) break;
      this.#put(child, place);
      place = childPlace;
    }
    this.#put(item, place);
  }

  #earlierChild(place: number): number {
    const left = 2 * place + 1;
    const [one, other] = [this.#items[left], this.#items[left + 1]];
    return one !== undefined && other !== undefined && other.dueMs < one.dueMs ? left + 1 : left;
  }

  #put(item: Item, place: number): void {
    this.#items[place] = item;
    item.place = place;
  }
}
