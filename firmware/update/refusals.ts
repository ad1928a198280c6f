// Why a board does not take an image: told before a byte of it is sent, and again by the board itself.
import { equal } from "../protocol/bytes.ts";
import type { BoardArch, BoardLibc, DataSchema, ImageManifest } from "./manifest.ts";

/** The order is fixed: events and the wire tell a refusal by its place. */
export const UPDATE_REFUSALS = [
  "malformed",
  "signature",
  "board",
  "arch",
  "libc",
  "node",
  "rollback",
  "schema",
  "payload",
  "storage",
  "preflight",
  "busy",
  "gap",
] as const;
export type UpdateRefusal = (typeof UPDATE_REFUSALS)[number];

/** Not done; nothing that the board starts has changed. */
export interface Refused {
  readonly refusal: UpdateRefusal;
  /** For a person, as a sentence. */
  readonly why?: string;
  /** With "gap": bytes of the upload that the board has. */
  readonly received?: number;
}

/** What a board is. Texts, as a board may be of a kind that no image is made for yet. */
export interface BoardFacts {
  /** Its class, such as "node-gateway". */
  readonly board: string;
  readonly arch: BoardArch | (string & {});
  readonly libc: { readonly kind: BoardLibc; readonly version?: string };
  /** Of the Node that starts images: "20.19.6". */
  readonly nodeVersion: string;
}

/** What a board has confirmed so far, of which nothing is taken back. */
export interface BoardHistory {
  /** The sequence of the newest image that was ever confirmed; 0 where there was none. */
  readonly floor: number;
  /** The digest of that image's manifest, which may be installed again. */
  readonly floorDigest?: Uint8Array;
  /** What the running image makes of the data folder. */
  readonly runningSchema?: DataSchema;
}

/** An image as far as refusals go: what its manifest says, and the SHA-256 of the manifest. */
export interface OfferedImage {
  readonly manifest: ImageManifest;
  readonly digest: Uint8Array;
}

/** Why this board cannot take the image, if it cannot: the first reason in the order of {@link UPDATE_REFUSALS}. */
export function refusalFor(
  image: OfferedImage,
  facts: BoardFacts,
  history: BoardHistory,
): Refused | undefined {
  const { manifest } = image;
  const { board, arch } = manifest;
  if (board !== facts.board)
    return refused("board", `The image is for boards of the class ${board}, and this one is ${facts.board}.`);
  if (arch !== facts.arch)
    return refused("arch", `The image is for ${arch}, and this board is ${facts.arch}.`);
  return (
    libcRefusal(manifest, facts) ??
    nodeRefusal(manifest, facts) ??
    rollbackRefusal(image, history) ??
    schemaRefusal(manifest, history)
  );
}

export function refused(refusal: UpdateRefusal, why: string): Refused {
  return { refusal, why };
}

function libcRefusal({ libc, libcMin }: ImageManifest, facts: BoardFacts): Refused | undefined {
  const { kind, version } = facts.libc;
  if (libc !== kind) return refused("libc", `The image is for ${libc}, and this board has ${kind}.`);
  if (libcMin === undefined) return undefined;
  if (version !== undefined && compareVersions(version, libcMin) >= 0) return undefined;
  return refused(
    "libc",
    `The image needs ${libc} ${libcMin}, and this board has ${version ?? "an unknown one"}.`,
  );
}

function nodeRefusal({ node: { from, below } }: ImageManifest, facts: BoardFacts): Refused | undefined {
  const version = facts.nodeVersion;
  const isNewEnough = compareVersions(version, from) >= 0;
  if (isNewEnough && (below === undefined || compareVersions(version, below) < 0)) return undefined;
  const range = below === undefined ? from : `${from} or newer, below ${below}`;
  return refused("node", `The image needs Node ${range}, and this board has ${version}.`);
}

/** No option lets an older image in. The same goes for what stands in a slot when it is to be started. */
export function rollbackRefusal(
  { manifest, digest }: OfferedImage,
  history: BoardHistory,
): Refused | undefined {
  const { floor, floorDigest } = history;
  const { sequence } = manifest;
  if (sequence > floor) return undefined;
  if (sequence < floor)
    return refused("rollback", `The image has sequence ${sequence}, and this board has confirmed ${floor}.`);
  if (floorDigest !== undefined && equal(digest, floorDigest)) return undefined;
  return refused(
    "rollback",
    `This board has confirmed another image of sequence ${sequence}: give the new one a greater sequence.`,
  );
}

/** Both ways: a trial that fails goes back to the running image, which must read what the trial has written. */
function schemaRefusal({ dataSchema }: ImageManifest, { runningSchema }: BoardHistory): Refused | undefined {
  if (runningSchema === undefined) return undefined;
  if (!canRead(dataSchema, runningSchema.writes))
    return refused(
      "schema",
      `The image cannot read data of schema ${runningSchema.writes}, which this board has.`,
    );
  if (!canRead(runningSchema, dataSchema.writes))
    return refused(
      "schema",
      `The image writes data of schema ${dataSchema.writes}, which the running one could not read after a failed trial.`,
    );
  return undefined;
}

function canRead({ reads: [from, to] }: DataSchema, schema: number): boolean {
  return from <= schema && schema <= to;
}

/** Dotted numbers; what follows them ("-rc.1", "+build") does not count. Below 0 where `a` is the older one. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version: string): readonly number[] {
  return (/^v?(\d+(?:\.\d+)*)/.exec(version)?.[1] ?? "0").split(".").map(Number);
}
