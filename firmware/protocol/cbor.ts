// The one door for CBOR (RFC 8949): deterministic out (4.2.1), strict and bounded in.
import { Decoder } from "cbor-x/decode-no-eval";
import { concat, EMPTY, fromText } from "./bytes.ts";

/** `mantissa` times ten to the power of `exponent`, both integers: exact where a float would not be. */
export class DecimalFraction {
  readonly mantissa: number;
  readonly exponent: number;

  constructor(mantissa: number, exponent: number) {
    this.mantissa = mantissa;
    this.exponent = exponent;
  }
}

/**
 * What our bodies are made of. Integers are safe integers; there are no floats, and no tags but that of decimal
 * fractions, which SenML has in place of floats.
 */
export type CborValue =
  | number
  | DecimalFraction
  | boolean
  | null
  | string
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<number | string, CborValue>;

/** Tag 4: an array of exponent and mantissa follows (RFC 8949 3.4.4). */
const DECIMAL_FRACTION = Uint8Array.of(0xc4);
/** Far beyond any scaler, and small enough to become a number. */
const EXPONENT_MAX = 16;
/** Deeper and longer than any body of ours; bounds the work on hostile input. */
const DEPTH_MAX = 16;
const ITEMS_MAX = 4096;

const decoder = new Decoder({
  useRecords: false,
  mapsAsObjects: false,
  copyBuffers: true,
  int64AsNumber: true,
} as object);
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Deterministic encoding: shortest heads, definite lengths, map keys in bytewise order. */
export function encodeCbor(value: CborValue): Uint8Array {
  if (typeof value === "number") return encodeInteger(value);
  if (typeof value === "boolean") return Uint8Array.of(value ? 0xf5 : 0xf4);
  if (value === null) return Uint8Array.of(0xf6);
  if (typeof value === "string") return encodeText(value);
  if (value instanceof Uint8Array) return concat(encodeHead(2, value.length), value);
  if (value instanceof Map) return encodeMap(value);
  if (value instanceof DecimalFraction) {
    return concat(DECIMAL_FRACTION, encodeCbor([value.exponent, value.mantissa]));
  }
  const items = value as readonly CborValue[];
  return concat(encodeHead(4, items.length), ...items.map(encodeCbor));
}

/** Items one after the other, without an array around them (RFC 8742). */
export function encodeCborSequence(items: readonly CborValue[]): Uint8Array {
  return concat(...items.map(encodeCbor));
}

/** A byte order mark is refused as on the way in: TextDecoder, which many a peer reads with, drops it. */
function encodeText(text: string): Uint8Array {
  if (text.startsWith("\ufeff")) throw new Error("text that starts with a byte order mark");
  const bytes = fromText(text);
  return concat(encodeHead(3, bytes.length), bytes);
}

function encodeInteger(value: number): Uint8Array {
  if (!Number.isSafeInteger(value))
    throw new Error(`${value} is no safe integer; bodies carry scaled integers`);
  return value >= 0 ? encodeHead(0, value) : encodeHead(1, -1 - value);
}

function encodeHead(major: number, argument: number): Uint8Array {
  const top = major << 5;
  if (argument < 24) return Uint8Array.of(top | argument);
  if (argument < 0x100) return Uint8Array.of(top | 24, argument);
  if (argument < 0x10000) return Uint8Array.of(top | 25, argument >> 8, argument & 0xff);
  const wide = argument >= 0x100000000;
  const head = new Uint8Array(wide ? 9 : 5);
  head[0] = top | (wide ? 27 : 26);
  let rest = argument;
  for (let i = head.length - 1; i > 0; i--) {
    head[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return head;
}

function encodeMap(map: ReadonlyMap<number | string, CborValue>): Uint8Array {
  const entries = [...map].map(([key, value]) => ({ key: encodeCbor(key), value: encodeCbor(value) }));
  entries.sort((a, b) => compareBytes(a.key, b.key));
  return concat(encodeHead(5, map.size), ...entries.flatMap(({ key, value }) => [key, value]));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The one item that the bytes are, or undefined: malformed, not deterministic, too deep, or more than one. */
export function decodeCbor(bytes: Uint8Array): CborValue | undefined {
  const items = decodeCborSequence(bytes);
  return items?.length === 1 ? items[0] : undefined;
}

/** The same for bodies that may have decimal fractions, which become numbers. */
export function decodeCborWithFractions(bytes: Uint8Array): CborValue | undefined {
  const scan = { bytes, at: 0, items: 0, fractions: true };
  return scanItem(scan, 0) && scan.at === bytes.length ? decodeScanned(bytes) : undefined;
}

/** The items that the bytes are, or undefined: at most `itemsMax`. No bytes are no items. Never throws. */
export function decodeCborSequence(bytes: Uint8Array, itemsMax = ITEMS_MAX): CborValue[] | undefined {
  const items: CborValue[] = [];
  const scan = { bytes, at: 0, items: 0, fractions: false };
  while (scan.at < bytes.length) {
    const start = scan.at;
    if (items.length === itemsMax || !scanItem(scan, 0)) return undefined;
    const item = decodeScanned(bytes.slice(start, scan.at));
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}

/** Bytes of the first item in `bytes`, or undefined where there is no whole one. */
export function firstItemLength(bytes: Uint8Array): number | undefined {
  const scan = { bytes, at: 0, items: 0, fractions: false };
  return scanItem(scan, 0) ? scan.at : undefined;
}

function decodeScanned(item: Uint8Array): CborValue | undefined {
  try {
    const value: unknown = decoder.decode(item);
    return value as CborValue;
  } catch {
    return undefined;
  }
}

interface Scan {
  readonly bytes: Uint8Array;
  at: number;
  items: number;
  /** Tag 4 may be there. */
  readonly fractions: boolean;
}

/** Walks one item without building it: only what {@link encodeCbor} could have written passes. */
function scanItem(scan: Scan, depth: number): boolean {
  if (depth > DEPTH_MAX || ++scan.items > ITEMS_MAX) return false;
  const first = scan.bytes[scan.at];
  if (first === undefined) return false;
  const major = first >> 5;
  if (major === 7) {
    scan.at++;
    return first === 0xf4 || first === 0xf5 || first === 0xf6;
  }
  const argument = scanArgument(scan);
  if (argument === undefined) return false;
  if (major === 6) return scan.fractions && argument === 4 && scanFraction(scan);
  if (major <= 1) return true;
  if (major <= 3) return scanString(scan, argument, major === 3);
  return major === 4 ? scanArray(scan, argument, depth) : scanMap(scan, argument, depth);
}

/** The head's argument: shortest form only, safe integers only. */
function scanArgument(scan: Scan): number | undefined {
  const first = scan.bytes[scan.at] as number;
  const info = first & 0x1f;
  scan.at++;
  if (info < 24) return info;
  if (info > 27) return undefined;
  const size = 1 << (info - 24);
  if (scan.at + size > scan.bytes.length) return undefined;
  let argument = 0;
  for (let i = 0; i < size; i++) argument = argument * 256 + (scan.bytes[scan.at + i] as number);
  scan.at += size;
  const least = size === 1 ? 24 : 2 ** (4 * size);
  // Major type 1 stands for -1 - argument, which must be safe too.
  const most = Number.MAX_SAFE_INTEGER - (first >> 5 === 1 ? 1 : 0);
  return argument < least || argument > most ? undefined : argument;
}

/** The array of two integers behind tag 4. */
function scanFraction(scan: Scan): boolean {
  if (scan.bytes[scan.at++] !== 0x82) return false;
  const exponentMajor = (scan.bytes[scan.at] ?? 0xff) >> 5;
  const exponent = exponentMajor > 1 ? undefined : scanArgument(scan);
  if (exponent === undefined || exponent > EXPONENT_MAX) return false;
  const mantissaMajor = (scan.bytes[scan.at] ?? 0xff) >> 5;
  return mantissaMajor <= 1 && scanArgument(scan) !== undefined;
}

function scanString(scan: Scan, length: number, isText: boolean): boolean {
  const end = scan.at + length;
  if (end > scan.bytes.length) return false;
  if (isText && !isPlainText(scan.bytes.subarray(scan.at, end))) return false;
  scan.at = end;
  return true;
}

/** UTF-8 without a byte order mark at its start. */
function isPlainText(bytes: Uint8Array): boolean {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return false;
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function scanArray(scan: Scan, count: number, depth: number): boolean {
  if (count > scan.bytes.length - scan.at) return false;
  for (let i = 0; i < count; i++) if (!scanItem(scan, depth + 1)) return false;
  return true;
}

/** Keys must be integers or text, strictly ascending, which also rules duplicates out. */
function scanMap(scan: Scan, count: number, depth: number): boolean {
  if (2 * count > scan.bytes.length - scan.at) return false;
  let previous: Uint8Array = EMPTY;
  for (let i = 0; i < count; i++) {
    const start = scan.at;
    const major = (scan.bytes[start] as number) >> 5;
    if (major > 1 && major !== 3) return false;
    if (!scanItem(scan, depth + 1)) return false;
    const key = scan.bytes.subarray(start, scan.at);
    if (i > 0 && compareBytes(previous, key) >= 0) return false;
    previous = key;
    if (!scanItem(scan, depth + 1)) return false;
  }
  return true;
}
