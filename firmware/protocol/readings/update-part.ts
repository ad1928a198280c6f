// Bodies of the resource `u` on the way to a new image: parts of it, how far it has come, and the word to install it.
import { IMAGE_BYTES_MAX } from "../../update/manifest.ts";
import { type ImagePart, type Installed, SLOTS } from "../../update/slots-report.ts";
import { decodeCbor, encodeCbor } from "../cbor.ts";
import { arrayItems, isIntegerWithin } from "./answer-fields.ts";

/** Of a SHA-256. */
export const DIGEST_BYTES = 32;
/** With all that is around it in a body of 16384 bytes. */
export const PART_BYTES_MAX = 16_320;

/** `[digest, image's bytes, offset, bytes]`. What cannot be told throws. */
export function encodeImagePart({ digest, imageBytes, offset, bytes }: ImagePart): Uint8Array {
  const body = encodeCbor([digest, imageBytes, offset, bytes]);
  if (decodeImagePart(body) === undefined)
    throw new Error(`no part of an image: ${bytes.length} at ${offset}`);
  return body;
}

/** The part, or undefined where the body is none: one that is empty or goes beyond its image is none. */
export function decodeImagePart(body: Uint8Array): ImagePart | undefined {
  const [digest, imageBytes, offset, bytes, ...more] = arrayItems(decodeCbor(body)) ?? [];
  if (!isDigest(digest) || !isIntegerWithin(imageBytes, 1, IMAGE_BYTES_MAX)) return undefined;
  if (!isIntegerWithin(offset, 0, imageBytes - 1) || more.length > 0) return undefined;
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) return undefined;
  if (bytes.length > Math.min(PART_BYTES_MAX, imageBytes - offset)) return undefined;
  return { digest, imageBytes, offset, bytes };
}

/** `[received]`: so many bytes of the image are there, and durable. */
export function encodeReceived(received: number): Uint8Array {
  return encodeCbor([received]);
}

/** How many bytes are there, or undefined where the body does not say. */
export function decodeReceived(body: Uint8Array): number | undefined {
  const [received, ...more] = arrayItems(decodeCbor(body)) ?? [];
  return more.length === 0 && isIntegerWithin(received, 0, IMAGE_BYTES_MAX) ? received : undefined;
}

/** `[digest]`: the image that is to be installed, by the SHA-256 of its file. */
export function encodeInstallOrder(digest: Uint8Array): Uint8Array {
  return encodeCbor([digest]);
}

/** The digest, or undefined where the body is none. */
export function decodeInstallOrder(body: Uint8Array): Uint8Array | undefined {
  const [digest, ...more] = arrayItems(decodeCbor(body)) ?? [];
  return more.length === 0 && isDigest(digest) ? digest : undefined;
}

/** `[slot, sequence, armed]`. */
export function encodeInstalled({ slot, sequence, armed }: Installed): Uint8Array {
  return encodeCbor([SLOTS.indexOf(slot), sequence, armed]);
}

/** What was installed, or undefined where the body is none. */
export function decodeInstalled(body: Uint8Array): Installed | undefined {
  const [slotItem, sequence, armed, ...more] = arrayItems(decodeCbor(body)) ?? [];
  const slot = typeof slotItem === "number" ? SLOTS[slotItem] : undefined;
  if (slot === undefined || !isIntegerWithin(sequence, 0, Number.MAX_SAFE_INTEGER)) return undefined;
  return typeof armed === "boolean" && more.length === 0 ? { slot, sequence, armed } : undefined;
}

function isDigest(item: unknown): item is Uint8Array {
  return item instanceof Uint8Array && item.length === DIGEST_BYTES;
}
