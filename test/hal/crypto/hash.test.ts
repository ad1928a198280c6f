import { describe, expect, test } from "vitest";
import { nobleEngine } from "../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { HKDF_SHA_256, SHA_256 } from "../../vectors/crypto/hash.ts";

describe.each([nobleEngine, opensslEngine])("hashes of $name", (engine) => {
  test.each(SHA_256)('SHA-256 of "$message" is the published digest', ({ message, digest }) => {
    expect(engine.sha256(new TextEncoder().encode(message))).toEqual(digest);
  });

  test.each(HKDF_SHA_256)("HKDF extracts and expands as $source says", (vector) => {
    const { inputKeyingMaterial, salt, info, pseudorandomKey, output } = vector;
    expect(engine.hkdfExtract(salt, inputKeyingMaterial)).toEqual(pseudorandomKey);
    expect(engine.hkdfExpand(pseudorandomKey, info, output.length)).toEqual(output);
  });

  test("an empty salt is the same as 32 zero bytes", () => {
    const material = Uint8Array.of(1, 2, 3);
    const withZeros = engine.hkdfExtract(new Uint8Array(32), material);
    expect(engine.hkdfExtract(new Uint8Array(0), material)).toEqual(withZeros);
  });

  test("expansion gives 0 to 8160 bytes, each shorter output a start of the longer ones", () => {
    const key = new Uint8Array(32).fill(7);
    const info = Uint8Array.of(9);
    const longest = engine.hkdfExpand(key, info, 8160);
    for (const length of [0, 1, 31, 32, 33, 64, 8159]) {
      expect(engine.hkdfExpand(key, info, length)).toEqual(longest.slice(0, length));
    }
  });

  test.each([-1, 8161, 1.5, Number.NaN])("expanding to %d bytes is a bug of the caller", (length) => {
    expect(() => engine.hkdfExpand(new Uint8Array(32), new Uint8Array(0), length)).toThrow();
  });

  test("a pseudorandom key shorter than the hash is a bug of the caller", () => {
    expect(() => engine.hkdfExpand(new Uint8Array(31), new Uint8Array(0), 16)).toThrow();
  });
});
