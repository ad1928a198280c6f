// What a receiver makes of a line on which several drivers may pull: a wired AND of their bits.
import { bitsPerCharacter, type UartSettings } from "../../ports/uart.ts";

/** Characters that one driver sends without a pause. */
export interface Run {
  readonly startMs: number;
  readonly bytes: Uint8Array;
}

/** A character as a receiver found it: undefined where its parity or stop bit was wrong, and a driver drops it. */
export interface FoundCharacter {
  readonly startMs: number;
  readonly endMs: number;
  readonly byte: number | undefined;
}

/** Times are sums of bits; this is far below one and far above what sums of fractions lose. */
export const SLACK_MS = 1e-6;

/** The bits of characters in one format, and when each is on the line. */
export class LineLevel {
  readonly characterMs: number;
  readonly #bitMs: number;
  readonly #dataBits: number;
  readonly #parity: UartSettings["parity"];
  /** Start, data and parity bits: those that a stop bit follows. */
  readonly #bitsBeforeStop: number;

  constructor(settings: UartSettings) {
    this.#bitMs = 1000 / settings.baud;
    this.characterMs = bitsPerCharacter(settings) * this.#bitMs;
    this.#dataBits = settings.dataBits;
    this.#parity = settings.parity;
    this.#bitsBeforeStop = 1 + settings.dataBits + (settings.parity === "none" ? 0 : 1);
  }

  endMs({ startMs, bytes }: Run): number {
    return startMs + bytes.length * this.characterMs;
  }

  /** The first character that begins at or after `fromMs`; undefined where nothing that is known of makes one begin. */
  next(runs: readonly Run[], fromMs: number): FoundCharacter | undefined {
    const startMs = this.#nextStartMs(runs, fromMs);
    if (startMs === undefined) return undefined;
    return { startMs, endMs: startMs + this.characterMs, byte: this.#byteAt(runs, startMs) };
  }

  /** When a receiver looks for a start bit again: in the middle of the stop bit. */
  lookAgainMs({ startMs }: FoundCharacter): number {
    return startMs + (this.#bitsBeforeStop + 0.5) * this.#bitMs;
  }

  /** A start bit begins where the line goes from high to low. */
  #nextStartMs(runs: readonly Run[], fromMs: number): number | undefined {
    for (let lookMs = fromMs; ; ) {
      let edgeMs = Number.POSITIVE_INFINITY;
      for (const run of runs) edgeMs = Math.min(edgeMs, this.#fallingEdgeMs(run, lookMs));
      if (edgeMs === Number.POSITIVE_INFINITY) return undefined;
      if (this.#isHigh(runs, edgeMs - this.#bitMs / 8)) return edgeMs;
      lookMs = edgeMs + this.#bitMs / 8;
    }
  }

  /** Of one driver alone; Infinity where it has none more. */
  #fallingEdgeMs({ startMs, bytes }: Run, fromMs: number): number {
    const first = Math.max(0, Math.floor((fromMs - SLACK_MS - startMs) / this.characterMs));
    for (let index = first; index < bytes.length; index++) {
      const byte = bytes[index] as number;
      for (let bit = 0; bit < this.#bitsBeforeStop; bit++) {
        const atMs = startMs + index * this.characterMs + bit * this.#bitMs;
        if (atMs < fromMs - SLACK_MS || this.#isOne(byte, bit)) continue;
        if (bit === 0 || this.#isOne(byte, bit - 1)) return atMs;
      }
    }
    return Number.POSITIVE_INFINITY;
  }

  #byteAt(runs: readonly Run[], startMs: number): number | undefined {
    const isHigh = (bit: number): boolean => this.#isHigh(runs, startMs + (bit + 0.5) * this.#bitMs);
    let byte = 0;
    for (let bit = 0; bit < this.#dataBits; bit++) if (isHigh(bit + 1)) byte |= 1 << bit;
    const parityBit = this.#dataBits + 1;
    if (this.#parity !== "none" && isHigh(parityBit) !== this.#isOne(byte, parityBit)) return undefined;
    return isHigh(this.#bitsBeforeStop) ? byte : undefined;
  }

  #isHigh(runs: readonly Run[], atMs: number): boolean {
    return runs.every(({ startMs, bytes }) => {
      const index = Math.floor((atMs - startMs) / this.characterMs);
      const byte = bytes[index];
      if (byte === undefined) return true;
      return this.#isOne(byte, Math.floor((atMs - startMs - index * this.characterMs) / this.#bitMs));
    });
  }

  /** Bit 0 is the start bit; data goes lowest bit first, and after it the parity and the stop. */
  #isOne(byte: number, bit: number): boolean {
    if (bit === 0) return false;
    if (bit <= this.#dataBits) return ((byte >> (bit - 1)) & 1) === 1;
    if (bit >= this.#bitsBeforeStop) return true;
    let ones = 0;
    for (let data = 0; data < this.#dataBits; data++) ones += (byte >> data) & 1;
    return (ones % 2 === 1) === (this.#parity === "even");
  }
}
