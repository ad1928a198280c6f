// An image as people and machines see it.
import { toHex } from "../../firmware/protocol/bytes.ts";
import type { ImageManifest } from "../../firmware/update/manifest.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { printable, table } from "./output.ts";

/** An image, and what is known of who signed it. */
export interface ShownImage {
  readonly file: string;
  readonly manifest: ImageManifest;
  /** SHA-256 of the signed manifest. */
  readonly digest: Uint8Array;
  /** Who is proved to have signed it. */
  readonly author?: { readonly id: string; readonly development: boolean };
  /** What the signature says whose it is, where nobody has verified it. */
  readonly kid?: Uint8Array | undefined;
  readonly damage?: string | undefined;
}

/** A meter's nameplate has the leading 8 bytes of its program's digest. */
const NAMEPLATE_DIGEST_BYTES = 8;

/** For machines. Two images are the same where `imageDigest` is, and the same firmware where `files` are. */
export function imageDocument(crypto: CryptoEngine, bytes: Uint8Array, image: ShownImage) {
  const { manifest, author, kid, damage } = image;
  const { files, payload, libcMin, ...facts } = manifest;
  return {
    file: image.file,
    imageBytes: bytes.length,
    imageDigest: toHex(crypto.sha256(bytes)),
    manifestDigest: toHex(image.digest),
    ...(author === undefined ? { author: null, kid: kid && toHex(kid) } : { author }),
    ...facts,
    libcMin: libcMin ?? null,
    firmwareDigest: firmwareDigest(manifest),
    unpackedBytes: unpackedBytes(manifest),
    packedBytes: payload.bytes,
    files: files.map(({ path, bytes: length, digest }) => ({ path, bytes: length, digest: toHex(digest) })),
    ...(damage !== undefined && { damage }),
  };
}

/** For people. */
export function imageLines(crypto: CryptoEngine, bytes: Uint8Array, image: ShownImage): string[] {
  const { manifest } = image;
  const { reads, writes } = manifest.dataSchema;
  const [from, to] = reads;
  const rows = [
    ["file", `${image.file}, ${bytes.length} bytes, ${unpackedBytes(manifest)} unpacked`],
    ["version", manifest.version],
    ["sequence", String(manifest.sequence)],
    ["board", `${manifest.board}, ${manifest.arch}, ${libcText(manifest)}, Node ${nodeText(manifest)}`],
    ["data", `schema ${writes}, reads ${from === to ? from : `${from} to ${to}`}`],
    ["author", authorText(image)],
    ["image digest", toHex(crypto.sha256(bytes))],
    ["manifest digest", toHex(image.digest)],
    ["firmware digest", `${firmwareDigest(manifest)} (as 'meterbench info' shows it)`],
  ];
  const files = manifest.files.map(({ path, bytes: length, digest }) => [
    ...["", `${length}`, toHex(digest).slice(0, 16), path],
  ]);
  const damage = image.damage === undefined ? [] : [`It is damaged. ${image.damage}`];
  return [...table(rows), ...table(files), ...damage].map(printable);
}

function libcText({ libc, libcMin }: ImageManifest): string {
  return libcMin === undefined ? libc : `${libc} ${libcMin} or newer`;
}

function nodeText({ node: { from, below } }: ImageManifest): string {
  return below === undefined ? `${from} or newer` : `${from} or newer, below ${below}`;
}

function authorText({ author, kid }: ShownImage): string {
  if (author !== undefined) return `${author.id}${author.development ? ", for development" : ""}`;
  return kid === undefined ? "not verified" : `not verified, key ${toHex(kid)}`;
}

function firmwareDigest({ files, entry }: ImageManifest): string {
  const program = files.find(({ path }) => path === entry);
  return program === undefined ? "" : toHex(program.digest.subarray(0, NAMEPLATE_DIGEST_BYTES));
}

function unpackedBytes({ files }: ImageManifest): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
