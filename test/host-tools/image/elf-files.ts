// ELF files of a few hundred bytes, which say what tests want them to say.
import { concat, fromText } from "../../../firmware/protocol/bytes.ts";

export interface SmallElf {
  readonly machine?: number;
  readonly needed?: readonly string[];
  /** Versions of the first of `needed`. */
  readonly versions?: readonly string[];
}

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const ENTRY_BYTES = 16;
const LINK_BYTES = 16;
const TAG = { needed: 1, strings: 5, versions: 0x6fff_fffe, versionCount: 0x6fff_ffff };

/** A 64-bit, little-endian library, mapped at the addresses that are its offsets. */
export function smallElf({
  machine = 62,
  needed = ["libc.so.6"],
  versions = ["GLIBC_2.2.5", "GLIBC_2.28"],
}: SmallElf = {}): Uint8Array {
  const names = new Names();
  const dynamicAt = HEADER_BYTES + 2 * SEGMENT_BYTES;
  const entries = needed.map((name): [number, number] => [TAG.needed, names.place(name)]);
  const dynamicBytes = (entries.length + 4) * ENTRY_BYTES;
  const versionsAt = dynamicAt + dynamicBytes;
  const list = versionList(
    versions.map((name) => names.place(name)),
    names.place(needed[0] ?? ""),
  );
  const stringsAt = versionsAt + list.length;
  entries.push([TAG.strings, stringsAt], [TAG.versions, versionsAt], [TAG.versionCount, 1], [0, 0]);
  const bytes = stringsAt + names.bytes.length;
  return concat(
    header(machine),
    segment(1, 0, bytes),
    segment(2, dynamicAt, dynamicBytes),
    ...entries.map(([tag, value]) => words(tag, value)),
    list,
    names.bytes,
  );
}

/** Texts that end with a zero, the empty one first. */
class Names {
  bytes: Uint8Array = Uint8Array.of(0);

  place(name: string): number {
    const at = this.bytes.length;
    this.bytes = concat(this.bytes, fromText(`${name}\0`));
    return at;
  }
}

function header(machine: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, 3, true);
  view.setUint16(18, machine, true);
  view.setBigUint64(32, BigInt(HEADER_BYTES), true);
  view.setUint16(54, SEGMENT_BYTES, true);
  view.setUint16(56, 2, true);
  return bytes;
}

function segment(type: number, offset: number, length: number): Uint8Array {
  return concat(words(type), words(offset, offset, offset, length, length), words(8));
}

/** One library's Verneed, and its Vernaux entries behind it. */
function versionList(places: readonly number[], library: number): Uint8Array {
  const need = new DataView(new ArrayBuffer(LINK_BYTES * (1 + places.length)));
  need.setUint16(0, 1, true);
  need.setUint16(2, places.length, true);
  need.setUint32(4, library, true);
  need.setUint32(8, LINK_BYTES, true);
  places.forEach((place, index) => {
    const at = LINK_BYTES * (index + 1);
    need.setUint32(at + 8, place, true);
    need.setUint32(at + 12, index + 1 < places.length ? LINK_BYTES : 0, true);
  });
  return new Uint8Array(need.buffer);
}

/** Numbers of 64 bits. */
function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values, BigInt).buffer);
}
