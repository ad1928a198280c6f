import { concat, EMPTY, equal } from "../../../firmware/protocol/bytes.ts";
import { decodeCbor, encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { encodeImage, readImage } from "../../../firmware/update/image.ts";
import {
  decodeManifest,
  encodeManifest,
  openManifest,
  signManifest,
} from "../../../firmware/update/manifest.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { boardWith, copyOf, slotsOn } from "../../firmware/update/board.ts";
import { AUTHOR, filesOf, imageOf, manifestOf, payloadOf } from "../../firmware/update/images.ts";
import { type Door, must, mustEqual } from "./door.ts";

const MANIFEST = encodeManifest(manifestOf(7));
const { libcMin: _, ...WITHOUT_LIBC } = manifestOf(7, {
  manifest: { libc: "musl", node: { from: "20.19.0" } },
});
const ENVELOPE = signManifest(opensslEngine, AUTHOR, manifestOf(7));
const IMAGE = imageOf(7);
const BOARD = boardWith(6);

/** What is read is written again as it was, and no board installs but what its author has signed. */
export const image: Door = {
  name: "image",
  decoders: /\/firmware\/update\/(image|manifest)|\/cose\/sign1/,
  bytesMax: 900,
  samples: () => [
    IMAGE,
    ENVELOPE,
    MANIFEST,
    encodeManifest(WITHOUT_LIBC),
    encodeImage({ envelope: ENVELOPE, payload: EMPTY }),
    encodeImage({ envelope: encodeCbor([]), payload: payloadOf(filesOf(7)) }),
    imageOf(5),
    concat(IMAGE, Uint8Array.of(0)),
    ...spoiledManifests(),
  ],
  check(input) {
    const manifest = decodeManifest(input);
    if (manifest !== undefined) mustEqual("the manifest again", encodeManifest(manifest), input);
    const opened = openManifest(opensslEngine, [AUTHOR.credential], input);
    if ("manifest" in opened)
      mustEqual("a manifest that nobody signed", encodeManifest(opened.manifest), MANIFEST);
    const parts = readImage(input);
    if ("refusal" in parts) return;
    mustEqual("the image again", encodeImage(parts), input);
    const tree = copyOf(BOARD);
    const installed = slotsOn(tree).installImage(input);
    must("an image that nobody signed", "refusal" in installed || equal(input, IMAGE));
    must("a board without an image", slotsOn(tree).choose().kind === "start");
  },
};

/** Manifests with one value of another kind each: what a search would take long to come upon. */
function spoiledManifests(): readonly Uint8Array[] {
  const path = "package.json";
  const spoilers: readonly (readonly [key: number, value: Parameters<typeof encodeCbor>[0]])[] = [
    ...([-1, -2, -3, -4, -5, 1, 2, 3, 9, 23] as const).map((key) => [key, "no"] as const),
    [-1, ["arm64", "glibc", "new"]],
    [-1, ["arm64", "uclibc", null]],
    [-2, ["20.19.0", "new"]],
    [-2, [20, null]],
    [-3, [2, 1, 1]],
    [-3, [1, 2, 3]],
    [-3, [-1, 2, 2]],
    [-5, []],
    [-5, [[path, 1, new Uint8Array(31)]]],
    [-5, [[path, -1, new Uint8Array(32)]]],
    [-5, [["../x", 1, new Uint8Array(32)]]],
    [-5, [["manifest.cbor", 1, new Uint8Array(32)]]],
    [
      -5,
      [
        [path, 1, new Uint8Array(32)],
        [path, 1, new Uint8Array(32)],
      ],
    ],
    [
      -5,
      [
        [path, 1, new Uint8Array(32)],
        [`${path}/x`, 1, new Uint8Array(32)],
      ],
    ],
    [
      -5,
      [
        ["a", 8_000_000, new Uint8Array(32)],
        ["b", 8_000_000, new Uint8Array(32)],
      ],
    ],
    [-5, Array.from({ length: 33 }, (__, i) => [`f${i}`, 1, new Uint8Array(32)])],
    [
      3,
      new Map([
        [2, "node-gateway"],
        [3, new Uint8Array(32)],
        [14, 0],
      ] as never),
    ],
    [
      3,
      new Map([
        [2, "Node Gateway"],
        [3, new Uint8Array(32)],
        [14, 1],
      ] as never),
    ],
    [
      3,
      new Map([
        [2, "node-gateway"],
        [3, new Uint8Array(1)],
        [14, 1],
      ] as never),
    ],
  ];
  return spoilers.map(([key, value]) => withItem(key, value));
}

function withItem(key: number, value: Parameters<typeof encodeCbor>[0]): Uint8Array {
  const map = new Map(decodeCbor(MANIFEST) as ReadonlyMap<number, never>);
  return encodeCbor(map.set(key, value as never));
}
