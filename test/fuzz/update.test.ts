import { describe, expect, test } from "vitest";
import { equal } from "../../firmware/protocol/bytes.ts";
import { IMAGE_BYTES_MAX } from "../../firmware/update/manifest.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { boardWith, copyOf, slotsOn } from "../firmware/update/board.ts";
import { imageOf } from "../firmware/update/images.ts";
import { crypto } from "../power-loss/update/crypto.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";

/** Each input is given to a board, which takes thirty times as long as a frame. */
const IMAGES = FUZZ_INPUTS / 20;
// Repeat one run with: SEED=<seed> npx vitest run test/fuzz/update.test.ts
const SEED = process.env["SEED"] ?? "update";
const IMAGE = imageOf(7);
const BOARD = boardWith(6);

function changed(random: SeededRandom): Uint8Array {
  const [way, at] = [integerBelow(random, 4), integerBelow(random, IMAGE.length)];
  if (way === 0) return IMAGE.slice(0, at);
  if (way === 1) return Uint8Array.from([...IMAGE.slice(0, at), ...IMAGE.slice(at - 1)]);
  if (way === 2) return Uint8Array.from([...IMAGE.slice(0, at), ...random.bytes(9), ...IMAGE.slice(at + 9)]);
  const image = IMAGE.slice();
  image[at] = (image[at] as number) ^ (1 << integerBelow(random, 8));
  return image;
}

describe("images that were changed on their way", () => {
  test("are refused with a sentence, and the board starts what it has", () => {
    for (let i = 0; i < IMAGES; i++) {
      const image = changed(new SeededRandom(`${SEED}/${i}`));
      if (equal(image, IMAGE)) continue;
      const slots = slotsOn(copyOf(BOARD), { crypto });
      const why = expect.stringMatching(/^[A-Z].*\.$/);
      expect([i, slots.installImage(image)]).toEqual([i, { refusal: expect.any(String), why }]);
      expect([i, slots.choose()]).toMatchObject([i, { kind: "start", manifest: { sequence: 6 } }]);
    }
  });

  test("that have more bytes than any board has room for are not even looked at", () => {
    const image = new Uint8Array(IMAGE_BYTES_MAX + 1);
    image.set(IMAGE);
    expect(slotsOn(copyOf(BOARD)).installImage(image)).toMatchObject({ refusal: "malformed" });
  });

  test("neither is what an upload never leaves", () => {
    const tree = copyOf(BOARD);
    tree.makeFolder("incoming");
    tree.write("incoming/parts", new Uint8Array(3 * IMAGE_BYTES_MAX));
    expect(slotsOn(tree).report().incoming).toBeUndefined();
  });
});
