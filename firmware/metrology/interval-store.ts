// The closed intervals that are kept, in columns: a row of five channels takes 101 bytes.
import type { ClosedInterval, Registers } from "./interval-cutter.ts";

/** A closed interval in the order of its making: numbers grow by one, whatever the clock did. */
export interface StoredInterval extends ClosedInterval {
  readonly sequence: number;
}

/** Columns begin with room for a day of quarter-hours and double when they are full. */
const FIRST_ROWS = 96;

/** A ring of rows: when it is full, the oldest gives way. No row is ever changed. */
export class IntervalStore {
  readonly #capacity: number;
  readonly #channels: number;
  #columns: Columns;
  /** Rows ever written; the newest is before `#written % #capacity`. */
  #written = 0;
  /** Of UTC. While the clock is never set back it is before every slot that is asked for. */
  #newestSlot = Number.NEGATIVE_INFINITY;

  constructor(capacity: number, channels: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) throw new Error("a profile keeps at least one row");
    this.#capacity = capacity;
    this.#channels = channels;
    this.#columns = columnsOf(Math.min(capacity, FIRST_ROWS), channels);
  }

  add({ sequence, boot, slot, flags, starts, ends }: StoredInterval): void {
    const row = this.#written % this.#capacity;
    if (row === this.#columns.slots.length) this.#grow();
    this.#written++;
    if (boot === 0) this.#newestSlot = Math.max(this.#newestSlot, slot);
    this.#columns.sequences[row] = sequence;
    this.#columns.boots[row] = boot;
    this.#columns.slots[row] = slot;
    this.#columns.flags[row] = flags;
    this.#columns.starts.set(cells(starts), row * this.#channels);
    this.#columns.ends.set(cells(ends), row * this.#channels);
  }

  /** Tells boot, slot and place of every row kept, the oldest first, without reading the rest of it. */
  forEachPlace(tell: (boot: number, slot: number, place: number) => void): void {
    const { boots, slots } = this.#columns;
    const count = Math.min(this.#written, this.#capacity);
    for (let age = count; age > 0; age--) {
      const place = (this.#written - age) % this.#capacity;
      tell(boots[place] as number, slots[place] as number, place);
    }
  }

  at(place: number): StoredInterval {
    const { sequences, boots, slots, flags, starts, ends } = this.#columns;
    const [first, end] = [place * this.#channels, (place + 1) * this.#channels];
    return {
      sequence: sequences[place] as number,
      boot: boots[place] as number,
      slot: slots[place] as number,
      flags: flags[place] as number,
      starts: Array.from(starts.subarray(first, end), registerOf),
      ends: Array.from(ends.subarray(first, end), registerOf),
    };
  }

  /** True where an interval of this slot of UTC is kept. */
  hasUtc(slot: number): boolean {
    if (slot > this.#newestSlot) return false;
    const { boots, slots } = this.#columns;
    for (let place = slots.indexOf(slot); place >= 0; place = slots.indexOf(slot, place + 1)) {
      if (boots[place] === 0 && place < this.#written) return true;
    }
    return false;
  }

  #grow(): void {
    const small = this.#columns;
    const rows = Math.min(this.#capacity, 2 * small.slots.length);
    this.#columns = columnsOf(rows, this.#channels);
    for (const name of COLUMNS) this.#columns[name].set(small[name]);
  }
}

const COLUMNS = ["sequences", "boots", "slots", "flags", "starts", "ends"] as const;

interface Columns {
  readonly sequences: Float64Array;
  readonly boots: Uint32Array;
  readonly slots: Float64Array;
  readonly flags: Uint8Array;
  readonly starts: Float64Array;
  readonly ends: Float64Array;
}

function columnsOf(rows: number, channels: number): Columns {
  return {
    sequences: new Float64Array(rows),
    boots: new Uint32Array(rows),
    slots: new Float64Array(rows),
    flags: new Uint8Array(rows),
    starts: new Float64Array(rows * channels),
    ends: new Float64Array(rows * channels),
  };
}

/** No number is what no part has measured. */
function cells(registers: Registers): number[] {
  return registers.map((register) => register ?? Number.NaN);
}

function registerOf(cell: number): number | undefined {
  return Number.isNaN(cell) ? undefined : cell;
}
