// Bodies of the resource `u` on the way to a new image: parts of it, how far it has come, and the word to install it.
import { IMAGE_BYTES_MAX } from "../../update/manifest.ts";
import { SLOTS, type Slot } from "../../update/slots-report.ts";
import { decodeCbor, encodeCbor } from "../cbor.ts";
import { arrayItems, isIntegerWithin } from "./answer-fields.ts";

/** Bytes of an image file from `offset` on. */
export interface UpdatePart {
  /** SHA-256 of the whole image file. */
  readonly digest: Uint8Array;
  readonly imageBytes: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What installing an image has led to: it is armed for a trial, or the first one here and at once the one that counts. */
export interface UpdateActivation {
  readonly slot: Slot;
  readonly sequence: number;
  readonly armed: boolean;
}

/** Of a SHA-256. */
export const UPDATE_DIGEST_BYTES = 32;
/** With all that is around it in a body of 16384 bytes. */
export const UPDATE_PART_BYTES_MAX = 16_320;

/** `[digest, image's bytes, offset, bytes]`. What cannot be told throws. */
export function encodeUpdatePart({ digest, imageBytes, offset, bytes }: UpdatePart): Uint8Array {
  const body = encodeCbor([digest, imageBytes, offset, bytes]);
  if (decodeUpdatePart(body) === undefined)
    throw new Error(`no part of an image: ${bytes.length} at ${offset}`);
  return body;
}

/** The part, or undefined where the body is none: one that is empty or goes beyond its image is none. */
export function decodeUpdatePart(body: Uint8Array): UpdatePart | undefined {
  const [digest, imageBytes, offset, bytes, ...more] = arrayItems(decodeCbor(body)) ?? [];
  if (!isDigest(digest) || !isIntegerWithin(imageBytes, 1, IMAGE_BYTES_MAX)) return undefined;
  if (!isIntegerWithin(offset, 0, imageBytes - 1) || more.length > 0) return undefined;
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) return undefined;
  if (bytes.length > Math.min(UPDATE_PART_BYTES_MAX, imageBytes - offset)) return undefined;
  return { digest, imageBytes, offset, bytes };
}

/** `[received]`: so many bytes of the image are there, and durable. */
export function encodeUpdateProgress(received: number): Uint8Array {
  return encodeCbor([received]);
}

/** How many bytes are there, or undefined where the body does not say. */
export function decodeUpdateProgress(body: Uint8Array): number | undefined {
  const [received, ...more] = arrayItems(decodeCbor(body)) ?? [];
  return more.length === 0 && isIntegerWithin(received, 0, IMAGE_BYTES_MAX) ? received : undefined;
}

/** `[digest]`: the image that is to be installed, by the SHA-256 of its file. */
export function encodeUpdateOrder(digest: Uint8Array): Uint8Array {
  return encodeCbor([digest]);
}

/** The digest, or undefined where the body is none. */
export function decodeUpdateOrder(body: Uint8Array): Uint8Array | undefined {
  const [digest, ...more] = arrayItems(decodeCbor(body)) ?? [];
  return more.length === 0 && isDigest(digest) ? digest : undefined;
}

/** `[slot, sequence, armed]`. */
export function encodeUpdateActivation({ slot, sequence, armed }: UpdateActivation): Uint8Array {
  return encodeCbor([SLOTS.indexOf(slot), sequence, armed]);
}

/** What was installed, or undefined where the body is none. */
export function decodeUpdateActivation(body: Uint8Array): UpdateActivation | undefined {
  const [slotItem, sequence, armed, ...more] = arrayItems(decodeCbor(body)) ?? [];
  const slot = typeof slotItem === "number" ? SLOTS[slotItem] : undefined;
  if (slot === undefined || !isIntegerWithin(sequence, 0, Number.MAX_SAFE_INTEGER)) return undefined;
  return typeof armed === "boolean" && more.length === 0 ? { slot, sequence, armed } : undefined;
}

function isDigest(item: unknown): item is Uint8Array {
  return item instanceof Uint8Array && item.length === UPDATE_DIGEST_BYTES;
}
