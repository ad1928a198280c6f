// An image file as the flasher sees it: whole, and what it says of itself. Who signed it, the board judges.

import { equal } from "../../firmware/protocol/bytes.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { decodeSign1 } from "../../firmware/protocol/cose/sign1.ts";
import { readImage } from "../../firmware/update/image.ts";
import { decodeManifest, openManifest } from "../../firmware/update/manifest.ts";
import { type Refused, refused } from "../../firmware/update/refusals.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { FlashImage } from "./target.ts";

/** The image that the bytes are, or why they are none: one that was cut short is seen before it is sent. */
export function readFlashImage(crypto: CryptoEngine, bytes: Uint8Array): FlashImage | Refused {
  const parts = readImage(bytes);
  if ("refusal" in parts) return parts;
  const signed = decodeSign1(parts.envelope, "EdDSA")?.payload;
  const manifest = signed === undefined ? undefined : decodeManifest(signed);
  if (signed === undefined || manifest === undefined)
    return refused("malformed", "The image has no manifest that this version can read.");
  const { payload } = manifest;
  if (parts.payload.length !== payload.bytes)
    return refused(
      "malformed",
      `The image has ${parts.payload.length} bytes of files in place of ${payload.bytes}.`,
    );
  if (!equal(crypto.sha256(parts.payload), payload.digest))
    return refused("payload", "The files in the image are not those that its manifest names.");
  return { bytes, digest: crypto.sha256(bytes), manifest, manifestDigest: crypto.sha256(signed) };
}

/** Why none of these authors has signed the image, if so. */
export function signatureRefusal(
  crypto: CryptoEngine,
  authors: readonly Credential[],
  { bytes }: FlashImage,
): Refused | undefined {
  const parts = readImage(bytes);
  const opened = "refusal" in parts ? parts : openManifest(crypto, authors, parts.envelope);
  return "refusal" in opened ? opened : undefined;
}
