// An image file as the flasher sees it: whole, and what it says of itself. Who signed it, the board judges.

import { equal } from "../../firmware/protocol/bytes.ts";
import { decodeSign1 } from "../../firmware/protocol/cose/sign1.ts";
import { readImage } from "../../firmware/update/image.ts";
import { decodeManifest } from "../../firmware/update/manifest.ts";
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
