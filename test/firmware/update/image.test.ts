import { brotliCompressSync, constants } from "node:zlib";
import { describe, expect, test } from "vitest";
import { concat, fromText } from "../../../firmware/protocol/bytes.ts";
import { encodeImage, readImage, unpackFiles } from "../../../firmware/update/image.ts";
import { signManifest } from "../../../firmware/update/manifest.ts";
import { pack, unpack } from "../../../hal/node/brotli.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { AUTHOR, filesOf, imageOf, manifestOf, payloadOf } from "./images.ts";

const parts = { crypto: opensslEngine, unpack };
const FILES = filesOf(7);
const PAYLOAD = payloadOf(FILES);
const IMAGE = imageOf(7);

describe("an image file", () => {
  test("is read as it was put together", () => {
    const envelope = signManifest(opensslEngine, AUTHOR, manifestOf(7));
    expect(readImage(IMAGE)).toEqual({ envelope, payload: PAYLOAD });
    expect(encodeImage({ envelope, payload: PAYLOAD })).toEqual(IMAGE);
  });

  test("gives the files that its manifest lists", () => {
    expect(unpackFiles(parts, manifestOf(7), PAYLOAD)).toEqual(Object.values(FILES));
  });

  test.each([
    ["no bytes", new Uint8Array(0)],
    ["another beginning", concat(fromText("MBI2"), IMAGE.subarray(4))],
    ["a manifest that goes on behind the end", IMAGE.subarray(0, 100)],
    ["a manifest of 4 GiB", concat(fromText("MBI1"), Uint8Array.of(255, 255, 255, 255), IMAGE.subarray(8))],
    ["more bytes than a board has room for", concat(IMAGE, new Uint8Array(4 * 1024 * 1024))],
  ])("with %s is malformed", (_, bytes) => {
    expect(readImage(bytes)).toMatchObject({ refusal: "malformed" });
  });

  test("of any length shorter than its own is refused, in its manifest or in its files", () => {
    const { payload } = manifestOf(7);
    for (let length = 0; length < IMAGE.length; length++) {
      const read = readImage(IMAGE.subarray(0, length));
      const refusal = "refusal" in read ? read : unpackFiles(parts, manifestOf(7), read.payload);
      expect(refusal).toMatchObject({ refusal: expect.stringMatching(/malformed|payload/) });
      if ("payload" in read) expect(read.payload.length).toBeLessThan(payload.bytes);
    }
  });
});

describe("an image's files", () => {
  test("that their author has not signed are not even unpacked", () => {
    const changed = PAYLOAD.slice();
    changed[9] = (changed[9] as number) ^ 1;
    const mustNotUnpack = (): never => {
      throw new Error("unpacked what nobody has signed");
    };
    const refused = unpackFiles({ ...parts, unpack: mustNotUnpack }, manifestOf(7), changed);
    expect(refused).toMatchObject({ refusal: "payload", why: expect.stringContaining("signed") });
  });

  test("that become more than the manifest says are unpacked no further, though their author has signed them", () => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 1 };
    const bomb = Uint8Array.from(brotliCompressSync(new Uint8Array(64 * 1024 * 1024), { params }));
    expect(bomb.length).toBeLessThan(20_000);
    const payload = { bytes: bomb.length, digest: opensslEngine.sha256(bomb) };
    const manifest = manifestOf(7, { manifest: { payload } });
    const beforeMs = performance.now();
    expect(unpackFiles(parts, manifest, bomb)).toMatchObject({ refusal: "payload" });
    expect(performance.now() - beforeMs).toBeLessThan(1000);
  });

  test.each([
    ["fewer bytes", pack(new Uint8Array(10))],
    ["no Brotli at all", fromText("no Brotli")],
  ])("of %s are refused", (_, packed) => {
    const payload = { bytes: packed.length, digest: opensslEngine.sha256(packed) };
    const manifest = manifestOf(7, { manifest: { payload } });
    expect(unpackFiles(parts, manifest, packed)).toMatchObject({ refusal: "payload" });
  });

  test("of which one is another than its digest says are refused, by its name", () => {
    const manifest = manifestOf(7);
    const files = manifest.files.map((file, i) => (i === 1 ? { ...file, digest: new Uint8Array(32) } : file));
    const refused = unpackFiles(parts, { ...manifest, files }, PAYLOAD);
    expect(refused).toMatchObject({ refusal: "payload", why: expect.stringContaining("package.json") });
  });
});
