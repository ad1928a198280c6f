// A segment file: a head frame, then frames whose sequences follow on from it without a gap.
import { decodeCbor, encodeCbor } from "../protocol/cbor.ts";
import { decodeFrame, encodeFrame, FLAG, type Frame, OWN_KIND } from "./frame.ts";

/** Of this layout; another one is not read. */
export const FORMAT = 1;

/** Eight digits: at a segment an hour 11,000 years. */
export const SEGMENT_NUMBER_MAX = 99_999_999;

/** Its frame with the largest sequence of a snapshot. */
export const SEGMENT_HEAD_BYTES_MAX = 23;

export interface SegmentHead {
  /** All records up to this sequence were durable elsewhere when the segment was begun. */
  readonly base: number;
  readonly boot: number;
  /** The sequence of the snapshot that was durable then; 0 for none. */
  readonly snapshot: number;
}

interface PlacedHead extends SegmentHead {
  readonly bytes: number;
}

export interface Segment {
  readonly number: number;
  /** Undefined where it is torn or damaged: then there are no records either. */
  readonly head: PlacedHead | undefined;
  readonly bytes: Uint8Array;
}

export interface SegmentRecords {
  /** Whole batches up to the first bad frame. */
  readonly frames: readonly Frame[];
  /** What follows them: torn, damaged, or a batch without its end. */
  readonly discardedBytes: number;
  /**
   * All records below this one were durable, as a frame behind the bad one proves: what is missing of them is
   * damage and no torn tail.
   */
  readonly durableBehind: number | undefined;
}

export function segmentName(number: number): string {
  return `segment-${String(number).padStart(8, "0")}.log`;
}

/** The number in the name of a segment file, or undefined for any other name. */
export function segmentNumber(name: string): number | undefined {
  const digits = /^segment-(\d{8})\.log$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function encodeSegmentHead({ base, boot, snapshot }: SegmentHead): Uint8Array {
  return encodeFrame({
    sequence: base,
    boot,
    kind: OWN_KIND.segmentHead,
    flags: FLAG.durableBefore,
    payload: encodeCbor([FORMAT, snapshot]),
  });
}

/** Reads the head alone. Never throws. */
export function readSegment(number: number, bytes: Uint8Array): Segment {
  const frame = decodeFrame(bytes, 0);
  return { number, head: frame && decodeHead(frame), bytes };
}

function decodeHead(frame: Frame): PlacedHead | undefined {
  if (frame.kind !== OWN_KIND.segmentHead) return undefined;
  const fields = decodeCbor(frame.payload);
  if (!Array.isArray(fields) || fields[0] !== FORMAT || typeof fields[1] !== "number") return undefined;
  return { base: frame.sequence, boot: frame.boot, snapshot: fields[1], bytes: frame.byteLength };
}

/** Reads as far as the bytes are good. Never throws. */
export function readRecords({ head, bytes }: Segment): SegmentRecords {
  if (head === undefined)
    return { frames: [], discardedBytes: bytes.length, durableBehind: afterHeadless(bytes) };
  const frames: Frame[] = [];
  let offset = head.bytes;
  let goodFrames = 0;
  let goodBytes = offset;
  for (;;) {
    const frame = decodeFrame(bytes, offset);
    if (frame?.sequence !== head.base + frames.length + 1) break;
    frames.push(frame);
    offset += frame.byteLength;
    if ((frame.flags & FLAG.continued) !== 0) continue;
    goodFrames = frames.length;
    goodBytes = offset;
  }
  frames.length = goodFrames;
  const missing = head.base + goodFrames + 1;
  const proof = framesBehind(bytes, offset).findLast((frame) => provesGap(frame, missing));
  return { frames, discardedBytes: bytes.length - goodBytes, durableBehind: proof?.sequence };
}

function provesGap({ flags, sequence }: Frame, missing: number): boolean {
  return (flags & FLAG.durableBefore) !== 0 && sequence > missing;
}

/** A head is durable before the first record is appended: a good record behind a bad head proves damage. */
function afterHeadless(bytes: Uint8Array): number | undefined {
  const sequences = framesBehind(bytes, 0).map(({ sequence }) => sequence);
  return sequences.length === 0 ? undefined : Math.max(...sequences) + 1;
}

/** Good records anywhere in the rest of a file; its size bounds them. */
function framesBehind(bytes: Uint8Array, from: number): Frame[] {
  const found: Frame[] = [];
  for (let offset = from; offset < bytes.length; offset++) {
    const frame = decodeFrame(bytes, offset);
    if (frame !== undefined && frame.kind !== OWN_KIND.segmentHead) found.push(frame);
  }
  return found;
}
