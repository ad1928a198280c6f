import { describe, expect, test } from "vitest";
import { IncomingImage } from "../../../firmware/update/incoming.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import type { BytesSurvival } from "../../../hal/storage/disk-model.ts";
import { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import { partsOf } from "./board.ts";

const IMAGE = Uint8Array.from({ length: 1050 }, (_, i) => i % 251);
const DIGEST = opensslEngine.sha256(IMAGE);
const PARTS = partsOf(IMAGE);
const OTHER = partsOf(IMAGE.subarray(1));

const on = (tree: MemoryFileTree) => new IncomingImage({ tree, crypto: opensslEngine });

/** A disk with the first `count` parts on it. */
function withParts(count: number): MemoryFileTree {
  const tree = new MemoryFileTree();
  const incoming = on(tree);
  for (const part of PARTS.slice(0, count)) incoming.take(part);
  return tree;
}

type Part = (typeof PARTS)[number];
const part = (i: number): Part => PARTS[i] as Part;

describe("an upload", () => {
  test("counts what it has, and is the image when it has all", () => {
    const tree = new MemoryFileTree();
    const incoming = on(tree);
    expect(PARTS.map((one) => incoming.take(one))).toEqual(
      PARTS.map(({ offset, bytes }) => ({
        digest: DIGEST,
        imageBytes: 1050,
        received: offset + bytes.length,
      })),
    );
    expect(incoming.image(DIGEST)).toEqual(IMAGE);
    expect(on(tree).image(DIGEST)).toEqual(IMAGE);
  });

  test("goes on with another process where it was", () => {
    const tree = withParts(3);
    expect(on(tree).take(part(3))).toMatchObject({ received: 400 });
    expect(on(tree).take(part(3))).toMatchObject({ refusal: "gap", received: 400 });
  });

  test("is durable with each answer: after a cut it goes on where it was", () => {
    const left = withParts(3).afterCut({ bytes: "none", folder: "none" });
    expect(on(left).incoming).toMatchObject({ received: 300 });
    const incoming = on(left);
    for (const one of PARTS.slice(3)) incoming.take(one);
    expect(incoming.image(DIGEST)).toEqual(IMAGE);
  });

  test.each<BytesSurvival>(["none", "torn", "zeros", "last-only", "torn-and-zeros", "all"])(
    "whose last part a cut left as '%s' goes on, and comes to the same image",
    (bytes) => {
      const tree = withParts(3);
      tree.cutAt(tree.operations + 1);
      expect(() => on(tree).take(part(3))).toThrow();
      const left = tree.afterCut({ bytes, folder: "all" });
      const incoming = on(left);
      const { received } = incoming.incoming ?? { received: 0 };
      expect(received).toBe(bytes === "all" || bytes === "last-only" ? 400 : 300);
      for (const one of PARTS.filter(({ offset }) => offset >= received)) incoming.take(one);
      expect(on(left.afterCut({ bytes: "none", folder: "none" })).image(DIGEST)).toEqual(IMAGE);
    },
  );

  test("of another image begins anew, and only with its first part", () => {
    const tree = withParts(3);
    expect(on(tree).take(OTHER[1] as Part)).toMatchObject({ refusal: "gap", received: 0 });
    expect(on(tree).incoming?.received).toBe(300);
    expect(on(tree).take(OTHER[0] as Part)).toMatchObject({ received: 100 });
    expect(on(tree).take(part(3))).toMatchObject({ refusal: "gap", received: 0 });
  });

  test.each<[string, Partial<Part>]>([
    ["no bytes", { bytes: new Uint8Array(0) }],
    ["15 bytes in the middle", { bytes: new Uint8Array(15) }],
    ["bytes beyond the image", { bytes: new Uint8Array(1051) }],
    ["a digest of another kind", { digest: new Uint8Array(20) }],
    ["an image of nothing", { imageBytes: 0, bytes: new Uint8Array(0) }],
    ["an image beyond any board's room", { imageBytes: 4 * 1024 * 1024 + 1 }],
  ])("with %s is malformed, and nothing is kept", (_, change) => {
    const tree = new MemoryFileTree();
    expect(on(tree).take({ ...part(0), ...change })).toMatchObject({ refusal: "malformed" });
    expect(tree.list("")).toEqual([]);
  });

  test("is no image before it is whole, nor by another digest", () => {
    const incoming = on(withParts(3));
    expect(incoming.image(DIGEST)).toMatchObject({ refusal: "gap", received: 300 });
    expect(incoming.image(new Uint8Array(32))).toMatchObject({ refusal: "gap", received: 0 });
  });

  test("that is not what its digest says is thrown away, and may be sent again", () => {
    const tree = new MemoryFileTree();
    const incoming = on(tree);
    for (const one of PARTS) incoming.take({ ...one, bytes: one.bytes.map((byte) => byte ^ 1) });
    expect(incoming.image(DIGEST)).toMatchObject({ refusal: "payload" });
    expect(incoming.image(DIGEST)).toMatchObject({ refusal: "gap", received: 0 });
    for (const one of PARTS) incoming.take(one);
    expect(incoming.image(DIGEST)).toEqual(IMAGE);
  });

  test("that fills the disk is refused, and gives back the room that the meter's records need", () => {
    const tree = withParts(3);
    tree.failAt({ operation: tree.operations + 1, fault: "full", short: true });
    const incoming = on(tree);
    expect(incoming.take(part(3))).toEqual({
      refusal: "storage",
      why: "The part cannot be kept: the disk is full.",
    });
    expect([tree.list("incoming"), incoming.incoming]).toEqual([[], undefined]);
    expect(incoming.take(part(0))).toMatchObject({ received: 100 });
  });

  test("whose disk fails goes on with what is on it", () => {
    const tree = withParts(3);
    tree.failAt({ operation: tree.operations + 2, fault: "broken" });
    const incoming = on(tree);
    expect(incoming.take(part(3))).toMatchObject({ refusal: "storage" });
    expect(incoming.incoming?.received).toBe(400);
  });

  test.each([
    ["noise", Uint8Array.from({ length: 300 }, (_, i) => (i * 7) % 256)],
    ["zeros", new Uint8Array(300)],
    ["more than any upload takes", new Uint8Array(9 * 1024 * 1024)],
  ])("of which a file of %s is left is none, and another one may begin", (_, bytes) => {
    const tree = new MemoryFileTree();
    tree.makeFolder("incoming");
    tree.write("incoming/parts", bytes);
    expect(on(tree).incoming).toBeUndefined();
    expect(on(tree).take(part(0))).toMatchObject({ received: 100 });
    expect(on(tree).incoming?.received).toBe(100);
  });
});
