// How large a part of an image is to be, where nobody knows the line that lies behind the next station.
import { PART_BYTES_MAX } from "../../firmware/protocol/readings/update-part.ts";
import { type LinkTraits, serialisationMs } from "../../hal/ports/link.ts";

/** Two blocks of a line at 9600 baud. Less would be more asking than telling. */
const PART_BYTES_MIN = 1024;
/** A first part takes so long at the most on the line that is known. */
const FIRST_MS = 2000;
/** Faster than this, and the next part is twice as large. */
const QUICK_MS = 4000;
/** Slower, and it is half as large: so much is at stake with each cut of the line or the supply. */
const SLOW_MS = 15_000;

/** Parts that grow and shrink with the time that the last one took. */
export class PartSizes {
  #bytes: number;

  /** Begins with what suits this end's own link. */
  constructor(traits: LinkTraits) {
    let bytes = PART_BYTES_MIN;
    while (serialisationMs(traits, 2 * bytes) <= FIRST_MS && bytes < PART_BYTES_MAX) bytes *= 2;
    this.#bytes = Math.min(bytes, PART_BYTES_MAX);
  }

  /** Of the next part. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A part of full size has arrived in this time. */
  took(milliseconds: number): void {
    if (milliseconds < QUICK_MS) this.#bytes = Math.min(2 * this.#bytes, PART_BYTES_MAX);
    else if (milliseconds > SLOW_MS) this.#halve();
  }

  /** A part has not arrived. */
  lost(): void {
    this.#halve();
  }

  #halve(): void {
    this.#bytes = Math.max(PART_BYTES_MIN, Math.floor(this.#bytes / 2));
  }
}
