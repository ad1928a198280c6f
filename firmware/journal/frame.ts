// One frame of the journal's files: the layout is in README.md.
import { crc32c } from "./crc32c.ts";

/** "MJ": where a frame may begin, when looking for one behind a damaged one. */
const MAGIC = [0x4d, 0x4a] as const;
const HEAD_BYTES = 12;
const CRC_BYTES = 4;

/** What a frame adds to its payload. */
export const FRAME_OVERHEAD_BYTES = HEAD_BYTES + CRC_BYTES;

/** The length is 16 bits; one event or interval is far below, and a batch has many frames. */
export const PAYLOAD_BYTES_MAX = 4096;

/** 32 bits: at one record a second 136 years. */
export const SEQUENCE_MAX = 0xffffffff;

/** Kinds of the journal's own frames; 1 to 253 are its user's. */
export const OWN_KIND = { segmentHead: 0, snapshotHead: 254, snapshotEnd: 255 } as const;

export const FLAG = {
  /** All frames with lower sequences were durable before this one was written. */
  durableBefore: 0x01,
  /** The batch goes on with the next frame, and is nothing without it. */
  continued: 0x02,
} as const;
const FLAGS_KNOWN = FLAG.durableBefore | FLAG.continued;

export interface FrameFields {
  readonly sequence: number;
  /** Which start of the meter wrote it, modulo 65536: for people, nothing is decided by it. */
  readonly boot: number;
  readonly kind: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

/**
 * A frame as it was read. Its bytes are views into the file, made when they are asked for: a start reads tens of
 * thousands of frames, and looks into few.
 */
export class Frame implements FrameFields {
  readonly sequence: number;
  readonly boot: number;
  readonly kind: number;
  readonly flags: number;
  /** Of the whole frame. */
  readonly byteLength: number;
  readonly #file: Uint8Array;
  readonly #offset: number;

  constructor(file: Uint8Array, offset: number, byteLength: number) {
    this.#file = file;
    this.#offset = offset;
    this.byteLength = byteLength;
    this.sequence = uint32(file, offset + 4);
    this.boot = uint16(file, offset + 8);
    this.kind = file[offset + 10] as number;
    this.flags = file[offset + 11] as number;
  }

  get payload(): Uint8Array {
    return this.#file.subarray(this.#offset + HEAD_BYTES, this.#offset + this.byteLength - CRC_BYTES);
  }

  /** The whole frame. */
  get bytes(): Uint8Array {
    return this.#file.subarray(this.#offset, this.#offset + this.byteLength);
  }
}

export function encodeFrame({ sequence, boot, kind, flags, payload }: FrameFields): Uint8Array {
  if (payload.length > PAYLOAD_BYTES_MAX) throw new Error(`a record of ${payload.length} bytes`);
  const bytes = new Uint8Array(payload.length + FRAME_OVERHEAD_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint16(2, payload.length);
  view.setUint32(4, sequence);
  view.setUint16(8, boot);
  view.setUint8(10, kind);
  view.setUint8(11, flags);
  bytes.set(payload, HEAD_BYTES);
  view.setUint32(bytes.length - CRC_BYTES, crc32c(bytes, 0, bytes.length - CRC_BYTES));
  return bytes;
}

/** The frame that begins at `offset`, or undefined where none does. Never throws. */
export function decodeFrame(file: Uint8Array, offset: number): Frame | undefined {
  if (file[offset] !== MAGIC[0] || file[offset + 1] !== MAGIC[1]) return undefined;
  if (file.length - offset < FRAME_OVERHEAD_BYTES) return undefined;
  const length = uint16(file, offset + 2);
  const crcOffset = offset + HEAD_BYTES + length;
  if (length > PAYLOAD_BYTES_MAX || crcOffset + CRC_BYTES > file.length) return undefined;
  if (uint32(file, crcOffset) !== crc32c(file, offset, crcOffset)) return undefined;
  const frame = new Frame(file, offset, length + FRAME_OVERHEAD_BYTES);
  return (frame.flags & ~FLAGS_KNOWN) === 0 ? frame : undefined;
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function uint32(bytes: Uint8Array, at: number): number {
  return uint16(bytes, at) * 0x10000 + uint16(bytes, at + 2);
}
