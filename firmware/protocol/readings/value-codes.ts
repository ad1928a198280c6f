// How one non-negative integer becomes bits: the codes that an interval block chooses from.
import type { BitReader, BitWriter } from "./bit-stream.ts";

/** A code with a parameter k of 0 to 15. Longest word: 35 bits. */
export interface ValueCode {
  /** Bits that `write` takes; Infinity for a value that the code cannot write. */
  costBits(value: number, k: number): number;
  write(bits: BitWriter, value: number, k: number): void;
  /** The next value, or undefined where the bits are no word of the code. Takes a bounded number of bits. */
  read(bits: BitReader, k: number): number | undefined;
}

/** As many zeros announce a value in full, in place of a longer run: bounds what one peak can cost. */
const ESCAPE_ZEROS = 12;
const ESCAPE_BITS = 20;
/** Bits of the largest word: the difference of the two extreme values, zigzag, and 2^15 more. */
const EXP_GOLOMB_BITS_MAX = 22;
const PLAIN_BITS = 16;

/**
 * Rice's code: value >> k as zeros ended by a one, then the lowest k bits. A value of 12 zeros or
 * more is escaped: 12 zeros, then 20 bits.
 */
export const RICE: ValueCode = {
  costBits(value, k) {
    if (value >> k < ESCAPE_ZEROS) return (value >> k) + 1 + k;
    return value >> ESCAPE_BITS === 0 ? ESCAPE_ZEROS + ESCAPE_BITS : Number.POSITIVE_INFINITY;
  },
  write(bits, value, k) {
    const zeros = value >> k;
    bits.write(0, Math.min(zeros, ESCAPE_ZEROS));
    if (zeros >= ESCAPE_ZEROS) bits.write(value, ESCAPE_BITS);
    else bits.write((1 << k) | (value & ((1 << k) - 1)), 1 + k);
  },
  read(bits, k) {
    const zeros = bits.zeros(ESCAPE_ZEROS);
    if (zeros < ESCAPE_ZEROS) return (zeros << k) | (bits.read(1 + k) & ((1 << k) - 1));
    const value = bits.read(ESCAPE_BITS);
    return value >> k < ESCAPE_ZEROS ? undefined : value;
  },
};

/** Exponential Golomb code of order k: value + 2^k in binary, after one zero for each bit beyond k + 1. */
export const EXP_GOLOMB: ValueCode = {
  costBits(value, k) {
    return 2 * bitLength(value + 2 ** k) - 1 - k;
  },
  write(bits, value, k) {
    const width = bitLength(value + 2 ** k);
    bits.write(0, width - 1 - k);
    bits.write(value + 2 ** k, width);
  },
  read(bits, k) {
    const zeros = bits.zeros(EXP_GOLOMB_BITS_MAX - k);
    return zeros + k < EXP_GOLOMB_BITS_MAX ? bits.read(zeros + k + 1) - 2 ** k : undefined;
  },
};

/** Sixteen bits, whatever k. */
export const PLAIN: ValueCode = {
  costBits(value) {
    return value >> PLAIN_BITS === 0 ? PLAIN_BITS : Number.POSITIVE_INFINITY;
  },
  write(bits, value) {
    bits.write(value, PLAIN_BITS);
  },
  read(bits) {
    return bits.read(PLAIN_BITS);
  },
};

function bitLength(value: number): number {
  return 32 - Math.clz32(value);
}
