import { describe, expect, test } from "vitest";
import type { ImageManifest } from "../../../firmware/update/manifest.ts";
import { type BoardFacts, type BoardHistory, refusalFor } from "../../../firmware/update/refusals.ts";
import { FACTS, manifestOf } from "./images.ts";

const DIGEST = new Uint8Array(32).fill(7);
const HISTORY: BoardHistory = { floor: 6, runningSchema: { reads: [1, 2], writes: 1 } };

function refusal(
  manifest: Partial<ImageManifest>,
  facts: Partial<BoardFacts> = {},
  history: Partial<BoardHistory> = {},
) {
  const offered = { manifest: manifestOf(7, { manifest }), digest: DIGEST };
  return refusalFor(offered, { ...FACTS, ...facts }, { ...HISTORY, ...history });
}

describe("an image for this very board", () => {
  test("is not refused", () => {
    expect(refusal({})).toBeUndefined();
    expect(refusal({}, {}, { floor: 0 })).toBeUndefined();
  });

  test.each<[string, Partial<ImageManifest>, Partial<BoardFacts>, string]>([
    ["another class", { board: "meter-mcu" }, {}, "board"],
    ["another processor", { arch: "arm" }, {}, "arch"],
    ["a processor that no image is for", {}, { arch: "riscv64" }, "arch"],
    ["musl on glibc", { libc: "musl" }, {}, "libc"],
    ["a newer glibc than the board's", { libcMin: "2.37" }, {}, "libc"],
    [
      "2.4 on a board of 2.36, as numbers go",
      { libcMin: "2.4" },
      { libc: { kind: "glibc", version: "2.3" } },
      "libc",
    ],
    ["a glibc on a board that does not say which it has", {}, { libc: { kind: "glibc" } }, "libc"],
    ["an older Node than it needs", {}, { nodeVersion: "20.11.0" }, "node"],
    [
      "a Node that is too new for it",
      { node: { from: "20.19.0", below: "24.0.0" } },
      { nodeVersion: "24.0.0" },
      "node",
    ],
  ])("is refused for %s, with a sentence", (_, manifest, facts, reason) => {
    expect(refusal(manifest, facts)).toEqual({
      refusal: reason,
      why: expect.stringMatching(/^The image .*\.$/),
    });
  });

  test("is taken with a libc and a Node of exactly the versions that it names", () => {
    expect(refusal({ libcMin: "2.36", node: { from: "20.19.6" } })).toBeUndefined();
    expect(
      refusal({ libc: "musl", libcMin: undefined } as never, { libc: { kind: "musl" } }),
    ).toBeUndefined();
  });

  test("is refused where it is older than what was confirmed, and where it is as old and another one", () => {
    expect(refusal({}, {}, { floor: 8 })).toMatchObject({ refusal: "rollback" });
    expect(refusal({}, {}, { floor: 7 })).toMatchObject({ refusal: "rollback" });
    expect(refusal({}, {}, { floor: 7, floorDigest: new Uint8Array(32) })).toMatchObject({
      refusal: "rollback",
    });
    expect(refusal({}, {}, { floor: 7, floorDigest: DIGEST })).toBeUndefined();
  });

  test("is refused where it cannot read the board's data, and where the running one could not read its", () => {
    const reads = (from: number, to: number, writes: number) => ({
      dataSchema: { reads: [from, to], writes } as const,
    });
    expect(refusal(reads(2, 3, 2))).toMatchObject({ refusal: "schema" });
    expect(refusal(reads(1, 3, 3))).toMatchObject({
      refusal: "schema",
      why: expect.stringContaining("failed trial"),
    });
    expect(refusal(reads(1, 3, 2))).toBeUndefined();
  });

  test("is refused for what comes first, however much is wrong", () => {
    expect(refusal({ board: "other", arch: "x64", libc: "musl" }, {}, { floor: 99 })).toMatchObject({
      refusal: "board",
    });
  });
});
