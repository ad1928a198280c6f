import { concat, fromText } from "../../firmware/protocol/bytes.ts";

/** What a made-up ELF file says of itself. */
export interface MadeElf {
  /** EM_AARCH64 is 183, EM_ARM 40, EM_X86_64 62. */
  readonly machine: number;
  readonly needed?: readonly string[];
  readonly givesVersions?: readonly string[];
  /** Of the first library that is needed. */
  readonly needsVersions?: readonly string[];
  /** What else is in the file, behind all that it says. */
  readonly behind?: string;
}

/** A little-endian 64-bit ELF file with a dynamic section and nothing to run; it is loaded at address 0. */
export function elfFile({ machine, needed = [], behind = "", ...versions }: MadeElf): Uint8Array {
  const { givesVersions = [], needsVersions = [] } = versions;
  const places = new Map<string, number>();
  let strings = "\0";
  for (const name of [...needed, ...givesVersions, ...needsVersions]) {
    places.set(name, strings.length);
    strings += `${name}\0`;
  }
  const place = (name = ""): number => places.get(name) ?? 0;
  const gives = concat(
    ...givesVersions.map((name, i) => definition(place(name), i < givesVersions.length - 1)),
  );
  const needs =
    needsVersions.length === 0 ? new Uint8Array(0) : need(place(needed[0]), needsVersions.map(place));
  const tagCount = 2 + needed.length + (gives.length > 0 ? 2 : 0) + (needs.length > 0 ? 2 : 0);
  const [dynamicAt, dynamicBytes] = [64 + 2 * 56, tagCount * 16];
  const stringsAt = dynamicAt + dynamicBytes;
  const givesAt = stringsAt + strings.length;
  const tags = [
    ...needed.map((name) => [1, place(name)]),
    [5, stringsAt],
    ...(gives.length > 0
      ? [
          [0x6ffffffc, givesAt],
          [0x6ffffffd, givesVersions.length],
        ]
      : []),
    ...(needs.length > 0
      ? [
          [0x6ffffffe, givesAt + gives.length],
          [0x6fffffff, 1],
        ]
      : []),
    [0, 0],
  ].map(([tag = 0, value = 0]) => words(tag, value));
  const body = concat(...tags, fromText(strings), gives, needs);
  const segments = concat(segment(1, 0, dynamicAt + body.length), segment(2, dynamicAt, dynamicBytes));
  return concat(header(machine), segments, body, fromText(behind));
}

function header(machine: number): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, 3, true);
  view.setUint16(18, machine, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);
  return bytes;
}

function segment(type: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(56);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(offset), true);
  view.setBigUint64(16, BigInt(offset), true);
  view.setBigUint64(32, BigInt(length), true);
  return bytes;
}

/** Elf64_Verdef and its one Elf64_Verdaux (LSB 10.7.2). */
function definition(name: number, hasNext: boolean): Uint8Array {
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint32(12, 20, true);
  view.setUint32(16, hasNext ? 28 : 0, true);
  view.setUint32(20, name, true);
  return bytes;
}

/** Elf64_Verneed of one library, and an Elf64_Vernaux for each version of it (LSB 10.7.3). */
function need(library: number, names: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(16 * (1 + names.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(2, names.length, true);
  view.setUint32(4, library, true);
  view.setUint32(8, 16, true);
  for (const [i, name] of names.entries()) {
    view.setUint32(16 * (i + 1) + 8, name, true);
    view.setUint32(16 * (i + 1) + 12, i < names.length - 1 ? 16 : 0, true);
  }
  return bytes;
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setBigUint64(i * 8, BigInt(value), true);
  return bytes;
}
