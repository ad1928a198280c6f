// What may come as an image, and is none, or is not what its author has made.
import { describe, expect, test } from "vitest";
import { concat, fromText } from "../../../firmware/protocol/bytes.ts";
import { encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { signSign1 } from "../../../firmware/protocol/cose/sign1.ts";
import { encodeImage, readImage } from "../../../firmware/update/image.ts";
import { encodeManifest, type ImageManifest } from "../../../firmware/update/manifest.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { checkImage, inspectImage } from "../../../host-tools/image/check.ts";
import { AUTHOR, author, imageOf, manifestOf, payloadOf } from "../../firmware/update/images.ts";
import { smallElf } from "./elf-files.ts";

const crypto = opensslEngine;
const STRANGER = author("stranger");
const NATIVE = "prebuilds/linux-x64/@serialport+bindings-cpp.node";
const FILES = { "app/main.mjs": fromText('console.log("a meter");\n'), [NATIVE]: smallElf() };
const MANIFEST: Partial<ImageManifest> = { arch: "x64", native: NATIVE };
const IMAGE = imageOf(7, { files: FILES, manifest: MANIFEST });

function check(bytes: Uint8Array, authors = [AUTHOR.credential]) {
  return checkImage(crypto, authors, bytes);
}

/** An image whose manifest is these bytes, signed by the author whom everybody trusts. */
function signed(manifest: Uint8Array, context = "meterbench image"): Uint8Array {
  const { kid } = AUTHOR.credential;
  const options = { algorithm: "EdDSA", kid } as const;
  const envelope = signSign1(crypto, AUTHOR.secretKey, fromText(context), manifest, options);
  return encodeImage({ envelope, payload: payloadOf(FILES) });
}

const ENCODED = encodeManifest(manifestOf(7, { files: FILES, manifest: MANIFEST }));

/** The manifest with one text in place of another of the same length. */
function withText(from: string, to: string): Uint8Array {
  expect(to.length).toBe(from.length);
  const bytes = Buffer.from(ENCODED);
  const at = bytes.indexOf(from);
  expect(at).toBeGreaterThan(0);
  return Uint8Array.from(
    Buffer.concat([bytes.subarray(0, at), Buffer.from(to), bytes.subarray(at + to.length)]),
  );
}

describe("an image that is checked", () => {
  test("holds where a trusted author has signed it, and says who", () => {
    expect(check(IMAGE)).toMatchObject({ manifest: { sequence: 7 }, author: { id: "acme" } });
    const both = [STRANGER.credential, AUTHOR.credential];
    expect(check(signed(ENCODED), both)).toMatchObject({ author: { id: "acme" } });
  });

  test("does not hold for whoever trusts another author, or nobody", () => {
    expect(check(IMAGE, [STRANGER.credential])).toMatchObject({ refusal: "signature" });
    expect(check(IMAGE, [])).toMatchObject({ refusal: "signature" });
    const byStranger = imageOf(7, { files: FILES, manifest: MANIFEST, author: STRANGER });
    expect(check(byStranger)).toMatchObject({ refusal: "signature" });
  });

  test("does not hold without a signature, or with one that was made for something else", () => {
    const parts = readImage(IMAGE);
    if ("refusal" in parts) throw new Error(parts.refusal);
    expect(check(encodeImage({ ...parts, envelope: ENCODED }))).toMatchObject({ refusal: "malformed" });
    const empty = encodeCbor([fromText(""), new Map(), ENCODED, new Uint8Array(64)]);
    expect(check(encodeImage({ ...parts, envelope: empty }))).toMatchObject({ refusal: "malformed" });
    expect(check(signed(ENCODED, "meterbench statement"))).toMatchObject({ refusal: "signature" });
  });

  test("that ends at any byte before its last one does not hold, and is never unpacked wrongly", () => {
    for (let length = 0; length < IMAGE.length; length++)
      expect(check(IMAGE.subarray(0, length))).toHaveProperty("refusal");
  });

  test("with any byte changed does not hold", () => {
    for (let at = 0; at < IMAGE.length; at++) {
      const changed = IMAGE.slice();
      changed[at] = (changed[at] as number) ^ 0x40;
      expect(check(changed)).toHaveProperty("refusal");
    }
  });

  test("with bytes behind its end does not hold, be it one or an image of its own", () => {
    expect(check(concat(IMAGE, Uint8Array.of(0)))).toMatchObject({ refusal: "payload" });
    expect(check(concat(IMAGE, IMAGE))).toMatchObject({ refusal: "payload" });
    expect(check(signed(concat(ENCODED, Uint8Array.of(0))))).toMatchObject({ refusal: "malformed" });
  });

  test.each([
    ["leads out of its slot", "app/main.mjs", "../main.mjss"],
    ["goes through a folder above", "app/main.mjs", "a/../main.js"],
    ["is absolute", "app/main.mjs", "/pp/main.mjs"],
    ["is hidden", "app/main.mjs", "app/.ain.mjs"],
    ["has an empty part", "app/main.mjs", "app//ain.mjs"],
    ["has a backslash", "app/main.mjs", "app\\main.mjs"],
    ["has a zero in it", "app/main.mjs", "app/main.m\0s"],
  ])("with a file whose name %s does not hold, though its author has signed it", (_, from, to) => {
    // The name is in the list of files and in the entry's place: both are changed.
    const once = withText(from, to);
    const twice = Buffer.from(once.map((byte) => byte));
    const second = twice.indexOf(from);
    if (second > 0) twice.set(Buffer.from(to), second);
    expect(check(signed(Uint8Array.from(twice)))).toMatchObject({ refusal: "malformed" });
  });

  test("with a name twice, or with the manifest's own, does not hold", () => {
    const { files, ...rest } = manifestOf(7, { files: FILES, manifest: MANIFEST });
    const [one] = files;
    for (const bad of [
      [one, one, ...files.slice(1)],
      [{ ...one, path: "manifest.cbor" }],
      [...files].reverse(),
    ])
      expect(() => encodeManifest({ ...rest, files: bad } as ImageManifest)).toThrow();
    const other = { "app/aaaa.mjs": FILES["app/main.mjs"], ...FILES } as Record<string, Uint8Array>;
    const encoded = Buffer.from(encodeManifest(manifestOf(7, { files: other, manifest: MANIFEST })));
    encoded.set(Buffer.from("app/main.mjs"), encoded.indexOf("app/aaaa.mjs"));
    expect(check(signed(Uint8Array.from(encoded)))).toMatchObject({ refusal: "malformed" });
  });

  test("with a file that is another's folder is not even signed, whatever sorts between the two", () => {
    const { files, ...rest } = manifestOf(7, { files: FILES, manifest: MANIFEST });
    const [file] = files;
    const bad = ["app", "app-x", "app/main.mjs", NATIVE].map((path) => ({ ...file, path }));
    expect(() => encodeManifest({ ...rest, files: bad } as ImageManifest)).toThrow();
  });

  test("of a class of boards that there is none of does not hold", () => {
    const toaster = imageOf(7, { files: FILES, manifest: { ...MANIFEST, board: "toaster" } });
    expect(check(toaster)).toMatchObject({ refusal: "board", why: expect.stringContaining("toaster") });
  });

  test.each<[string, Partial<ImageManifest>, string]>([
    ["processor", { arch: "arm64" }, "arch"],
    ["libc", { libc: "musl" }, "libc"],
    ["oldest glibc", { libcMin: "2.17" }, "libc"],
  ])("does not hold where its manifest has another %s than its native module", (_, lie, refusal) => {
    const image = imageOf(7, { files: FILES, manifest: { ...MANIFEST, ...lie } });
    expect(check(image)).toMatchObject({ refusal });
  });

  test("does not hold where its native module is none", () => {
    const files = { ...FILES, [NATIVE]: fromText("#!/bin/sh\n") };
    const image = imageOf(7, { files, manifest: MANIFEST });
    expect(check(image)).toMatchObject({ refusal: "preflight", why: "Its native module is no ELF file." });
  });
});

describe("an image that is looked at", () => {
  test("says what it is and whose signature it claims, whoever signed it", () => {
    const image = imageOf(7, { files: FILES, manifest: MANIFEST, author: STRANGER });
    const inspected = inspectImage(crypto, image);
    expect(inspected).toMatchObject({ manifest: { sequence: 7 }, kid: STRANGER.credential.kid });
    expect(inspected).toMatchObject({ damage: undefined });
  });

  test("that was cut off in its files says so, and one that was cut off before says nothing else", () => {
    const parts = readImage(IMAGE);
    if ("refusal" in parts) throw new Error(parts.refusal);
    expect(inspectImage(crypto, IMAGE.subarray(0, -1))).toMatchObject({
      manifest: { sequence: 7 },
      damage: expect.stringMatching(/bytes of files/),
    });
    expect(inspectImage(crypto, IMAGE.subarray(0, 7 + parts.envelope.length))).toHaveProperty("refusal");
  });
});
