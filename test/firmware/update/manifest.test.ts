import { describe, expect, test } from "vitest";
import { concat, fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { signSign1 } from "../../../firmware/protocol/cose/sign1.ts";
import {
  decodeManifest,
  encodeManifest,
  type ImageFile,
  openManifest,
  signManifest,
} from "../../../firmware/update/manifest.ts";
import { nobleEngine } from "../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { identity } from "../../support/secured-line.ts";
import { AUTHOR, author, manifestOf } from "./images.ts";

const crypto = opensslEngine;
const MANIFEST = manifestOf(7);
const ENVELOPE = signManifest(crypto, AUTHOR, MANIFEST);
const authors = [AUTHOR.credential];

/** The manifest's own map with one value in the place of another. */
function withItem(key: number, value: CborValue): Uint8Array {
  const map = new Map(decodeCbor(encodeManifest(MANIFEST)) as ReadonlyMap<number, CborValue>);
  return encodeCbor(map.set(key, value));
}

const withFiles = (...files: readonly (readonly [string, number])[]): Uint8Array =>
  withItem(-5, [
    ...[...files, ["app/main.mjs", 1] as const, [MANIFEST.native, 2] as const]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, bytes]) => [path, bytes, new Uint8Array(32)]),
  ]);

describe("a manifest", () => {
  test("is read as it was written, in one form, and takes some hundred bytes", () => {
    const bytes = encodeManifest(MANIFEST);
    expect(decodeManifest(bytes)).toEqual(MANIFEST);
    expect(bytes.length).toBeLessThan(400);
    const { libcMin, ...rest } = MANIFEST;
    const without = { ...rest, node: { from: "20.19.0" } };
    expect(decodeManifest(encodeManifest(without))).toEqual(without);
  });

  test("has SUIT's integers where SUIT has the thing: sequence 2, class 2 and digest 3 and size 14 in common 3", () => {
    const map = decodeCbor(encodeManifest(MANIFEST)) as ReadonlyMap<number, CborValue>;
    expect([map.get(1), map.get(2), map.get(9), map.get(23)]).toEqual([1, 7, "app/main.mjs", "1.7.0"]);
    const common = map.get(3) as ReadonlyMap<number, CborValue>;
    expect([common.get(2), common.get(14)]).toEqual(["node-gateway", MANIFEST.payload.bytes]);
    expect(common.get(3)).toEqual(MANIFEST.payload.digest);
  });

  test.each<[string, Uint8Array]>([
    ["no CBOR", Uint8Array.of(0xff)],
    ["no map", encodeCbor([1])],
    ["another version of the format", withItem(1, 2)],
    ["something in it that nobody here knows", withItem(-6, true)],
    ["a sequence of nothing", withItem(2, 0)],
    ["a sequence beyond 32 bits", withItem(2, 2 ** 32)],
    ["a version that would write on a terminal", withItem(23, "1.0\u001b[2J")],
    ["another processor", withItem(-1, ["riscv64", "glibc", null])],
    ["another libc", withItem(-1, ["arm64", "uclibc", null])],
    ["a Node that is no version", withItem(-2, [">=20", null])],
    ["a schema that it does not read itself", withItem(-3, [1, 2, 3])],
    ["an entry that is none of its files", withItem(9, "app/other.mjs")],
    ["a native module that is none of its files", withItem(-4, "other.node")],
    ["no files", withItem(-5, [])],
    ["files beyond any board's room", withFiles(["app/huge", 8 * 1024 * 1024])],
    ["a digest that is too short", withItem(-5, [["app/main.mjs", 1, new Uint8Array(31)]])],
    ["one file twice", withFiles(["app/main.mjs", 1])],
    ["a file where another one has a folder", withFiles(["app", 1])],
    ["its own place", withFiles(["manifest.cbor", 1])],
    ["a folder in its own place", withFiles(["manifest.cbor/x", 1])],
    ["files beyond their number", withFiles(...Array.from({ length: 31 }, (_, i) => [`f${i}`, 1] as const))],
  ])("with %s is none", (_, bytes) => {
    expect(decodeManifest(bytes)).toBeUndefined();
  });

  test.each([
    "../../etc/passwd",
    "/etc/passwd",
    "app/../../../boot.state",
    "app/./main.mjs",
    "app//main.mjs",
    "app/",
    ".hidden",
    "",
    "app\\main.mjs",
    "app/a\u0000b",
    "C:/main.mjs",
    "a/b/c/d/e/f/g",
    "ä",
    `${"a".repeat(129)}`,
  ])("whose files would leave their slot is none: %j", (path) => {
    expect(decodeManifest(withFiles([path, 1]))).toBeUndefined();
  });

  test("that no board would take is not even signed", () => {
    const files = [{ path: "../x", bytes: 1, digest: new Uint8Array(32) }] as readonly ImageFile[];
    expect(() => signManifest(crypto, AUTHOR, { ...MANIFEST, files })).toThrow("no board would take");
  });
});

describe("a signed manifest", () => {
  test.each([opensslEngine, nobleEngine])("opens for whoever trusts its author: $name", (engine) => {
    const opened = openManifest(engine, [author("other").credential, ...authors], ENVELOPE);
    const digest = crypto.sha256(encodeManifest(MANIFEST));
    expect(opened).toEqual({ manifest: MANIFEST, author: AUTHOR.credential, digest });
  });

  test("is a COSE_Sign1 by EdDSA with the author's kid, without a tag", () => {
    const [headers, others, payload] = decodeCbor(ENVELOPE) as readonly CborValue[];
    expect(toHex(headers as Uint8Array)).toBe("a10127");
    expect(others).toEqual(new Map([[4, AUTHOR.credential.kid]]));
    expect(payload).toEqual(encodeManifest(MANIFEST));
  });

  test("of an author whom nobody trusts is refused, and so is one without any author", () => {
    expect(openManifest(crypto, [author("other").credential], ENVELOPE)).toMatchObject({
      refusal: "signature",
    });
    expect(openManifest(crypto, [], ENVELOPE)).toMatchObject({ refusal: "signature" });
  });

  test("with a bit of any byte changed does not open", () => {
    const opened: number[] = [];
    for (let at = 0; at < ENVELOPE.length; at++) {
      const changed = ENVELOPE.slice();
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      if ("manifest" in openManifest(crypto, authors, changed)) opened.push(at);
    }
    expect(opened).toEqual([]);
  });

  test("signed for something else, or as a meter signs, does not open", () => {
    const payload = encodeManifest(MANIFEST);
    const { kid } = AUTHOR.credential;
    const options = { algorithm: "EdDSA", kid } as const;
    const elsewhere = signSign1(crypto, AUTHOR.secretKey, fromText("meterbench statement"), payload, options);
    expect(openManifest(crypto, authors, elsewhere)).toMatchObject({ refusal: "signature" });
    const byMeter = signSign1(crypto, AUTHOR.signingSecretKey, fromText("meterbench image"), payload);
    expect(openManifest(crypto, authors, byMeter)).toMatchObject({ refusal: "malformed" });
  });

  test("is signed by nobody who is no author", () => {
    expect(() => signManifest(crypto, identity("meter", "M1"), MANIFEST)).toThrow("M1 has no Ed25519 key");
  });

  test.each([
    ["cut off", ENVELOPE.subarray(0, 100)],
    ["with a byte more", concat(ENVELOPE, Uint8Array.of(0))],
    ["of no bytes", new Uint8Array(0)],
  ])("%s is malformed", (_, bytes) => {
    expect(openManifest(crypto, authors, bytes)).toMatchObject({ refusal: "malformed" });
  });

  test("of something that is no manifest is malformed, and says whose it is", () => {
    const { secretKey, credential } = AUTHOR;
    const options = { algorithm: "EdDSA", kid: credential.kid } as const;
    const signed = signSign1(crypto, secretKey, fromText("meterbench image"), encodeCbor([]), options);
    const refused = openManifest(crypto, authors, signed);
    expect(refused).toMatchObject({ refusal: "malformed", why: expect.stringContaining("acme") });
  });
});
