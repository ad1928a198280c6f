// What an ELF file is for, and which versions of the libraries it needs: System V gABI 4 and the symbol versioning of LSB 10.7.
// It goes by the program headers, which the loader itself goes by: a stripped file has no section headers.

/** The bytes of a file, from any place in it: of a Node of 100 MB a few hundred are looked at. */
export interface ElfSource {
  readonly bytes: number;
  /** `length` bytes from `offset` on, which are there. */
  read(offset: number, length: number): Uint8Array;
}

/** What a file says of the machine and the libraries that it is for. */
export interface ElfFacts {
  /** `arm64`, `arm` or `x64`, as Node's `process.arch` has them; of another machine its number, as `machine 243`. */
  readonly arch: string;
  readonly libc?: "glibc" | "musl";
  /** The program that loads it; libraries have none. */
  readonly interpreter?: string;
  /** Its name as a library. */
  readonly soname?: string;
  /** Libraries that it is loaded with. */
  readonly needed: readonly string[];
  /** Versions of symbols that it needs, of all libraries: `GLIBC_2.28`. */
  readonly needsVersions: readonly string[];
  /** Versions of symbols that it has for others: glibc's own file tells by them which glibc it is. */
  readonly givesVersions: readonly string[];
}

const MACHINES: Readonly<Record<number, string>> = { 40: "arm", 62: "x64", 183: "arm64" };

const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const HEADER_BYTES = 64;
const SEGMENT = { load: 1, dynamic: 2, interpreter: 3 } as const;
const TAG = {
  needed: 1,
  stringTable: 5,
  soname: 14,
  versionDefinitions: 0x6fff_fffc,
  versionDefinitionCount: 0x6fff_fffd,
  versionNeeds: 0x6fff_fffe,
  versionNeedCount: 0x6fff_ffff,
} as const;

/** Node has a dozen segments and thirty dynamic entries; glibc defines some forty versions. */
const SEGMENTS_MAX = 64;
const DYNAMIC_ENTRIES_MAX = 512;
const LIBRARIES_MAX = 128;
const VERSIONS_MAX = 1024;
const NAME_BYTES_MAX = 256;

/** A fault of the file; it does not leave this file. */
class ElfFault extends Error {}

/** The facts of a file, or what is wrong with it, as the end of a sentence. */
export function readElf(source: ElfSource): ElfFacts | { readonly error: string } {
  try {
    return factsOf(new ElfReader(source));
  } catch (error) {
    if (error instanceof ElfFault) return { error: error.message };
    throw error;
  }
}

/** A file that is in memory as a whole. */
export function elfBytes(bytes: Uint8Array): ElfSource {
  return { bytes: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** The highest of versions that begin with `prefix`, without it: of `GLIBC_2.4` and `GLIBC_2.28`, `2.28`. */
export function highestVersion(versions: readonly string[], prefix: string): string | undefined {
  const numbered = versions
    .filter((version) => version.startsWith(prefix) && /^\d+(\.\d+)*$/.test(version.slice(prefix.length)))
    .map((version) => version.slice(prefix.length));
  return numbered.sort(compareVersions).at(-1);
}

function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

/** Numbers and names in the file, within its bounds and in its class. */
class ElfReader {
  readonly is64: boolean;
  readonly #source: ElfSource;

  constructor(source: ElfSource) {
    this.#source = source;
    const head = source.read(0, Math.min(source.bytes, 16));
    if (head.length < 16 || head[0] !== 0x7f || head[1] !== 0x45 || head[2] !== 0x4c || head[3] !== 0x46)
      throw new ElfFault("is no ELF file");
    if (head[5] !== LITTLE_ENDIAN) throw new ElfFault("is big-endian, and no board of ours is");
    if (head[4] !== 1 && head[4] !== CLASS_64)
      throw new ElfFault("is neither a 32-bit nor a 64-bit ELF file");
    this.is64 = head[4] === CLASS_64;
  }

  view(offset: number, length: number): DataView {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > this.#source.bytes)
      throw new ElfFault("points beyond its own end");
    const bytes = this.#source.read(offset, length);
    if (bytes.length !== length) throw new ElfFault("became shorter while it was read");
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  /** A number as wide as an address. */
  word(view: DataView, at: number): number {
    return this.is64 ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true);
  }

  /** A text that ends with a zero. */
  name(offset: number): string {
    const length = Math.min(NAME_BYTES_MAX, this.#source.bytes - offset);
    const view = this.view(offset, Math.max(length, 1));
    let text = "";
    for (let at = 0; at < length; at++) {
      const code = view.getUint8(at);
      if (code === 0) return text;
      if (code < 0x21 || code > 0x7e) break;
      text += String.fromCharCode(code);
    }
    throw new ElfFault("has a name that is none");
  }
}

function factsOf(elf: ElfReader): ElfFacts {
  const header = elf.view(0, elf.is64 ? HEADER_BYTES : 52);
  const machine = header.getUint16(18, true);
  const segments = segmentsOf(elf, header);
  const at = segments.find(({ type }) => type === SEGMENT.interpreter);
  const interpreter = at === undefined ? undefined : elf.name(at.offset);
  const dynamic = dynamicOf(elf, segments);
  const { needed, soname } = dynamic;
  const libc = libcOf([...needed, ...(soname === undefined ? [] : [soname])], interpreter);
  return {
    arch: MACHINES[machine] ?? `machine ${machine}`,
    ...(libc !== undefined && { libc }),
    ...(interpreter !== undefined && { interpreter }),
    ...dynamic,
  };
}

/** Alpine names musl's file by the machine, others call it libc.so; glibc's is libc.so.6. */
function libcOf(libraries: readonly string[], interpreter = ""): ElfFacts["libc"] {
  if (libraries.some((name) => name.startsWith("libc.musl-") || name === "libc.so")) return "musl";
  if (libraries.includes("libc.so.6")) return "glibc";
  if (interpreter.includes("/ld-musl-")) return "musl";
  return interpreter.includes("/ld-linux") ? "glibc" : undefined;
}

function segmentsOf(elf: ElfReader, header: DataView): readonly Segment[] {
  const table = elf.word(header, elf.is64 ? 32 : 28);
  const size = header.getUint16(elf.is64 ? 54 : 42, true);
  const count = header.getUint16(elf.is64 ? 56 : 44, true);
  const bytes = elf.is64 ? 56 : 32;
  if (count > SEGMENTS_MAX || (count > 0 && size !== bytes)) throw new ElfFault("has segments that are none");
  return Array.from({ length: count }, (_, index) => {
    const view = elf.view(table + index * bytes, bytes);
    return elf.is64
      ? {
          ...{ type: view.getUint32(0, true), offset: elf.word(view, 8) },
          ...{ address: elf.word(view, 16), bytes: elf.word(view, 32) },
        }
      : {
          ...{ type: view.getUint32(0, true), offset: elf.word(view, 4) },
          ...{ address: elf.word(view, 8), bytes: elf.word(view, 16) },
        };
  });
}

type Dynamic = Pick<ElfFacts, "needed" | "soname" | "needsVersions" | "givesVersions">;

/** What the dynamic section says; a program that is linked as a whole has none. */
function dynamicOf(elf: ElfReader, segments: readonly Segment[]): Dynamic {
  const segment = segments.find(({ type }) => type === SEGMENT.dynamic);
  if (segment === undefined) return { needed: [], needsVersions: [], givesVersions: [] };
  const entries = dynamicEntries(elf, segment);
  const valueAt = (tag: number): number | undefined => entries.find(([of]) => of === tag)?.[1];
  const place = (tag: number): number | undefined => {
    const address = valueAt(tag);
    return address === undefined ? undefined : offsetOf(segments, address);
  };
  const strings = place(TAG.stringTable);
  if (strings === undefined) throw new ElfFault("has no names");
  const text = (offset: number): string => elf.name(strings + offset);
  const soname = valueAt(TAG.soname);
  const versions = new VersionReader(elf, text);
  return {
    needed: entries.filter(([tag]) => tag === TAG.needed).map(([, offset]) => text(offset)),
    ...(soname !== undefined && { soname: text(soname) }),
    needsVersions: versions.needed(place(TAG.versionNeeds), valueAt(TAG.versionNeedCount)),
    givesVersions: versions.defined(place(TAG.versionDefinitions), valueAt(TAG.versionDefinitionCount)),
  };
}

function dynamicEntries(elf: ElfReader, { offset, bytes }: Segment): readonly (readonly [number, number])[] {
  const size = elf.is64 ? 16 : 8;
  const entries: [number, number][] = [];
  for (let at = 0; at + size <= bytes; at += size) {
    const view = elf.view(offset + at, size);
    const tag = elf.word(view, 0);
    if (tag === 0) break;
    if (entries.length === DYNAMIC_ENTRIES_MAX) throw new ElfFault("has more dynamic entries than any file");
    entries.push([tag, elf.word(view, size / 2)]);
  }
  return entries;
}

/** Where in the file is what the loader puts at `address`. */
function offsetOf(segments: readonly Segment[], address: number): number {
  const segment = segments.find(
    (one) => one.type === SEGMENT.load && address >= one.address && address < one.address + one.bytes,
  );
  if (segment === undefined) throw new ElfFault("points to what is not in it");
  return segment.offset + (address - segment.address);
}

/** The two chained lists of versions (LSB 10.7); links within them are relative. */
class VersionReader {
  readonly #elf: ElfReader;
  readonly #text: (offset: number) => string;

  constructor(elf: ElfReader, text: (offset: number) => string) {
    this.#elf = elf;
    this.#text = text;
  }

  needed(place: number | undefined, count = 0): readonly string[] {
    const versions: string[] = [];
    this.#walk(place, Math.min(count, LIBRARIES_MAX), 16, (library, at) => {
      const first = at + library.getUint32(8, true);
      this.#walk(first, library.getUint16(2, true), 16, (version) => {
        if (versions.length === VERSIONS_MAX) throw new ElfFault("needs more versions than any file");
        versions.push(this.#text(version.getUint32(8, true)));
      });
    });
    return versions;
  }

  defined(place: number | undefined, count = 0): readonly string[] {
    const versions: string[] = [];
    this.#walk(place, Math.min(count, VERSIONS_MAX), 20, (definition, at) => {
      const name = this.#elf.view(at + definition.getUint32(12, true), 8);
      versions.push(this.#text(name.getUint32(0, true)));
    });
    return versions;
  }

  /** Each entry says in its last four bytes how far it is to the next; 0 ends the list. */
  #walk(
    place: number | undefined,
    count: number,
    bytes: number,
    visit: (view: DataView, at: number) => void,
  ): void {
    let at = place ?? 0;
    for (let index = 0; place !== undefined && index < count; index++) {
      const view = this.#elf.view(at, bytes);
      visit(view, at);
      // vn_next, vna_next and vd_next alike are the last word of their entry.
      const next = view.getUint32(bytes - 4, true);
      if (next === 0) return;
      at += next;
    }
  }
}
