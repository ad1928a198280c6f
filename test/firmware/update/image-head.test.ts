// What a board makes of the first part of an upload.
import { expect, test } from "vitest";
import { refusalOfHead } from "../../../firmware/update/image-head.ts";
import type { BoardHistory, UpdateRefusal } from "../../../firmware/update/refusals.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { AUTHOR, author, FACTS, imageOf } from "./images.ts";

const IMAGE = imageOf(8);
const NEW: BoardHistory = { floor: 0 };

function refusal(
  image: Uint8Array,
  {
    bytes = image.length,
    imageBytes = image.length,
    history = NEW,
  }: { bytes?: number; imageBytes?: number; history?: BoardHistory } = {},
): UpdateRefusal | undefined {
  const parts = { crypto: opensslEngine, authors: [AUTHOR.credential], facts: FACTS };
  return refusalOfHead(parts, history, { bytes: image.slice(0, bytes), imageBytes })?.refusal;
}

test("a first part with the whole manifest is taken, whatever of the files comes with it", () => {
  const end = 8 + new DataView(IMAGE.buffer, IMAGE.byteOffset).getUint32(4);
  expect(refusal(IMAGE)).toBeUndefined();
  expect(refusal(IMAGE, { bytes: end })).toBeUndefined();
  expect(refusal(IMAGE, { bytes: end - 1 })).toBe("malformed");
});

test("an image of nobody that is known, of another board, or older than the floor is refused by its first part", () => {
  expect(refusal(imageOf(8, { author: author("mallory") }))).toBe("signature");
  expect(refusal(imageOf(8, { manifest: { board: "other-board" } }))).toBe("board");
  expect(refusal(IMAGE, { history: { floor: 9 } })).toBe("rollback");
});

test("a length that is not the image's own is refused, whichever way it lies", () => {
  for (const imageBytes of [IMAGE.length - 1, IMAGE.length + 1, 4_194_304])
    expect(refusal(IMAGE, { imageBytes })).toBe("malformed");
});

test("what is no image at all is refused", () => {
  expect(refusal(new Uint8Array(4096))).toBe("malformed");
  expect(refusal(new Uint8Array(3))).toBe("malformed");
});
