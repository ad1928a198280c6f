// The image file: "MBI1", the length of the signed manifest, the signed manifest, all files compressed as one.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { concat, equal, fromText, toUint } from "../protocol/bytes.ts";
import { SIGN1_BYTES_MAX } from "../protocol/cose/sign1.ts";
import { filesBytes, IMAGE_BYTES_MAX, type ImageFile, type ImageManifest } from "./manifest.ts";
import { type Refused, refused } from "./refusals.ts";

/** An image taken apart. Nothing of it is checked. */
export interface ImageParts {
  /** The signed manifest. */
  readonly envelope: Uint8Array;
  /** Brotli (RFC 7932) of all files' bytes, in the order of the manifest. */
  readonly payload: Uint8Array;
}

/** Unpacks Brotli, at most to so many bytes; undefined for what is none, and for more. */
export type Unpack = (packed: Uint8Array, bytesMax: number) => Uint8Array | undefined;

const MAGIC = fromText("MBI1");
const HEAD_BYTES = MAGIC.length + 4;

export function encodeImage({ envelope, payload }: ImageParts): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, envelope.length);
  return concat(MAGIC, length, envelope, payload);
}

/** The parts of an image, or why it is none. */
export function readImage(image: Uint8Array): ImageParts | Refused {
  if (image.length > IMAGE_BYTES_MAX)
    return refused("malformed", `The image has more than ${IMAGE_BYTES_MAX} bytes.`);
  const envelope = readEnvelope(image);
  if ("refusal" in envelope) return envelope;
  return { envelope, payload: image.slice(headBytesOf(envelope)) };
}

/** The signed manifest that an image begins with, or why there is none; what comes after it may be missing. */
export function readEnvelope(image: Uint8Array): Uint8Array | Refused {
  if (image.length < HEAD_BYTES || !equal(image.subarray(0, MAGIC.length), MAGIC))
    return refused("malformed", "The file does not begin as an image does: make one with 'image build'.");
  const end = HEAD_BYTES + toUint(image.subarray(MAGIC.length, HEAD_BYTES));
  if (end - HEAD_BYTES > SIGN1_BYTES_MAX || end > image.length)
    return refused("malformed", "The image ends within its manifest, or has one that is too long.");
  return image.slice(HEAD_BYTES, end);
}

/** Bytes of an image up to the end of this signed manifest. */
export function headBytesOf(envelope: Uint8Array): number {
  return HEAD_BYTES + envelope.length;
}

/** Why these are not the files that the author has signed, as they are packed. */
export function payloadRefusal(
  crypto: CryptoEngine,
  { payload: { bytes, digest } }: ImageManifest,
  payload: Uint8Array,
): Refused | undefined {
  if (payload.length !== bytes)
    return refused("payload", `The image has ${payload.length} bytes of files in place of ${bytes}.`);
  if (equal(crypto.sha256(payload), digest)) return undefined;
  return refused("payload", "The files of the image are not what its author has signed.");
}

/**
 * The bytes of each file of the manifest, in its order. The payload is looked at before it is unpacked, so that nobody but
 * the author chooses what the unpacking works on, and no payload becomes more than the manifest says.
 */
export function unpackFiles(
  parts: { readonly crypto: CryptoEngine; readonly unpack: Unpack },
  manifest: ImageManifest,
  payload: Uint8Array,
): readonly Uint8Array[] | Refused {
  const refusal = payloadRefusal(parts.crypto, manifest, payload);
  if (refusal !== undefined) return refusal;
  const { files } = manifest;
  const whole = parts.unpack(payload, filesBytes(files));
  if (whole?.length !== filesBytes(files))
    return refused("payload", "The files of the image do not unpack to what its manifest says.");
  const each = cutUp(whole, files);
  const wrong = files.find((file, i) => !equal(parts.crypto.sha256(each[i] as Uint8Array), file.digest));
  return wrong === undefined ? each : refused("payload", `The file ${wrong.path} is not what was signed.`);
}

function cutUp(whole: Uint8Array, files: readonly ImageFile[]): readonly Uint8Array[] {
  let offset = 0;
  return files.map(({ bytes }) => {
    offset += bytes;
    return whole.slice(offset - bytes, offset);
  });
}
