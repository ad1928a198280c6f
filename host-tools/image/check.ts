// Looks at an image as a board would that is not there: what it is, whether its author has signed it, whether it is whole.

import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { decodeSign1 } from "../../firmware/protocol/cose/sign1.ts";
import { readImage, unpackFiles } from "../../firmware/update/image.ts";
import { decodeManifest, type ImageManifest, openManifest } from "../../firmware/update/manifest.ts";
import { type Refused, refused } from "../../firmware/update/refusals.ts";
import { unpack } from "../../hal/node/brotli.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { BOARD_CLASS, nativeFacts } from "./targets.ts";

/** What an image says of itself. Nobody has verified it. */
export interface InspectedImage {
  readonly manifest: ImageManifest;
  /** SHA-256 of the signed manifest. */
  readonly digest: Uint8Array;
  /** A hint at whose key has signed it. */
  readonly kid?: Uint8Array | undefined;
  /** Why its files are not what the manifest says, if they are not. */
  readonly damage?: string | undefined;
}

/** An image that holds, and who signed it. */
export interface CheckedImage {
  readonly manifest: ImageManifest;
  readonly digest: Uint8Array;
  readonly author: Credential;
}

/** What the image says, whoever signed it, or why it says nothing. */
export function inspectImage(crypto: CryptoEngine, bytes: Uint8Array): InspectedImage | Refused {
  const parts = readImage(bytes);
  if ("refusal" in parts) return parts;
  const signed = decodeSign1(parts.envelope, "EdDSA");
  const manifest = signed && decodeManifest(signed.payload);
  if (signed === undefined || manifest === undefined)
    return refused("malformed", "It has no manifest that this version can read.");
  const files = unpackFiles({ crypto, unpack }, manifest, parts.payload);
  const damage = "refusal" in files ? (files.why ?? files.refusal) : undefined;
  return { manifest, digest: crypto.sha256(signed.payload), kid: signed.kid, damage };
}

/** The image, where one of the authors has signed it and all of it is as signed; else why not. */
export function checkImage(
  crypto: CryptoEngine,
  authors: readonly Credential[],
  bytes: Uint8Array,
): CheckedImage | Refused {
  const parts = readImage(bytes);
  if ("refusal" in parts) return parts;
  const opened = openManifest(crypto, authors, parts.envelope);
  if ("refusal" in opened) return opened;
  const { manifest } = opened;
  const files = unpackFiles({ crypto, unpack }, manifest, parts.payload);
  if ("refusal" in files) return files;
  if (manifest.board !== BOARD_CLASS)
    return refused(
      "board",
      `It is for boards of the class ${manifest.board}, and there are none but ${BOARD_CLASS}.`,
    );
  const native = files[manifest.files.findIndex(({ path }) => path === manifest.native)] as Uint8Array;
  return nativeRefusal(manifest, native) ?? opened;
}

/** An author who signs a manifest that is not true of the files has made a mistake that the board's owner should hear of. */
function nativeRefusal(manifest: ImageManifest, bytes: Uint8Array): Refused | undefined {
  const facts = nativeFacts(bytes);
  if ("error" in facts) return refused("preflight", `Its native module ${facts.error}.`);
  if (facts.arch !== manifest.arch)
    return refused("arch", `Its native module is for ${facts.arch}, and its manifest says ${manifest.arch}.`);
  if (facts.libc === manifest.libc && facts.libcMin === manifest.libcMin) return undefined;
  return refused(
    "libc",
    `Its native module needs ${facts.libc} ${facts.libcMin ?? ""}, and its manifest says ${manifest.libc} ${manifest.libcMin ?? ""}.`,
  );
}
