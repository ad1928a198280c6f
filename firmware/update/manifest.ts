// What an image says of itself, signed by whoever made it. The integers are SUIT's where it has one for the thing
// (draft-ietf-suit-manifest: manifest, common, parameters, commands); negative ones are ours.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { isTreePath } from "../../hal/ports/file-tree.ts";
import type { Identity } from "../identity/identity.ts";
import { equal, fromText } from "../protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../protocol/cbor.ts";
import type { Credential } from "../protocol/cose/credential.ts";
import { decodeSign1, SIGN1_BYTES_MAX, signSign1, verifySign1 } from "../protocol/cose/sign1.ts";
import { type OfferedImage, type Refused, refused } from "./refusals.ts";

/** Processors that there are images for, as Node calls them. */
export const BOARD_ARCHS = ["arm64", "arm", "x64"] as const;
export type BoardArch = (typeof BOARD_ARCHS)[number];
export const BOARD_LIBCS = ["glibc", "musl"] as const;
export type BoardLibc = (typeof BOARD_LIBCS)[number];

/** Of the data folder: what an image can go on with, and what it leaves behind. It reads what it writes. */
export interface DataSchema {
  readonly reads: readonly [from: number, to: number];
  readonly writes: number;
}

export interface ImageFile {
  /** In the slot: "app/main.mjs". */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256. */
  readonly digest: Uint8Array;
}

export interface ImageManifest {
  /** Greater for each image that follows: what keeps older ones out, whatever their version says. */
  readonly sequence: number;
  /** For people. */
  readonly version: string;
  /** The class of boards that it is for, "node-gateway". */
  readonly board: string;
  readonly arch: BoardArch;
  readonly libc: BoardLibc;
  /** The oldest libc that its native module runs with, "2.28". */
  readonly libcMin?: string;
  readonly node: { readonly from: string; readonly below?: string };
  readonly dataSchema: DataSchema;
  /** The file that the loader starts, and the native module that must load before. */
  readonly entry: string;
  readonly native: string;
  /** All files of the slot beside the manifest, by their paths in order of bytes. */
  readonly files: readonly ImageFile[];
  /** All files, compressed as one. */
  readonly payload: { readonly bytes: number; readonly digest: Uint8Array };
}

/** A manifest whose signature holds, and who made it. */
export interface OpenedManifest extends OfferedImage {
  readonly author: Credential;
}

/** The manifest's file in a slot, which is none of the files that it lists. */
export const MANIFEST_FILE = "manifest.cbor";
/** An image has a bundle, a native module or two, and what tells Node how to take them. */
const FILES_MAX = 32;
/** Unpacked: twenty times what an image has. A board keeps it in memory while it installs. */
const FILES_BYTES_MAX = 8 * 1024 * 1024;
/** Compressed, and with its manifest: what a board has room for in memory and on its smallest disk. */
export const IMAGE_BYTES_MAX = 4 * 1024 * 1024;
const SEQUENCE_MAX = 0xffffffff;
const SCHEMA_MAX = 0xffff;
const MANIFEST_VERSION = 1;
/** What the signature is for (external_aad). */
const CONTEXT = fromText("meterbench image");

/** SUIT_Manifest: version 1, sequence number 2, common 3, invoke 9, text 23. */
const KEY = {
  manifestVersion: 1,
  sequence: 2,
  common: 3,
  invoke: 9,
  text: 23,
  machine: -1,
  node: -2,
  schema: -3,
  native: -4,
  files: -5,
} as const;
/** SUIT's parameters: class identifier 2, image digest 3, image size 14. */
const COMMON = { board: 2, digest: 3, bytes: 14 } as const;

const VERSION = /^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/;
const BOARD = /^[a-z0-9][a-z0-9-]{0,31}$/;
const NODE_VERSION = /^\d{1,3}\.\d{1,3}\.\d{1,3}$/;
const LIBC_VERSION = /^\d{1,3}\.\d{1,3}(\.\d{1,3})?$/;

/** What is signed. A manifest that no board would take is a bug of its maker, and throws. */
export function encodeManifest(manifest: ImageManifest): Uint8Array {
  const { arch, libc, libcMin, node, dataSchema, payload } = manifest;
  const bytes = encodeCbor(
    new Map<number, CborValue>([
      [KEY.manifestVersion, MANIFEST_VERSION],
      [KEY.sequence, manifest.sequence],
      [
        KEY.common,
        new Map<number, CborValue>([
          [COMMON.board, manifest.board],
          [COMMON.digest, payload.digest],
          [COMMON.bytes, payload.bytes],
        ]),
      ],
      [KEY.invoke, manifest.entry],
      [KEY.text, manifest.version],
      [KEY.machine, [arch, libc, libcMin ?? null]],
      [KEY.node, [node.from, node.below ?? null]],
      [KEY.schema, [...dataSchema.reads, dataSchema.writes]],
      [KEY.native, manifest.native],
      [KEY.files, manifest.files.map((file) => [file.path, file.bytes, file.digest])],
    ]),
  );
  if (decodeManifest(bytes) === undefined) throw new Error("a manifest that no board would take");
  return bytes;
}

/** The manifest that the bytes are, or undefined: one with more in it than is known here could ask for more. */
export function decodeManifest(bytes: Uint8Array): ImageManifest | undefined {
  const map = bytes.length > SIGN1_BYTES_MAX ? undefined : decodeCbor(bytes);
  if (!(map instanceof Map) || map.size !== Object.keys(KEY).length) return undefined;
  const files = filesFrom(map.get(KEY.files));
  const parts = {
    common: commonFrom(map.get(KEY.common)),
    machine: machineFrom(map.get(KEY.machine)),
    node: nodeFrom(map.get(KEY.node)),
    dataSchema: schemaFrom(map.get(KEY.schema)),
  };
  const { common, machine, node, dataSchema } = parts;
  if (!files || !common || !machine || !node || !dataSchema) return undefined;
  const [sequence, version] = [map.get(KEY.sequence), map.get(KEY.text)];
  const [entry, native] = [map.get(KEY.invoke), map.get(KEY.native)];
  if (map.get(KEY.manifestVersion) !== MANIFEST_VERSION) return undefined;
  if (!isInteger(sequence, 1, SEQUENCE_MAX) || !isText(version, VERSION)) return undefined;
  if (!isOneOf(files, entry) || !isOneOf(files, native) || entry === native) return undefined;
  return { sequence, version, ...common, ...machine, node, dataSchema, entry, native, files };
}

/** The manifest as it goes into an image: a COSE_Sign1 by EdDSA. The author's key must be one that signs images. */
export function signManifest(crypto: CryptoEngine, author: Identity, manifest: ImageManifest): Uint8Array {
  const { key, kid } = author.credential;
  if (key.kind !== "Ed25519") throw new Error(`${author.credential.id} has no Ed25519 key to sign images`);
  const payload = encodeManifest(manifest);
  return signSign1(crypto, author.secretKey, CONTEXT, payload, { algorithm: "EdDSA", kid });
}

/** The manifest of an envelope that one of these authors has signed, or why it is none. */
export function openManifest(
  crypto: CryptoEngine,
  authors: readonly Credential[],
  envelope: Uint8Array,
): OpenedManifest | Refused {
  const sign1 = decodeSign1(envelope, "EdDSA");
  if (sign1 === undefined) return refused("malformed", "The image has no signed manifest that can be read.");
  const { kid } = sign1;
  const author = authors.find(
    (one) =>
      one.key.kind === "Ed25519" &&
      equal(one.kid, kid ?? one.kid) &&
      verifySign1(crypto, one.key.publicKey, CONTEXT, sign1, "EdDSA"),
  );
  if (author === undefined)
    return refused("signature", "The image is not signed by any author that this board trusts.");
  const manifest = decodeManifest(sign1.payload);
  if (manifest === undefined)
    return refused("malformed", `The manifest that ${author.id} has signed is none that this version knows.`);
  return { manifest, author, digest: crypto.sha256(sign1.payload) };
}

/** Bytes of all files together. */
export function filesBytes(files: readonly ImageFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

function commonFrom(value: CborValue | undefined): Pick<ImageManifest, "board" | "payload"> | undefined {
  if (!(value instanceof Map) || value.size !== Object.keys(COMMON).length) return undefined;
  const board = value.get(COMMON.board);
  const [bytes, digest] = [value.get(COMMON.bytes), value.get(COMMON.digest)];
  if (!isText(board, BOARD) || !isInteger(bytes, 1, IMAGE_BYTES_MAX) || !isDigest(digest)) return undefined;
  return { board, payload: { bytes, digest } };
}

function machineFrom(
  value: CborValue | undefined,
): Pick<ImageManifest, "arch" | "libc" | "libcMin"> | undefined {
  const [archName, libcName, libcMin] = itemsOf(value, 3);
  const arch = BOARD_ARCHS.find((known) => known === archName);
  const libc = BOARD_LIBCS.find((known) => known === libcName);
  if (arch === undefined || libc === undefined) return undefined;
  if (libcMin === null) return { arch, libc };
  return isText(libcMin, LIBC_VERSION) ? { arch, libc, libcMin } : undefined;
}

function nodeFrom(value: CborValue | undefined): ImageManifest["node"] | undefined {
  const [from, below] = itemsOf(value, 2);
  if (!isText(from, NODE_VERSION)) return undefined;
  if (below === null) return { from };
  return isText(below, NODE_VERSION) ? { from, below } : undefined;
}

function schemaFrom(value: CborValue | undefined): DataSchema | undefined {
  const [from, to, writes] = itemsOf(value, 3);
  if (!isInteger(from, 0, SCHEMA_MAX) || !isInteger(to, from, SCHEMA_MAX)) return undefined;
  return isInteger(writes, from, to) ? { reads: [from, to], writes } : undefined;
}

function filesFrom(value: CborValue | undefined): readonly ImageFile[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > FILES_MAX) return undefined;
  const files = (value as readonly CborValue[]).map(fileFrom).filter((file) => file !== undefined);
  if (files.length < value.length || filesBytes(files) > FILES_BYTES_MAX) return undefined;
  const paths = files.map(({ path }) => path);
  const isInOrder = paths.every((path, i) => i === 0 || path > (paths[i - 1] as string));
  // What sorts between a file and a folder of its name, as "a-b" does between "a" and "a/x", hides neither.
  const isFolder = (path: string): boolean => paths.some((other) => other.startsWith(`${path}/`));
  return isInOrder && !paths.some(isFolder) ? files : undefined;
}

/** Only what stays in its slot: a way up, a hidden file or the manifest's own place is none. */
function fileFrom(value: CborValue): ImageFile | undefined {
  const [path, bytes, digest] = itemsOf(value, 3);
  if (typeof path !== "string" || !isTreePath(`slots/a/${path}`) || !isInteger(bytes, 0, FILES_BYTES_MAX))
    return undefined;
  return `${path}/`.startsWith(`${MANIFEST_FILE}/`) || !isDigest(digest)
    ? undefined
    : { path, bytes, digest };
}

function itemsOf(value: CborValue | undefined, count: number): readonly CborValue[] {
  return Array.isArray(value) && value.length === count ? (value as readonly CborValue[]) : [];
}

function isOneOf(files: readonly ImageFile[], path: CborValue | undefined): path is string {
  return files.some((file) => file.path === path);
}

function isInteger(value: CborValue | undefined, least: number, most: number): value is number {
  return typeof value === "number" && value >= least && value <= most;
}

function isText(value: CborValue | undefined, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}

function isDigest(value: CborValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === 32;
}
