import { sha256 } from "@noble/hashes/sha2.js";
import type { Random } from "../ports/random.ts";

/** The port's limit of one draw. */
const DRAW_BYTES_MAX = 65536;

/**
 * Chance that follows from a seed alone: repeatable, and no secret to anyone. The generator is
 * xoshiro128** (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021); its
 * state is a SHA-256 over the seed and the names of the forks, so a fork does not depend on what was drawn.
 */
export class SeededRandom implements Random {
  readonly #key: Uint8Array;
  readonly #state: Uint32Array;

  /** The number 7 and the text "7" are the same seed. */
  constructor(seed: number | string) {
    this.#key = sha256(new TextEncoder().encode(String(seed)));
    this.#state = firstState(this.#key);
  }

  bytes(length: number): Uint8Array {
    if (!(Number.isInteger(length) && length >= 0 && length <= DRAW_BYTES_MAX)) {
      throw new Error(`cannot draw ${length} bytes at once`);
    }
    const drawn = new Uint8Array(length);
    let word = 0;
    for (let i = 0; i < length; i++) {
      word = i % 4 === 0 ? nextWord(this.#state) : word >>> 8;
      drawn[i] = word & 0xff;
    }
    return drawn;
  }

  fork(name: string): SeededRandom {
    return new SeededRandom(`${hex(this.#key)}/${name}`);
  }
}

/** A number from 0 up to but not 1, of 53 bits. */
export function uniform(random: Random): number {
  const bytes = random.bytes(7);
  let value = (bytes[0] as number) & 0x1f;
  for (let i = 1; i < 7; i++) value = value * 256 + (bytes[i] as number);
  return value / 2 ** 53;
}

/** An integer from 0 to n - 1, for n from 1 to 2^32; the bias is below 2^-21. */
export function integerBelow(random: Random, n: number): number {
  return Math.floor(uniform(random) * n);
}

function firstState(key: Uint8Array): Uint32Array {
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  return Uint32Array.of(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12));
}

function nextWord(state: Uint32Array): number {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  const word = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9);
  const shifted = b << 9;
  c ^= a;
  d ^= b;
  b ^= c;
  a ^= d;
  c ^= shifted;
  d = rotateLeft(d, 11);
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
  return word;
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
