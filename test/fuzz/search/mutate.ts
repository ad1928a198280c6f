// Inputs made of others: what a decoder has not seen, but near to what it has.
import { concat } from "../../../firmware/protocol/bytes.ts";
import type { Chance } from "./chance.ts";

/** Bytes worth putting in: heads of each CBOR major type and length, SLIP's own, CoAP's escapes, edges. */
const TELLING = [
  0x00, 0x01, 0x07, 0x08, 0x0f, 0x10, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x20, 0x37, 0x38, 0x3b, 0x40, 0x41, 0x48,
  0x58, 0x5b, 0x5f, 0x60, 0x61, 0x78, 0x7f, 0x80, 0x81, 0x82, 0x85, 0x98, 0x9f, 0xa0, 0xa1, 0xa9, 0xb8, 0xbf,
  0xc0, 0xc1, 0xd0, 0xdb, 0xdc, 0xdd, 0xde, 0xe0, 0xed, 0xee, 0xf0, 0xf4, 0xf5, 0xf6, 0xf7, 0xf9, 0xfb, 0xfe,
  0xff,
];

type Change = (chance: Chance, bytes: Uint8Array, other: Uint8Array) => Uint8Array;

function at(chance: Chance, bytes: Uint8Array): number {
  return chance.below(bytes.length + 1);
}

function setByte(bytes: Uint8Array, index: number, value: number): Uint8Array {
  const changed = bytes.slice();
  if (index < changed.length) changed[index] = value;
  return changed;
}

const CHANGES: readonly Change[] = [
  // One bit, one byte, one byte a little more or less.
  (chance, bytes) => {
    const index = at(chance, bytes);
    return setByte(bytes, index, (bytes[index] ?? 0) ^ (1 << chance.below(8)));
  },
  (chance, bytes) => setByte(bytes, at(chance, bytes), chance.below(256)),
  (chance, bytes) => setByte(bytes, at(chance, bytes), chance.pick(TELLING)),
  (chance, bytes) => {
    const index = at(chance, bytes);
    return setByte(bytes, index, (bytes[index] ?? 0) + chance.below(9) - 4);
  },
  // Something more, something less.
  (chance, bytes) => {
    const index = at(chance, bytes);
    const more = Uint8Array.from({ length: 1 + chance.below(6) }, () => chance.pick(TELLING));
    return concat(bytes.subarray(0, index), more, bytes.subarray(index));
  },
  (chance, bytes) => {
    const index = at(chance, bytes);
    return concat(bytes.subarray(0, index), bytes.subarray(index + 1 + chance.below(4)));
  },
  (chance, bytes) => bytes.slice(0, at(chance, bytes)),
  // A part of it again, or of another in its place.
  (chance, bytes) => {
    const [from, to] = [at(chance, bytes), at(chance, bytes)];
    return concat(
      bytes.subarray(0, to),
      bytes.subarray(from, from + 1 + chance.below(16)),
      bytes.subarray(to),
    );
  },
  (chance, bytes, other) => concat(bytes.subarray(0, at(chance, bytes)), other.subarray(at(chance, other))),
  (chance, bytes) => {
    const more = new Uint8Array(1 + chance.below(64)).fill(chance.pick(TELLING));
    return concat(bytes, more);
  },
];

/** `parent` after one to four changes, at most `bytesMax` long; `other` lends parts of itself. */
export function mutate(chance: Chance, parent: Uint8Array, other: Uint8Array, bytesMax: number): Uint8Array {
  let bytes = parent;
  for (let changes = 1 + chance.below(4); changes > 0; changes--)
    bytes = chance.pick(CHANGES)(chance, bytes, other);
  return bytes.subarray(0, bytesMax);
}
