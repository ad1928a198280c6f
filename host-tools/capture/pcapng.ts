// pcapng, the capture file of Wireshark and tcpdump (draft-ietf-opsawg-pcapng): the blocks that a capture
// of lines needs, written and read. What is written is little-endian; either order is read.
import { concat, fromText } from "../../firmware/protocol/bytes.ts";

/** What the bytes of a packet are, by the registry of link types at tcpdump.org. */
export const LINK_TYPE = { ethernet: 1, raw: 101, linuxCooked: 113, user0: 147, linuxCooked2: 276 } as const;

/** Seen from the program that captured: what came in, and what it sent. */
export type Direction = "inbound" | "outbound";

/** A packet of a capture file, and what the file says of the line that it was on. */
export interface CapturedPacket {
  /** The line's name (if_name), not yet safe to print; undefined where it has none. */
  readonly line: string | undefined;
  /** One of {@link LINK_TYPE}, or another of the registry. */
  readonly linkType: number;
  /** Since 1970-01-01, whole; beyond 2^53 no longer exact. */
  readonly utcMicroseconds: number;
  /** Undefined where the capturing program did not know. */
  readonly direction: Direction | undefined;
  readonly bytes: Uint8Array;
}

/** Section 4.1 to 4.3. */
const BLOCK = { sectionHeader: 0x0a0d0d0a, interfaceDescription: 1, enhancedPacket: 6 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const VERSION = { major: 1, minor: 0 } as const;
/** Type, total length, and the total length again at the end (3.1). */
const BLOCK_FRAME_BYTES = 12;
/** Options of these blocks; a code means another thing in another block (3.5 and 4). */
const OPTION = { end: 0, userApplication: 4, name: 2, resolution: 9, offset: 14, flags: 2 } as const;
/** The low two bits of epb_flags (4.3.1). */
const DIRECTION_BITS = { inbound: 1, outbound: 2 } as const;
/** if_tsresol: units of 10^-6 s, which is also what holds where the option is missing. */
const MICROSECONDS = 6;
/** No bench has more lines, and each is remembered while a file is read. */
const INTERFACES_MAX = 4096;

/** The Section Header Block that a file begins with, of a section whose length is not known beforehand. */
export function sectionHeader(program: string): Uint8Array {
  const unknownLength = new Uint8Array(8).fill(0xff);
  return block(
    BLOCK.sectionHeader,
    uint32(BYTE_ORDER_MAGIC),
    uint16(VERSION.major),
    uint16(VERSION.minor),
    unknownLength,
    option(OPTION.userApplication, fromText(program)),
    option(OPTION.end),
  );
}

/** The Interface Description Block of a line; the n-th of a file (from 0) is the line `n` of its packets. */
export function interfaceDescription(linkType: number, name: string): Uint8Array {
  const noLimit = 0;
  return block(
    BLOCK.interfaceDescription,
    uint16(linkType),
    uint16(0),
    uint32(noLimit),
    option(OPTION.name, fromText(name)),
    option(OPTION.resolution, Uint8Array.of(MICROSECONDS)),
    option(OPTION.end),
  );
}

/** The Enhanced Packet Block of a whole packet on the line `interfaceId`. */
export function enhancedPacket(
  interfaceId: number,
  utcMicroseconds: number,
  direction: Direction,
  bytes: Uint8Array,
): Uint8Array {
  return block(
    BLOCK.enhancedPacket,
    uint32(interfaceId),
    uint32(Math.floor(utcMicroseconds / 2 ** 32)),
    uint32(utcMicroseconds % 2 ** 32),
    uint32(bytes.length),
    uint32(bytes.length),
    padded(bytes),
    option(OPTION.flags, uint32(DIRECTION_BITS[direction])),
    option(OPTION.end),
  );
}

/** True where the bytes begin as a pcapng file does. */
export function isPcapng(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0) === BLOCK.sectionHeader;
}

/**
 * Hands the packets of a file to `onPacket` in their order, and gives what is wrong with the file as the end
 * of a sentence: undefined for nothing. The packets before a fault are handed on. Blocks of other types are
 * passed over, among them Simple Packet Blocks, which say neither when nor in which direction. Takes time in
 * proportion to the bytes, whatever they are.
 */
export function readPcapng(
  bytes: Uint8Array,
  onPacket: (packet: CapturedPacket) => void,
): string | undefined {
  if (!isPcapng(bytes)) return "is no pcapng capture";
  const reader = new Reader(onPacket);
  let at = 0;
  while (at < bytes.length) {
    const taken = reader.take(bytes.subarray(at));
    if (typeof taken === "string") return taken;
    at += taken;
  }
  return undefined;
}

interface Interface {
  readonly name: string | undefined;
  readonly linkType: number;
  readonly unitsPerSecond: bigint;
  readonly offsetSeconds: bigint;
}

/** One section after the other: its byte order, and its lines so far. */
class Reader {
  readonly #onPacket: (packet: CapturedPacket) => void;
  #interfaces: Interface[] = [];
  #isLittle = true;

  constructor(onPacket: (packet: CapturedPacket) => void) {
    this.#onPacket = onPacket;
  }

  /** Takes the block that `rest`, which is not empty, begins with: its length, or what is wrong with it. */
  take(rest: Uint8Array): number | string {
    const view = viewOf(rest);
    if (rest.length < BLOCK_FRAME_BYTES) return CUT_SHORT;
    if (isPcapng(rest) && !this.#startSection(view)) return "has a section in no known byte order";
    const type = view.getUint32(0, this.#isLittle);
    const length = view.getUint32(4, this.#isLittle);
    if (length < BLOCK_FRAME_BYTES || length % 4 !== 0) return "holds a block of an impossible length";
    if (length > rest.length) return CUT_SHORT;
    if (view.getUint32(length - 4, this.#isLittle) !== length) return "holds a block of two lengths";
    const fault = this.#takeBody(type, new Body(rest.subarray(8, length - 4), this.#isLittle));
    return fault ?? length;
  }

  #startSection(view: DataView): boolean {
    this.#interfaces = [];
    this.#isLittle = view.getUint32(8, true) === BYTE_ORDER_MAGIC;
    return this.#isLittle || view.getUint32(8) === BYTE_ORDER_MAGIC;
  }

  #takeBody(type: number, body: Body): string | undefined {
    switch (type) {
      case BLOCK.sectionHeader:
        return body.uint16(4) === VERSION.major ? undefined : "has a version that is not known";
      case BLOCK.interfaceDescription:
        return this.#addInterface(body);
      case BLOCK.enhancedPacket:
        return this.#takePacket(body);
      default:
        return undefined;
    }
  }

  #addInterface(body: Body): string | undefined {
    const linkType = body.uint16(0);
    if (linkType === undefined) return "describes a line in too few bytes";
    if (this.#interfaces.length >= INTERFACES_MAX) return `has more than ${INTERFACES_MAX} lines`;
    const options = body.options(8);
    const name = options.get(OPTION.name);
    const resolution = options.get(OPTION.resolution)?.[0] ?? MICROSECONDS;
    const base = resolution < 0x80 ? 10n : 2n;
    this.#interfaces.push({
      linkType,
      name: name && new TextDecoder().decode(name),
      unitsPerSecond: base ** BigInt(resolution & 0x7f),
      offsetSeconds: new Body(options.get(OPTION.offset) ?? new Uint8Array(8), this.#isLittle).int64(0) ?? 0n,
    });
    return undefined;
  }

  #takePacket(body: Body): string | undefined {
    const line = this.#interfaces[body.uint32(0) ?? INTERFACES_MAX];
    if (line === undefined) return "holds a packet of a line that it does not describe";
    const capturedBytes = body.uint32(12);
    const bytes = capturedBytes === undefined ? undefined : body.slice(20, capturedBytes);
    if (bytes === undefined) return "holds a packet that is longer than its block";
    const units = (BigInt(body.uint32(4) ?? 0) << 32n) | BigInt(body.uint32(8) ?? 0);
    const flags = new Body(
      body.options(20 + paddedLength(bytes.length)).get(OPTION.flags) ?? new Uint8Array(0),
      this.#isLittle,
    ).uint32(0);
    this.#onPacket({
      line: line.name,
      linkType: line.linkType,
      utcMicroseconds: Number((units * 1_000_000n) / line.unitsPerSecond + line.offsetSeconds * 1_000_000n),
      direction: directionOf(flags ?? 0),
      bytes,
    });
    return undefined;
  }
}

const CUT_SHORT = "is cut short within a block";

function directionOf(flags: number): Direction | undefined {
  switch (flags & 3) {
    case DIRECTION_BITS.inbound:
      return "inbound";
    case DIRECTION_BITS.outbound:
      return "outbound";
    default:
      return undefined;
  }
}

/** Fields of a block's body; undefined for those beyond its end. */
class Body {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #isLittle: boolean;

  constructor(bytes: Uint8Array, isLittle: boolean) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#isLittle = isLittle;
  }

  uint16(at: number): number | undefined {
    return at + 2 <= this.#bytes.length ? this.#view.getUint16(at, this.#isLittle) : undefined;
  }

  uint32(at: number): number | undefined {
    return at + 4 <= this.#bytes.length ? this.#view.getUint32(at, this.#isLittle) : undefined;
  }

  int64(at: number): bigint | undefined {
    return at + 8 <= this.#bytes.length ? this.#view.getBigInt64(at, this.#isLittle) : undefined;
  }

  slice(at: number, length: number): Uint8Array | undefined {
    return at + length <= this.#bytes.length ? this.#bytes.slice(at, at + length) : undefined;
  }

  /** The options from `at` on, the first of each code, as far as they are whole. */
  options(from: number): Map<number, Uint8Array> {
    const options = new Map<number, Uint8Array>();
    for (let at = from; ; ) {
      const code = this.uint16(at);
      const length = this.uint16(at + 2);
      if (code === undefined || code === OPTION.end || length === undefined) return options;
      const value = this.slice(at + 4, length);
      if (value === undefined) return options;
      if (!options.has(code)) options.set(code, value);
      at += 4 + paddedLength(length);
    }
  }
}

function block(type: number, ...fields: readonly Uint8Array[]): Uint8Array {
  const body = concat(...fields);
  const length = uint32(body.length + BLOCK_FRAME_BYTES);
  return concat(uint32(type), length, body, length);
}

function option(code: number, value: Uint8Array = new Uint8Array(0)): Uint8Array {
  return concat(uint16(code), uint16(value.length), padded(value));
}

/** With zeros to a multiple of four bytes. */
function padded(bytes: Uint8Array): Uint8Array {
  return concat(bytes, new Uint8Array(paddedLength(bytes.length) - bytes.length));
}

function paddedLength(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8);
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
