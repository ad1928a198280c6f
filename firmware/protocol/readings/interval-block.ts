// A run of interval values in few bytes: the encoding of load profiles.
//
//   block      = mode, [exceptions], [head], bit stream, padding
//   mode       = one byte: bit 7 set where exceptions follow, bits 6 to 4 the coding, bits 3 to 0 its k
//   exceptions = flags of intervals that have any, missing ones among them (interval-exceptions.ts)
//   head       = LEB128 of the least value (codings 0 and 2) or the first (1 and 3); none in coding 4
//   bit stream = a code word for each interval that is not missing (in 1 and 3 the head is the first of
//                them), then a stop bit 1; zeros fill the last byte
//   padding    = zero bytes up to the next of the lengths that `padBlock` gives, or none
//
// Missing intervals take no place in the stream. Where all are missing the mode is 80 and the stream
// is the stop bit alone.
//
// How many intervals there are stands in the request, not in the block. The stop bit guards it: it is
// the last 1 of the block. Who reads too few words finds a 1 behind the place where it should stand;
// who reads too many has passed it, because a word that begins with a 1 takes it, and zeros alone
// never make a whole word of codings 0 to 3.
import { concat } from "../bytes.ts";
import { BitReader, BitWriter, lastOneBit } from "./bit-stream.ts";
import {
  INTERVAL_FLAG,
  INTERVAL_FLAGS_DEFINED,
  INTERVAL_VALUE_MAX,
  INTERVALS_PER_BLOCK_MAX,
  type Interval,
} from "./interval.ts";
import { decodeExceptions, encodeExceptions } from "./interval-exceptions.ts";
import { type Cursor, leb128, readLeb128 } from "./leb128.ts";
import { EXP_GOLOMB, PLAIN, RICE, type ValueCode } from "./value-codes.ts";

/** Tenths of a byte that padding allows an interval, by type of meter. */
export const PADDING_TENTHS = [14, 21, 41] as const;
export type PaddingTenths = (typeof PADDING_TENTHS)[number];

interface Coding {
  readonly code: ValueCode;
  readonly of: "above-least" | "difference" | "value";
  readonly kMax: number;
}

/** By their number in the mode byte. */
const CODINGS: readonly Coding[] = [
  { code: RICE, of: "above-least", kMax: 15 },
  { code: RICE, of: "difference", kMax: 15 },
  { code: EXP_GOLOMB, of: "above-least", kMax: 15 },
  { code: EXP_GOLOMB, of: "difference", kMax: 15 },
  { code: PLAIN, of: "value", kMax: 0 },
];

const EXCEPTIONS_FOLLOW = 0x80;

/**
 * The shortest block of these 1 to 96 intervals, bare. Of equally short ones it is the first by
 * coding, then by k. Intervals out of range are a bug of the caller and throw.
 */
export function encodeBlock(intervals: readonly Interval[]): Uint8Array {
  checkCount(intervals.length);
  intervals.forEach(checkInterval);
  const exceptions = encodeExceptions(intervals);
  const mark = exceptions.length > 0 ? EXCEPTIONS_FOLLOW : 0;
  const values = intervals.map(({ value }) => value).filter((value) => value !== undefined);
  const { number, k, coding, series } = shortestCoding(values);
  const bits = new BitWriter();
  for (const word of series.words) coding.code.write(bits, word, k);
  bits.write(1, 1);
  return concat(Uint8Array.of(mark | (number << 4) | k, ...exceptions, ...headOf(series)), bits.bytes());
}

/**
 * The block with zeros up to 8 * ceil((4 + b n) / 8) bytes, for n = `count` intervals and b of
 * `paddingTenths` tenths; undefined where it is longer than that. The length of a bare block tells
 * how much was used, encrypted or not.
 */
export function padBlock(
  block: Uint8Array,
  count: number,
  paddingTenths: PaddingTenths,
): Uint8Array | undefined {
  const length = paddedLength(count, paddingTenths);
  return block.length <= length ? concat(block, new Uint8Array(length - block.length)) : undefined;
}

/**
 * The `count` (1 to 96) intervals of a block. Undefined for any other count than its own, and for a
 * block that is malformed, has a value over 2^20, or is neither bare nor of a length that
 * {@link padBlock} gives. Takes a time bounded by the block's length, whatever is in it.
 */
export function decodeBlock(block: Uint8Array, count: number): Interval[] | undefined {
  checkCount(count);
  const cursor: Cursor = { bytes: block, at: 1 };
  const mode = block[0] ?? 0;
  const flags = (mode & EXCEPTIONS_FOLLOW) === 0 ? new Uint8Array(count) : decodeExceptions(cursor, count);
  if (flags === undefined) return undefined;
  const present = flags.filter((byte) => (byte & INTERVAL_FLAG.missing) === 0).length;
  const stream = decodeStream(cursor, mode & ~EXCEPTIONS_FOLLOW, present);
  if (stream === undefined || !endsWell(block, stream.stopBit, count)) return undefined;
  let next = 0;
  return Array.from(flags, (byte) => ({
    value: (byte & INTERVAL_FLAG.missing) === 0 ? stream.values[next++] : undefined,
    flags: byte,
  }));
}

function paddedLength(count: number, paddingTenths: PaddingTenths): number {
  return 8 * Math.ceil((40 + paddingTenths * count) / 80);
}

interface Series {
  /** Undefined where the block has no head. */
  readonly head: number | undefined;
  readonly words: readonly number[];
}

interface Choice {
  readonly number: number;
  readonly k: number;
  readonly coding: Coding;
  readonly series: Series;
}

function shortestCoding(values: readonly number[]): Choice {
  let best: Choice | undefined;
  let bestBits = Number.POSITIVE_INFINITY;
  for (const [number, coding] of CODINGS.entries()) {
    const series = seriesOf(values, coding.of);
    for (let k = 0; k <= coding.kMax; k++) {
      let bits = 8 * headOf(series).length;
      for (const word of series.words) bits += coding.code.costBits(word, k);
      if (bits >= bestBits) continue;
      best = { number, k, coding, series };
      bestBits = bits;
    }
  }
  if (best === undefined) throw new Error("no coding took values that were in range");
  return best;
}

function seriesOf(values: readonly number[], of: Coding["of"]): Series {
  const first = values[0];
  if (of === "value" || first === undefined) return { head: undefined, words: values };
  if (of === "above-least") {
    const least = Math.min(...values);
    return { head: least, words: values.map((value) => value - least) };
  }
  const differences = values.slice(1).map((value, i) => value - (values[i] as number));
  return { head: first, words: differences.map(zigzag) };
}

function headOf({ head }: Series): number[] {
  return head === undefined ? [] : leb128(head);
}

interface Stream {
  readonly values: readonly number[];
  /** Where the stop bit must stand. */
  readonly stopBit: number;
}

function decodeStream(cursor: Cursor, mode: number, present: number): Stream | undefined {
  if (present === 0) return mode === 0 ? { values: [], stopBit: 8 * cursor.at } : undefined;
  const coding = CODINGS[mode >> 4];
  const k = mode & 0x0f;
  if (coding === undefined || k > coding.kMax) return undefined;
  const head = coding.of === "value" ? 0 : readLeb128(cursor);
  if (head === undefined || head > INTERVAL_VALUE_MAX) return undefined;
  const bits = new BitReader(cursor.bytes, cursor.at);
  const values = readValues(bits, coding, k, { head, present });
  // A lesser head would be another way to write the same values, and at times a shorter one.
  if (coding.of === "above-least" && !values?.includes(head)) return undefined;
  return values && { values, stopBit: bits.position };
}

function readValues(
  bits: BitReader,
  { code, of }: Coding,
  k: number,
  { head, present }: { readonly head: number; readonly present: number },
): number[] | undefined {
  const values = of === "difference" ? [head] : [];
  while (values.length < present) {
    const word = code.read(bits, k);
    const value = word === undefined ? undefined : restore(word, of, values.at(-1) ?? head, head);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function restore(word: number, of: Coding["of"], previous: number, head: number): number | undefined {
  const value = of === "difference" ? previous + unzigzag(word) : head + word;
  return value >= 0 && value <= INTERVAL_VALUE_MAX ? value : undefined;
}

/** True where the stop bit is the last 1 and the block has one of the lengths that it may have. */
function endsWell(block: Uint8Array, stopBit: number, count: number): boolean {
  if (lastOneBit(block) !== stopBit) return false;
  const bare = (stopBit >> 3) + 1;
  return block.length === bare || PADDING_TENTHS.some((b) => block.length === paddedLength(count, b));
}

/** 0, -1, 1, -2, ... as 0, 1, 2, 3, ... */
function zigzag(difference: number): number {
  return difference >= 0 ? 2 * difference : -2 * difference - 1;
}

function unzigzag(word: number): number {
  return word % 2 === 0 ? word / 2 : -(word + 1) / 2;
}

function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > INTERVALS_PER_BLOCK_MAX) {
    throw new Error(`${count} intervals; a block has 1 to ${INTERVALS_PER_BLOCK_MAX}`);
  }
}

function checkInterval({ value, flags }: Interval): void {
  const fits = value === undefined || (Number.isInteger(value) && value >= 0 && value <= INTERVAL_VALUE_MAX);
  const isMissing = (flags & INTERVAL_FLAG.missing) !== 0;
  if (!fits || isMissing !== (value === undefined) || (flags & ~INTERVAL_FLAGS_DEFINED) !== 0) {
    throw new Error(`no interval: value ${value}, flags ${flags}`);
  }
}
