// Small images for tests, and the board that they are for.
import { AUTHOR_KEYS, type Identity, newIdentity } from "../../../firmware/identity/identity.ts";
import { concat, fromText } from "../../../firmware/protocol/bytes.ts";
import { encodeImage } from "../../../firmware/update/image.ts";
import { type ImageManifest, signManifest } from "../../../firmware/update/manifest.ts";
import type { BoardFacts } from "../../../firmware/update/refusals.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { pack } from "../../../hal/node/brotli.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";

const crypto = opensslEngine;

export const FACTS: BoardFacts = {
  board: "node-gateway",
  arch: "arm64",
  libc: { kind: "glibc", version: "2.36" },
  nodeVersion: "20.19.6",
};

/** Whose images the board of these tests starts. */
export const AUTHOR = author("acme");

export function author(id: string): Identity {
  const random = new SeededRandom(`author ${id}`);
  return newIdentity(crypto, random, { role: "author", id, development: false, ...AUTHOR_KEYS });
}

export type Files = Readonly<Record<string, Uint8Array>>;

/** An application of this sequence, and its native module; by their paths in order. */
export function filesOf(sequence: number): Files {
  return {
    "app/main.mjs": fromText(`console.log("image ${sequence}");\n`.repeat(3)),
    "package.json": fromText('{"type":"module"}\n'),
    "prebuilds/linux-arm64/node.napi.glibc.node": Uint8Array.from({ length: 90 }, (_, i) => i ^ sequence),
  };
}

export interface ImageOptions {
  readonly files?: Files;
  /** What the manifest says otherwise than the files and the board of these tests have it. */
  readonly manifest?: Partial<ImageManifest>;
  readonly author?: Identity;
}

export function manifestOf(sequence: number, { files = filesOf(sequence), manifest }: ImageOptions = {}) {
  const payload = payloadOf(files);
  return {
    ...{
      sequence,
      version: `1.${sequence}.0`,
      board: FACTS.board,
      arch: "arm64",
      libc: "glibc",
      libcMin: "2.28",
    },
    ...{ node: { from: "20.19.0", below: "27.0.0" }, dataSchema: { reads: [1, 2], writes: 2 } },
    ...{ entry: "app/main.mjs", native: "prebuilds/linux-arm64/node.napi.glibc.node" },
    files: Object.entries(files).map(([path, bytes]) => ({
      ...{ path, bytes: bytes.length, digest: crypto.sha256(bytes) },
    })),
    payload: { bytes: payload.length, digest: crypto.sha256(payload) },
    ...manifest,
  } as ImageManifest;
}

/** All files packed as one. */
export function payloadOf(files: Files): Uint8Array {
  return pack(concat(...Object.values(files)));
}

/** The image file of this sequence, as its author would make it. */
export function imageOf(sequence: number, options: ImageOptions = {}): Uint8Array {
  const { files = filesOf(sequence), author: by = AUTHOR } = options;
  const envelope = signManifest(crypto, by, manifestOf(sequence, options));
  return encodeImage({ envelope, payload: payloadOf(files) });
}
