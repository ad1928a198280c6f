// An image file that comes in parts, each durable before it is answered: an upload goes on after a cut where it was.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { FileTree } from "../../hal/ports/file-tree.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";
import { crc32c } from "../journal/crc32c.ts";
import { concat, EMPTY, equal, toUint } from "../protocol/bytes.ts";
import { decodeCbor, encodeCbor } from "../protocol/cbor.ts";
import { IMAGE_BYTES_MAX } from "./manifest.ts";
import { type Refused, refused } from "./refusals.ts";
import type { ImagePart, Incoming } from "./slots-report.ts";
import { inTurn, replaceDurably } from "./tree-steps.ts";

const FOLDER = "incoming";
/** Frames of u32 length, u32 CRC-32C and bytes: first what is uploaded, then each part. */
const FILE = `${FOLDER}/parts`;
const FRAME_HEAD_BYTES = 8;
/** The smallest block of CoAP: the frames of an upload take at most half as much again as its image. */
const PART_BYTES_MIN = 16;
const FILE_BYTES_MAX = 2 * IMAGE_BYTES_MAX;

interface Upload {
  readonly digest: Uint8Array;
  readonly imageBytes: number;
  received: number;
  readonly parts: Uint8Array[];
  /** Behind the last frame that holds. */
  endBytes: number;
}

export class IncomingImage {
  readonly #tree: FileTree;
  readonly #crypto: CryptoEngine;
  #upload: Upload | undefined;
  #isRead = false;

  constructor({ tree, crypto }: { readonly tree: FileTree; readonly crypto: CryptoEngine }) {
    this.#tree = tree;
    this.#crypto = crypto;
  }

  /** The upload under way, or the last one. */
  get incoming(): Incoming | undefined {
    if (!this.#isRead) this.#upload = readUpload(this.#tree);
    this.#isRead = true;
    if (this.#upload === undefined) return undefined;
    const { digest, imageBytes, received } = this.#upload;
    return { digest, imageBytes, received };
  }

  /** Keeps a part that begins where the last one ended. The first part of another image begins anew. */
  take(part: ImagePart): Incoming | Refused {
    const { digest, imageBytes, offset, bytes } = part;
    if (digest.length !== 32 || imageBytes < 1 || imageBytes > IMAGE_BYTES_MAX)
      return refused("malformed", `An image has 1 to ${IMAGE_BYTES_MAX} bytes and a SHA-256.`);
    const known = this.incoming;
    const isSame = known !== undefined && equal(known.digest, digest) && known.imageBytes === imageBytes;
    const received = isSame ? known.received : 0;
    if (offset !== received) return { ...refused("gap", `The next part begins at ${received}.`), received };
    const end = offset + bytes.length;
    if (end > imageBytes || (bytes.length < PART_BYTES_MIN && end < imageBytes) || bytes.length === 0)
      return refused("malformed", `A part has ${PART_BYTES_MIN} bytes or more, and none beyond the image.`);
    const kept = isSame ? this.#goOn(part) : this.#begin(part);
    if (kept === "done") return { digest, imageBytes, received: end };
    // The meter's own records need the room. Otherwise what is on the disk is not known, and read again.
    if (kept === "full") this.#tree.remove(FILE);
    this.#isRead = false;
    return refused("storage", `The part cannot be kept: the disk is ${kept}.`);
  }

  /** The whole image of this SHA-256. */
  image(digest: Uint8Array): Uint8Array | Refused {
    const { received, imageBytes } = this.incoming ?? {};
    const upload = this.#upload;
    if (upload === undefined || !equal(upload.digest, digest))
      return { ...refused("gap", "No such image was uploaded."), received: 0 };
    if (received !== imageBytes)
      return {
        ...refused("gap", `${received} bytes of ${imageBytes} were uploaded.`),
        received: upload.received,
      };
    const image = concat(...upload.parts);
    if (equal(this.#crypto.sha256(image), digest)) return image;
    this.#upload = undefined;
    this.#tree.remove(FILE);
    return refused("payload", "What was uploaded is not the image of this SHA-256: upload it again.");
  }

  #begin(part: ImagePart): StorageResult {
    const { digest, imageBytes, bytes } = part;
    const frames = concat(frameOf(encodeCbor([digest, imageBytes])), frameOf(bytes));
    this.#upload = undefined;
    const kept = inTurn(
      () => this.#tree.makeFolder(FOLDER),
      () => this.#tree.removeAll(FILE),
      () => this.#tree.write(FILE, frames),
      () => this.#tree.sync(FILE),
      () => this.#tree.syncFolder(FOLDER),
      () => this.#tree.syncFolder(""),
    );
    if (kept === "done")
      this.#upload = {
        digest,
        imageBytes,
        received: bytes.length,
        parts: [bytes.slice()],
        endBytes: frames.length,
      };
    return kept;
  }

  #goOn({ bytes }: ImagePart): StorageResult {
    const upload = this.#upload as Upload;
    const frame = frameOf(bytes);
    const kept = inTurn(
      () => this.#mend(upload),
      () => this.#tree.append(FILE, frame),
      () => this.#tree.sync(FILE),
    );
    if (kept !== "done") return kept;
    upload.parts.push(bytes.slice());
    upload.received += bytes.length;
    upload.endBytes += frame.length;
    return kept;
  }

  /** Takes away what a cut has left behind the last frame that holds: nothing behind it would be found. */
  #mend({ endBytes }: Upload): StorageResult {
    if (this.#tree.sizeOf(FILE) === endBytes) return "done";
    const holding = this.#tree.read(FILE)?.subarray(0, endBytes);
    return holding?.length === endBytes ? replaceDurably(this.#tree, FILE, holding) : "broken";
  }
}

function frameOf(bytes: Uint8Array): Uint8Array {
  const head = new Uint8Array(FRAME_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, bytes.length);
  view.setUint32(4, crc32c(bytes));
  return concat(head, bytes);
}

function readUpload(tree: FileTree): Upload | undefined {
  const file =
    (tree.sizeOf(FILE) ?? FILE_BYTES_MAX + 1) > FILE_BYTES_MAX ? EMPTY : (tree.read(FILE) ?? EMPTY);
  const [head, ...parts] = framesOf(file);
  if (head === undefined) return undefined;
  const items = decodeCbor(head);
  if (!Array.isArray(items) || items.length !== 2) return undefined;
  const [digest, imageBytes] = items as readonly unknown[];
  if (!(digest instanceof Uint8Array) || typeof imageBytes !== "number") return undefined;
  const received = parts.reduce((sum, { length }) => sum + length, 0);
  const endBytes = FRAME_HEAD_BYTES * (1 + parts.length) + head.length + received;
  return received > imageBytes ? undefined : { digest, imageBytes, received, parts, endBytes };
}

/** The frames that hold, up to the first that does not. */
function framesOf(file: Uint8Array): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at + FRAME_HEAD_BYTES < file.length; ) {
    const from = at + FRAME_HEAD_BYTES;
    const end = from + toUint(file.subarray(at, at + 4));
    if (end > file.length || toUint(file.subarray(at + 4, from)) !== crc32c(file, from, end)) break;
    // Zeros that a cut left are frames of nothing that hold.
    if (end === from) break;
    frames.push(file.slice(from, end));
    at = end;
  }
  return frames;
}
