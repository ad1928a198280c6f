// Unsigned LEB128 (DWARF 5, 7.6): seven bits a byte, the lowest first, bit 7 set where more follow.

/** A place in a byte string that a decoder moves on. */
export interface Cursor {
  readonly bytes: Uint8Array;
  /** Offset of the next byte. */
  at: number;
}

/** 21 bits: enough for every number in an interval block. */
const BYTES_MAX = 3;

/** The bytes of an integer of 0 to 2^21 - 1. */
export function leb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push(0x80 | (rest & 0x7f));
  return [...bytes, rest];
}

/** The next integer; undefined where it is cut off, too long, or longer than need be. */
export function readLeb128(cursor: Cursor): number | undefined {
  let value = 0;
  for (let i = 0; i < BYTES_MAX; i++) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined) return undefined;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return byte === 0 && i > 0 ? undefined : value;
  }
  return undefined;
}
