// Bodies of resource `u`: what they hold, and what is none.
import { describe, expect, test } from "vitest";
import { encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import {
  decodeImagePart,
  decodeInstalled,
  decodeReceived,
  encodeImagePart,
  PART_BYTES_MAX,
} from "../../../../firmware/protocol/readings/update-part.ts";
import {
  decodeUpdateRefusal,
  decodeUpdateState,
  encodeUpdateRefusal,
  encodeUpdateState,
} from "../../../../firmware/protocol/readings/update-state.ts";
import { IMAGE_BYTES_MAX } from "../../../../firmware/update/manifest.ts";
import type { SlotsReport } from "../../../../firmware/update/slots-report.ts";

const DIGEST = new Uint8Array(32).fill(7);
const EMPTY_BOARD: SlotsReport = {
  facts: { board: "node-gateway", arch: "x64", libc: { kind: "musl" }, nodeVersion: "20.19.6" },
  ...{ floor: 0, slots: {} },
};

describe("a part of an image", () => {
  const part = { digest: DIGEST, imageBytes: 100, offset: 90, bytes: new Uint8Array(10) };

  test("ends where its image does, at the latest", () => {
    expect(decodeImagePart(encodeImagePart(part))).toEqual(part);
    expect(() => encodeImagePart({ ...part, bytes: new Uint8Array(11) })).toThrow(
      "no part of an image: 11 at 90",
    );
    expect(() => encodeImagePart({ ...part, bytes: new Uint8Array(0) })).toThrow("no part");
    expect(() => encodeImagePart({ ...part, offset: 100 })).toThrow("no part");
  });

  test("of the largest size is one body of 16384 bytes with all that is around it", () => {
    const largest = {
      ...{ digest: DIGEST, imageBytes: IMAGE_BYTES_MAX, offset: IMAGE_BYTES_MAX - PART_BYTES_MAX },
      bytes: new Uint8Array(PART_BYTES_MAX),
    };
    expect(encodeImagePart(largest).length).toBeLessThanOrEqual(16_384);
    const more = encodeCbor([DIGEST, IMAGE_BYTES_MAX, 0, new Uint8Array(PART_BYTES_MAX + 1)]);
    expect(decodeImagePart(more)).toBeUndefined();
  });

  test("of no image, of another digest's length or with more behind it is none", () => {
    for (const items of [
      [DIGEST.slice(1), 100, 0, DIGEST],
      [DIGEST, 0, 0, DIGEST],
      [DIGEST, IMAGE_BYTES_MAX + 1, 0, DIGEST],
      [DIGEST, 100, -1, DIGEST],
      [DIGEST, 100, 0, "text"],
      [DIGEST, 100, 0, DIGEST, 0],
    ])
      expect(decodeImagePart(encodeCbor(items))).toBeUndefined();
  });
});

describe("what a board tells", () => {
  test("of slots that are empty has nothing in it but what the board is", () => {
    expect(decodeUpdateState(encodeUpdateState(EMPTY_BOARD))).toEqual(EMPTY_BOARD);
  });

  test("is printable ASCII: what steers a terminal goes as question marks, and nobody else's gets in", () => {
    const why = "gone\u001b[2J\nback";
    const told = decodeUpdateState(
      encodeUpdateState({ ...EMPTY_BOARD, outcome: { kind: "rolled-back", sequence: 8, why } }),
    );
    expect(told?.outcome?.why).toBe("gone?[2J?back");
    expect(decodeUpdateRefusal(encodeCbor([4, null, "a\nb"]))).toBeUndefined();
    expect(decodeUpdateRefusal(encodeCbor([4, null, "x".repeat(241)]))).toBeUndefined();
    expect(
      decodeUpdateRefusal(encodeUpdateRefusal({ refusal: "libc", why: "x".repeat(999) }))?.why,
    ).toHaveLength(240);
  });

  test("of a gap says how much there is, and of other refusals does not", () => {
    expect(decodeUpdateRefusal(encodeCbor([12, null, ""]))).toBeUndefined();
    expect(decodeUpdateRefusal(encodeCbor([4, 7, ""]))).toBeUndefined();
    expect(decodeUpdateRefusal(encodeCbor([13, null, ""]))).toBeUndefined();
  });

  test("of an upload has no more than the image, and of a slot one of the two", () => {
    expect(decodeReceived(encodeCbor([IMAGE_BYTES_MAX + 1]))).toBeUndefined();
    expect(decodeInstalled(encodeCbor([2, 8, true]))).toBeUndefined();
    const incoming = { digest: DIGEST, imageBytes: 10, received: 11 };
    expect(decodeUpdateState(encodeUpdateState({ ...EMPTY_BOARD, incoming }))).toBeUndefined();
  });
});
