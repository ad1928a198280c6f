import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nobleEngine } from "../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import type { CurveName } from "../../../hal/ports/crypto.ts";
import {
  EXCHANGES,
  P256_N,
  P256_P,
  X25519_ITERATED,
  X25519_LOW_ORDER,
  X25519_PRODUCTS,
} from "../../vectors/crypto/agreement.ts";
import { bytes32 } from "../../vectors/crypto/hex.ts";

const CURVES: readonly CurveName[] = ["X25519", "P-256"];
const ENGINES = [nobleEngine, opensslEngine];
const SECRET = new Uint8Array(32).fill(0x42);
const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });

const compressed = (point: Uint8Array): Uint8Array =>
  Uint8Array.of(2 + ((point[64] ?? 0) & 1), ...point.slice(1, 33));

const flip = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

/** SEC 2 2.4.2's G, the public key of the secret key 1. */
const BASE = nobleEngine.agreementPublicKey("P-256", bytes32(1n));
const BASE_X = BASE.slice(1, 33);

/** The smallest x with a point, and the smallest without one. */
const X_ON_CURVE = 0n;
const X_OFF_CURVE = 1n;

describe.each(ENGINES)("key agreement of $name", (engine) => {
  test.each(X25519_PRODUCTS)("RFC 7748 5.2's products hold (%#)", ({ scalar, u, product }) => {
    expect(engine.sharedSecret("X25519", scalar, u)).toEqual(product);
  });

  test("the first round of RFC 7748 5.2's iteration holds", () => {
    const { start, after1 } = X25519_ITERATED;
    expect(engine.sharedSecret("X25519", start, start)).toEqual(after1);
  });

  test.each(EXCHANGES)("$source holds from both sides", ({ curve, secretKeys, publicKeys, shared }) => {
    expect(secretKeys.map((key) => engine.agreementPublicKey(curve, key))).toEqual(publicKeys);
    expect(engine.sharedSecret(curve, secretKeys[0], publicKeys[1])).toEqual(shared);
    expect(engine.sharedSecret(curve, secretKeys[1], publicKeys[0])).toEqual(shared);
  });

  test("a P-256 public key serves whole, compressed and as x alone", () => {
    for (const { secretKeys, publicKeys, shared } of EXCHANGES.filter(({ curve }) => curve === "P-256")) {
      const [, point] = publicKeys;
      const otherSign = flip(compressed(point), 0);
      for (const form of [point, compressed(point), otherSign, point.slice(1, 33)]) {
        expect(engine.sharedSecret("P-256", secretKeys[0], form)).toEqual(shared);
      }
    }
  });

  test.each(X25519_LOW_ORDER)("X25519 refuses a point of low order (%#)", (publicKey) => {
    expect(engine.sharedSecret("X25519", SECRET, publicKey)).toBeUndefined();
  });

  test("X25519 takes u modulo the field's prime and without its top bit (RFC 7748 5)", () => {
    const shared = engine.sharedSecret("X25519", SECRET, X25519_ITERATED.start);
    expect(shared).toEqual(engine.agreementPublicKey("X25519", SECRET));
    const prime = Uint8Array.of(0xed, ...new Array<number>(30).fill(0xff), 0x7f);
    const primePlus9 = prime.map((byte, index) => (index === 0 ? byte + 9 : byte));
    const topBit = X25519_ITERATED.start.map((byte, index) => (index === 31 ? byte | 0x80 : byte));
    expect(engine.sharedSecret("X25519", SECRET, primePlus9)).toEqual(shared);
    expect(engine.sharedSecret("X25519", SECRET, topBit)).toEqual(shared);
  });

  test.each<[string, Uint8Array]>([
    ["y is off the curve", flip(BASE, 64)],
    ["x is off the curve, whole", flip(BASE, 32)],
    ["no point has this x, compressed", Uint8Array.of(2, ...bytes32(X_OFF_CURVE))],
    ["no point has this x", bytes32(X_OFF_CURVE)],
    ["x is p more than one that has a point", bytes32(P256_P + X_ON_CURVE)],
    ["the same, compressed", Uint8Array.of(2, ...bytes32(P256_P + X_ON_CURVE))],
    ["y is not below p", Uint8Array.of(4, ...BASE_X, ...new Uint8Array(32).fill(0xff))],
    ["all zeros", new Uint8Array(65)],
    ["x and y are zero", Uint8Array.of(4, ...new Uint8Array(64))],
    ["the point at infinity", Uint8Array.of(0)],
    ["hybrid form", Uint8Array.of(6 + ((BASE[64] ?? 0) & 1), ...BASE.slice(1))],
    ["uncompressed form, compressed length", Uint8Array.of(4, ...BASE_X)],
    ["compressed form, uncompressed length", Uint8Array.of(3, ...BASE.slice(1))],
    ["nothing", new Uint8Array(0)],
    ["one byte too many", Uint8Array.of(...BASE, 0)],
    ["one byte too few", BASE.slice(0, 64)],
  ])("P-256 refuses a public key: %s", (_, publicKey) => {
    expect(engine.sharedSecret("P-256", SECRET, publicKey)).toBeUndefined();
  });

  test("a secret key is 32 random bytes as they are, on P-256 from 1 to n-1", () => {
    const zero = new Uint8Array(32);
    const ones = new Uint8Array(32).fill(0xff);
    for (const bytes of [zero, ones, SECRET]) expect(engine.agreementKey("X25519", bytes)).toEqual(bytes);
    for (const bytes of [zero, ones, bytes32(P256_N), bytes32(P256_N + 1n)]) {
      expect(engine.agreementKey("P-256", bytes)).toBeUndefined();
    }
    for (const bytes of [bytes32(1n), bytes32(P256_N - 1n), SECRET]) {
      expect(engine.agreementKey("P-256", bytes)).toEqual(bytes);
    }
    expect(engine.agreementKey("X25519", SECRET)).not.toBe(SECRET);
  });

  test.each(CURVES)("%s: a secret key that is none is a bug of the caller", (curve) => {
    const publicKey = engine.agreementPublicKey(curve, SECRET);
    const bad: Uint8Array[] = [new Uint8Array(0), new Uint8Array(31).fill(1), new Uint8Array(33).fill(1)];
    if (curve === "P-256") bad.push(new Uint8Array(32), bytes32(P256_N));
    for (const secretKey of bad) {
      expect(() => engine.agreementPublicKey(curve, secretKey)).toThrow();
      expect(() => engine.sharedSecret(curve, secretKey, publicKey)).toThrow();
      expect(() => engine.sharedSecret(curve, secretKey, new Uint8Array(0))).toThrow();
    }
    expect(() => engine.agreementKey(curve, new Uint8Array(31))).toThrow();
  });

  test.each(CURVES)("%s: an array that is filled with another secret key counts as that key", (curve) => {
    const reused = SECRET.slice();
    const before = engine.agreementPublicKey(curve, reused);
    reused.fill(0x43);
    expect(engine.agreementPublicKey(curve, reused)).not.toEqual(before);
    reused.set(SECRET);
    expect(engine.agreementPublicKey(curve, reused)).toEqual(before);
  });
});

describe("engines", () => {
  test("OpenSSL, the quick one, holds through RFC 7748 5.2's 1,000 rounds", () => {
    let scalar = X25519_ITERATED.start;
    let u = X25519_ITERATED.start;
    for (let round = 0; round < 1000; round++) {
      const product = opensslEngine.sharedSecret("X25519", scalar, u);
      u = scalar;
      scalar = product ?? new Uint8Array(0);
    }
    expect(scalar).toEqual(X25519_ITERATED.after1000);
  });

  test.each(CURVES)("agree on %s keys and secrets, each with the other's public key", (curve) => {
    fc.assert(
      fc.property(seed, seed, (a, b) => {
        const keyA = nobleEngine.agreementKey(curve, a);
        const keyB = opensslEngine.agreementKey(curve, b);
        expect(opensslEngine.agreementKey(curve, a)).toEqual(keyA);
        fc.pre(keyA !== undefined && keyB !== undefined);
        const publicA = nobleEngine.agreementPublicKey(curve, keyA);
        const publicB = opensslEngine.agreementPublicKey(curve, keyB);
        expect(opensslEngine.agreementPublicKey(curve, keyA)).toEqual(publicA);
        const shared = nobleEngine.sharedSecret(curve, keyA, publicB);
        expect(shared).toHaveLength(32);
        expect(opensslEngine.sharedSecret(curve, keyB, publicA)).toEqual(shared);
      }),
      { seed: 7748, numRuns: 24 },
    );
  });

  test.each(CURVES)("agree on any bytes as a %s public key and never throw", (curve) => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((x) => Uint8Array.of(3, ...x)),
      fc.uint8Array({ minLength: 64, maxLength: 64 }).map((point) => Uint8Array.of(4, ...point)),
    );
    fc.assert(
      fc.property(anyBytes, (publicKey) => {
        const shared = nobleEngine.sharedSecret(curve, SECRET, publicKey);
        expect(opensslEngine.sharedSecret(curve, SECRET, publicKey)).toEqual(shared);
      }),
      { seed: 5903, numRuns: 40 },
    );
  });
});
