import { concat, fromText } from "../../firmware/protocol/bytes.ts";

/** What a made-up ELF file says of itself. */
export interface MadeElf {
  /** EM_AARCH64 is 183, EM_ARM 40, EM_X86_64 62. */
  readonly machine: number;
  readonly needed?: readonly string[];
  readonly givesVersions?: readonly string[];
  /** What else is in the file, behind all that it says. */
  readonly behind?: string;
}

/** A little-endian 64-bit ELF file with a dynamic section and nothing to run; it is loaded at address 0. */
export function elfFile({ machine, needed = [], givesVersions = [], behind = "" }: MadeElf): Uint8Array {
  const names = new Map<string, number>();
  let strings = "\0";
  for (const name of [...needed, ...givesVersions]) {
    names.set(name, strings.length);
    strings += `${name}\0`;
  }
  const tags = 2 + needed.length + (givesVersions.length > 0 ? 2 : 0);
  const [headers, dynamic] = [64 + 2 * 56, tags * 16];
  const stringsAt = headers + dynamic;
  const versionsAt = stringsAt + strings.length;
  const entries = [
    ...needed.map((name) => [1, names.get(name) ?? 0]),
    [5, stringsAt],
    ...(givesVersions.length > 0
      ? [
          [0x6ffffffc, versionsAt],
          [0x6ffffffd, givesVersions.length],
        ]
      : []),
    [0, 0],
  ].map(([tag = 0, value = 0]) => words(tag, value));
  const definitions = givesVersions.map((name, i) =>
    definition(names.get(name) ?? 0, i === givesVersions.length - 1),
  );
  const body = concat(...entries, fromText(strings), ...definitions);
  const whole = headers + body.length;
  return concat(header(machine), segment(1, 0, whole), segment(2, headers, dynamic), body, fromText(behind));
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
function definition(name: number, isLast: boolean): Uint8Array {
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint32(12, 20, true);
  view.setUint32(16, isLast ? 0 : 28, true);
  view.setUint32(20, name, true);
  return bytes;
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setBigUint64(i * 8, BigInt(value), true);
  return bytes;
}
