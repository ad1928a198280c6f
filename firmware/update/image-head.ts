// An upload's first part: what it promises is judged before a byte of it is written.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Credential } from "../protocol/cose/credential.ts";
import { headBytesOf, readEnvelope } from "./image.ts";
import { openManifest } from "./manifest.ts";
import { type BoardFacts, type BoardHistory, type Refused, refusalFor, refused } from "./refusals.ts";
import type { ImagePart } from "./slots-report.ts";

export interface ImageHeadParts {
  readonly crypto: CryptoEngine;
  /** Who may sign images for this board. */
  readonly authors: readonly Credential[];
  readonly facts: BoardFacts;
}

/**
 * Why no image that begins so can be taken, if none can: the first part has the whole manifest, so that nobody has
 * written here what no author has made for this board, and nobody sends the rest in vain.
 */
export function refusalOfHead(
  { crypto, authors, facts }: ImageHeadParts,
  history: BoardHistory,
  { bytes, imageBytes }: Pick<ImagePart, "bytes" | "imageBytes">,
): Refused | undefined {
  const envelope = readEnvelope(bytes);
  if ("refusal" in envelope) return envelope;
  const opened = openManifest(crypto, authors, envelope);
  if ("refusal" in opened) return opened;
  const wholeBytes = headBytesOf(envelope) + opened.manifest.payload.bytes;
  if (imageBytes !== wholeBytes)
    return refused("malformed", `The image is said to have ${imageBytes} bytes, and has ${wholeBytes}.`);
  return refusalFor(opened, facts, history);
}
