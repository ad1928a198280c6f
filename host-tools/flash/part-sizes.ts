// How large a part of an image is to be, where nobody knows the line that lies behind the next station.
import { PART_BYTES_MAX } from "../../firmware/protocol/readings/update-part.ts";

/** Two blocks of a line at 9600 baud. Less would be more asking than telling. */
const PART_BYTES_MIN = 1024;
/** The first one finds out how the line is. */
const FIRST_BYTES = 2048;
/** So much is at stake with each cut of the line or the supply; the words around a part are a small share of it. */
const PART_MS = 20_000;
/** Of the last part's rate in what is known of the line. */
const NEWS = 1 / 2;

/** Parts that grow and shrink with what the line has carried of the last ones. */
export class PartSizes {
  #bytes = FIRST_BYTES;
  #bytesPerMs: number | undefined;

  /** Of the next part. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A part has arrived in this time. */
  took(bytes: number, milliseconds: number): void {
    const rate = bytes / Math.max(1, milliseconds);
    this.#bytesPerMs = this.#bytesPerMs === undefined ? rate : this.#bytesPerMs * (1 - NEWS) + rate * NEWS;
    this.#set(Math.min(2 * this.#bytes, Math.round(this.#bytesPerMs * PART_MS)));
  }

  /** A part has not arrived. */
  lost(): void {
    this.#set(Math.floor(this.#bytes / 2));
  }

  #set(bytes: number): void {
    this.#bytes = Math.min(Math.max(bytes, PART_BYTES_MIN), PART_BYTES_MAX);
  }
}
