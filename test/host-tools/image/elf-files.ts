// ELF files of a few hundred bytes, which say what tests want them to say.
import { concat, fromText } from "../../../firmware/protocol/bytes.ts";

export interface SmallElf {
  readonly bits?: 32 | 64;
  readonly machine?: number;
  readonly needed?: readonly string[];
  /** Versions of the first of `needed`. */
  readonly versions?: readonly string[];
  readonly interpreter?: string;
  readonly soname?: string;
  /** Versions that it has for others. */
  readonly gives?: readonly string[];
}

const SEGMENT = { load: 1, dynamic: 2, interpreter: 3 };
const TAG = {
  ...{ needed: 1, strings: 5, soname: 14 },
  ...{
    definitions: 0x6fff_fffc,
    definitionCount: 0x6fff_fffd,
    versions: 0x6fff_fffe,
    versionCount: 0x6fff_ffff,
  },
};
const LINK_BYTES = 16;
const DEFINITION_BYTES = 28;

/** A little-endian library, mapped at the addresses that are its offsets. */
export function smallElf(elf: SmallElf = {}): Uint8Array {
  const { bits = 64, needed = ["libc.so.6"], versions = ["GLIBC_2.2.5", "GLIBC_2.28"], gives = [] } = elf;
  const { machine = 62, interpreter, soname } = elf;
  const names = new Names();
  const word = (...values: readonly number[]): Uint8Array => numbers(bits / 8, values);
  const needs = versionNeeds(
    versions.map((name) => names.place(name)),
    names.place(needed[0] ?? ""),
  );
  const definitions = versionDefinitions(gives.map((name) => names.place(name)));
  const entries: [number, number][] = needed.map((name) => [TAG.needed, names.place(name)]);
  if (soname !== undefined) entries.push([TAG.soname, names.place(soname)]);
  const loader = fromText(`${interpreter ?? ""}\0`);
  // Where each part comes to be: headers, dynamic section, lists of versions, the loader's name, names.
  const segments = interpreter === undefined ? 2 : 3;
  const head = headerBytes(bits) + segments * segmentBytes(bits);
  const dynamicBytes = (entries.length + 6) * 2 * (bits / 8);
  const needsAt = head + dynamicBytes;
  const definitionsAt = needsAt + needs.length;
  const loaderAt = definitionsAt + definitions.length;
  const stringsAt = loaderAt + loader.length;
  entries.push([TAG.strings, stringsAt], [TAG.versions, needsAt], [TAG.versionCount, 1]);
  entries.push([TAG.definitions, definitionsAt], [TAG.definitionCount, gives.length], [0, 0]);
  return concat(
    header(bits, machine, segments),
    segment(bits, SEGMENT.load, 0, stringsAt + names.bytes.length),
    segment(bits, SEGMENT.dynamic, head, dynamicBytes),
    ...(interpreter === undefined ? [] : [segment(bits, SEGMENT.interpreter, loaderAt, loader.length)]),
    ...entries.map(([tag, value]) => word(tag, value)),
    ...[needs, definitions, loader, names.bytes],
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

function headerBytes(bits: 32 | 64): number {
  return bits === 64 ? 64 : 52;
}

function segmentBytes(bits: 32 | 64): number {
  return bits === 64 ? 56 : 32;
}

function header(bits: 32 | 64, machine: number, segments: number): Uint8Array {
  const bytes = new Uint8Array(headerBytes(bits));
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits / 32, 1, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, 3, true);
  view.setUint16(18, machine, true);
  view.setUint8(bits === 64 ? 32 : 28, bytes.length);
  view.setUint16(bits === 64 ? 54 : 42, segmentBytes(bits), true);
  view.setUint16(bits === 64 ? 56 : 44, segments, true);
  return bytes;
}

function segment(bits: 32 | 64, type: number, offset: number, length: number): Uint8Array {
  const places = [offset, offset, offset, length, length];
  return bits === 64
    ? concat(numbers(8, [type, ...places]), numbers(8, [8]))
    : numbers(4, [type, ...places, 0, 8]);
}

/** One library's Verneed, and its Vernaux entries behind it. */
function versionNeeds(places: readonly number[], library: number): Uint8Array {
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

/** Verdef entries, each with the Verdaux that has its name. */
function versionDefinitions(places: readonly number[]): Uint8Array {
  const list = new DataView(new ArrayBuffer(DEFINITION_BYTES * places.length));
  places.forEach((place, index) => {
    const at = DEFINITION_BYTES * index;
    list.setUint32(at + 12, DEFINITION_BYTES - 8, true);
    list.setUint32(at + 16, index + 1 < places.length ? DEFINITION_BYTES : 0, true);
    list.setUint32(at + DEFINITION_BYTES - 8, place, true);
  });
  return new Uint8Array(list.buffer);
}

function numbers(bytes: number, values: readonly number[]): Uint8Array {
  const list = bytes === 8 ? BigUint64Array.from(values, BigInt) : Uint32Array.from(values);
  return new Uint8Array(list.buffer);
}
