import { crc32c } from "../../../firmware/journal/crc32c.ts";
import { concat } from "../../../firmware/protocol/bytes.ts";
import { encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { type BootState, decodeBootState, encodeBootState } from "../../../firmware/update/boot-state.ts";
import { IncomingImage } from "../../../firmware/update/incoming.ts";
import type { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import { boardWith, copyOf, partsOf, slotsOn } from "../../firmware/update/board.ts";
import { imageOf } from "../../firmware/update/images.ts";
import { crypto } from "../../power-loss/update/crypto.ts";
import { type Door, must, mustEqual } from "./door.ts";

const BOARD = boardWith(6);
const IMAGE = imageOf(7);
const IMAGE_DIGEST = crypto.sha256(IMAGE);
const PARTS = partsOf(IMAGE, 400);
const DIGEST = new Uint8Array(32).fill(7);
const STATE: BootState = {
  ...{ floor: 5, floorDigest: DIGEST, trial: { slot: "b", left: 2, sequence: 7, digest: DIGEST } },
  outcome: { kind: "rolled-back", sequence: 5, why: "it was not confirmed in 3 starts" },
};

/** A card that somebody else has written: whatever is on it, a board starts its image or asks for help. */
export const slots: Door = {
  name: "slots",
  decoders: /\/firmware\/update\/(boot-state|boot-record|incoming|slot)/,
  bytesMax: 700,
  samples: () => [
    encodeBootState(STATE),
    encodeBootState({ floor: 0 }),
    encodeBootState({ floor: 9, outcome: { kind: "refused", sequence: 5 } }),
    ...[
      ...[
        [2, 6, null, null, null],
        [1, -1, null, null, null],
        [1, 6, 7, null, null],
        [1, 6, null, 7, null],
      ],
      ...[
        [1, 6, null, null, 7],
        [1, 6, null, [2, 1, 7, DIGEST], null],
        [1, 6, null, [1, 4, 7, DIGEST], null],
      ],
      ...[[1, 6, null, [1, 1, "7", DIGEST], null], [1, 6, null, null, [3, 7, null]], [1, 6], 7],
      ...[
        [1, 6, null, null, [1, "7", null]],
        [1, 6, null, [1, 1, 7, 7], null],
      ],
    ].map((body) => checked(encodeCbor(body))),
    uploaded(1),
    uploaded(PARTS.length),
    concat(uploaded(2), new Uint8Array(20)),
    framed(encodeCbor([DIGEST, "much"])),
    framed(encodeCbor([7, 200])),
    framed(encodeCbor([DIGEST])),
    concat(framed(encodeCbor([DIGEST, 3])), framed(new Uint8Array(20))),
  ],
  check(input) {
    const state = decodeBootState(input);
    if (state !== undefined) mustEqual("the state again", encodeBootState(state), input);
    for (const [path, mustStart] of [
      ["boot.state", (state?.floor ?? 0) < 6],
      ["incoming/parts", true],
      ["slots/a/manifest.cbor", false],
    ] as const) {
      const tree = withFile(path, input);
      const board = slotsOn(tree, { crypto });
      board.report();
      const { kind } = board.choose();
      must(`a board with another ${path} that starts`, kind === "start" || !mustStart);
    }
    checkUpload(withFile("incoming/parts", input));
  },
};

/** Whatever is there of an upload, another one comes to its end. */
function checkUpload(tree: MemoryFileTree): void {
  const incoming = new IncomingImage({ tree, crypto });
  const { received = 0, imageBytes = 0 } = incoming.incoming ?? {};
  must("more than there is", received <= imageBytes);
  for (const part of PARTS) {
    const taken = incoming.take(part);
    must("a part that is refused", !("refusal" in taken) || taken.refusal === "gap");
  }
  must("an image that is not whole", incoming.image(IMAGE_DIGEST) instanceof Uint8Array);
}

function withFile(path: string, bytes: Uint8Array): MemoryFileTree {
  const tree = copyOf(BOARD);
  tree.makeFolder("incoming");
  tree.write(path, bytes);
  return tree;
}

/** What is on a card after so many parts. */
function uploaded(count: number): Uint8Array {
  const tree = copyOf(BOARD);
  for (const part of PARTS.slice(0, count)) slotsOn(tree).take(part);
  return tree.read("incoming/parts") as Uint8Array;
}

function framed(bytes: Uint8Array): Uint8Array {
  return concat(uint32(bytes.length), uint32(crc32c(bytes)), bytes);
}

function checked(body: Uint8Array): Uint8Array {
  return concat(body, uint32(crc32c(body)));
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
