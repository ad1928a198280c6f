// A snapshot file: a head frame, the frames that are kept, copied as they are, and an end frame over all.
import { concat } from "../protocol/bytes.ts";
import { decodeCbor, encodeCbor } from "../protocol/cbor.ts";
import { crc32c } from "./crc32c.ts";
import { decodeFrame, encodeFrame, type Frame, OWN_KIND } from "./frame.ts";
import { FORMAT } from "./segment.ts";

/** Two files, written in turn: while one is replaced the other stays. */
export const SNAPSHOT_NAMES = ["snapshot-0.log", "snapshot-1.log"] as const;
export type SnapshotName = (typeof SNAPSHOT_NAMES)[number];

export interface Snapshot {
  /** It stands for all records up to this one. */
  readonly sequence: number;
  readonly boot: number;
  /** Records after it are in this segment and those after it. */
  readonly firstSegment: number;
  /** In the order of their sequences. */
  readonly frames: readonly Frame[];
}

export function encodeSnapshot({ sequence, boot, firstSegment, frames }: Snapshot): Uint8Array {
  const own = { sequence, boot, flags: 0 };
  const payload = encodeCbor([FORMAT, firstSegment, frames.length]);
  const head = encodeFrame({ ...own, kind: OWN_KIND.snapshotHead, payload });
  const body = concat(head, joinFrames(frames));
  // Each frame has its own CRC; this one rules out a mixture of the old file and the new one.
  const end = encodeFrame({ ...own, kind: OWN_KIND.snapshotEnd, payload: encodeCbor(crc32c(body)) });
  return concat(body, end);
}

/** As many frames as there may be: more than a call takes arguments. */
function joinFrames(frames: readonly Frame[]): Uint8Array {
  const whole = new Uint8Array(frames.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const { bytes, byteLength } of frames) {
    whole.set(bytes, offset);
    offset += byteLength;
  }
  return whole;
}

/** The snapshot that the bytes are, whole and undamaged, or undefined. Never throws. */
export function parseSnapshot(bytes: Uint8Array): Snapshot | undefined {
  const head = decodeFrame(bytes, 0);
  if (head?.kind !== OWN_KIND.snapshotHead) return undefined;
  const [format, firstSegment, count] = numbers(decodeCbor(head.payload));
  if (format !== FORMAT || firstSegment === undefined || count === undefined) return undefined;
  const frames: Frame[] = [];
  let offset = head.byteLength;
  for (let i = 0; i < count; i++) {
    const frame = decodeFrame(bytes, offset);
    if (frame === undefined) return undefined;
    frames.push(frame);
    offset += frame.byteLength;
  }
  const { sequence, boot } = head;
  return isEnd(bytes, offset) ? { sequence, boot, firstSegment, frames } : undefined;
}

function isEnd(bytes: Uint8Array, offset: number): boolean {
  const end = decodeFrame(bytes, offset);
  if (end?.kind !== OWN_KIND.snapshotEnd || offset + end.byteLength !== bytes.length) return false;
  return decodeCbor(end.payload) === crc32c(bytes, 0, offset);
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) && value.every((one) => typeof one === "number") ? value : [];
}
