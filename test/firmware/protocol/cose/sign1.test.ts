import { describe, expect, test } from "vitest";
import { fromText } from "../../../../firmware/protocol/bytes.ts";
import { type CborValue, encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import { decodeSign1, signSign1, verifySign1 } from "../../../../firmware/protocol/cose/sign1.ts";
import { nobleEngine } from "../../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../../hal/node/openssl.ts";
import { NO_SIGN1, SIGN1 } from "../../../vectors/cose/sign1.ts";
import { hex } from "../../../vectors/crypto/hex.ts";

const ENGINES = [nobleEngine, opensslEngine];
const [first] = SIGN1;
if (first === undefined) throw new Error("no vectors");
const { secretKey, publicKey } = first;

/** Whether the bytes pass as what `key` signed for `context`. */
function passes(bytes: Uint8Array, { key = publicKey, context = hex(""), crypto = nobleEngine } = {}) {
  const sign1 = decodeSign1(bytes);
  return sign1 !== undefined && verifySign1(crypto, key, context, sign1);
}

describe.each(ENGINES)("a COSE_Sign1 by $name", (crypto) => {
  test.each(SIGN1)("of $source holds, and for no other context", (vector) => {
    expect(decodeSign1(vector.sign1)?.payload).toEqual(vector.payload);
    const asked = { key: vector.publicKey, crypto };
    expect(passes(vector.sign1, { ...asked, context: vector.context })).toBe(true);
    expect(passes(vector.sign1, { ...asked, context: fromText("other") })).toBe(false);
  });

  test.each(SIGN1)("with the key of $source is signed, and the other engine takes it", (vector) => {
    expect(crypto.signingPublicKey("ES256", vector.secretKey)).toEqual(vector.publicKey);
    const signed = signSign1(crypto, vector.secretKey, vector.context, vector.payload);
    for (const other of ENGINES)
      expect(passes(signed, { key: vector.publicKey, context: vector.context, crypto: other })).toBe(true);
  });

  test.each(NO_SIGN1)("is not %s: %s", (_source, _what, bytes) => {
    expect(passes(bytes, { crypto })).toBe(false);
  });

  test("with any bit of it changed is none", () => {
    const signed = signSign1(crypto, secretKey, fromText("test"), fromText("a payload"));
    expect(passes(signed, { crypto, context: fromText("test") })).toBe(true);
    // Noble takes a hundred times as long for a signature.
    const step = crypto === nobleEngine ? 31 : 1;
    for (let bit = 0; bit < 8 * signed.length; bit += step) {
      const changed = signed.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(passes(changed, { crypto, context: fromText("test") })).toBe(false);
    }
  });

  test("of another key is none", () => {
    const other = crypto.signingPublicKey("ES256", new Uint8Array(32).fill(7));
    expect(passes(signSign1(crypto, secretKey, hex(""), hex("01")), { crypto, key: other })).toBe(false);
  });
});

describe("bytes are no COSE_Sign1", () => {
  const headers = hex("a10126");
  const signature = new Uint8Array(64);
  const parts: CborValue[] = [headers, new Map(), hex("01"), signature];
  const changed = (at: number, value: CborValue) =>
    encodeCbor(parts.map((part, i) => (i === at ? value : part)));

  test("but these are one, unless they are changed", () => {
    expect(decodeSign1(encodeCbor(parts))).toEqual({ payload: hex("01"), signature });
  });

  test.each<[string, Uint8Array]>([
    ["nothing", hex("")],
    ["a map", hex("a0")],
    ["tagged, as nothing of ours is", Uint8Array.of(0xd2, ...encodeCbor(parts))],
    ["three items", encodeCbor(parts.slice(1))],
    ["five items", encodeCbor([...parts, 0])],
    ["protected headers that are a map", changed(0, new Map([[1, -7]]))],
    ["EdDSA", changed(0, hex("a10127"))],
    ["critical headers", changed(0, hex("a201260281182a"))],
    ["an algorithm outside", changed(1, new Map([[1, -7]]))],
    ["a kid that is a number", changed(1, new Map([[4, 1]]))],
    ["unprotected headers that are none", changed(1, null)],
    ["a payload that is elsewhere", changed(2, null)],
    ["a payload that is text", changed(2, "x")],
    ["a signature that is a number", changed(3, 1)],
    ["a short signature", changed(3, signature.slice(1))],
    ["bytes behind it", Uint8Array.of(...encodeCbor(parts), 0)],
    ["far too many bytes", changed(2, new Uint8Array(4096))],
  ])("%s", (_what, bytes) => {
    expect(decodeSign1(bytes)).toBeUndefined();
  });
});
