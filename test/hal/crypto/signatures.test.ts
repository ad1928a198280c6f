import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nobleEngine } from "../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import type { CryptoEngine, SignatureName } from "../../../hal/ports/crypto.ts";
import { P256_N } from "../../vectors/crypto/agreement.ts";
import { bytes32, hex } from "../../vectors/crypto/hex.ts";
import { ED25519, ES256 } from "../../vectors/crypto/signatures.ts";

const SIGNATURES: readonly SignatureName[] = ["EdDSA", "ES256"];
const ENGINES = [nobleEngine, opensslEngine];
const SECRET = new Uint8Array(32).fill(0x42);
const MESSAGE = Uint8Array.of(1, 2, 3);
const VECTORS = [
  ...ED25519.map((vector) => ({ signature: "EdDSA" as const, ...vector })),
  ...ES256.map((vector) => ({ signature: "ES256" as const, ...vector })),
];

const flip = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, index) => (index === at >> 3 ? byte ^ (1 << (at & 7)) : byte));

const littleEndian = (value: bigint): Uint8Array => bytes32(value).reverse();

/** RFC 8032 5.1.3 encodings of the eight points of order 1, 2, 4 and 8. */
const SMALL_ORDER = [
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  "00".repeat(32),
  `${"00".repeat(31)}80`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
].map(hex);

/** Others that a lenient decoder takes for such points: y of p or p + 1, and -0 for x. */
const SMALL_ORDER_NOT_CANONICAL = [
  `01${"00".repeat(30)}80`,
  `ec${"ff".repeat(31)}`,
  `ed${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(31)}`,
  `ee${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(31)}`,
].map(hex);

const challenge = (commitment: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint =>
  ed25519.Point.Fn.create(bytesToNumberLE(sha512(Uint8Array.of(...commitment, ...publicKey, ...message))));

/** One-byte messages, for forgeries that hold for one in eight of them. */
const MESSAGES = Array.from({ length: 64 }, (_, byte) => Uint8Array.of(byte));

describe.each(ENGINES)("signatures of $name", (engine) => {
  test.each(VECTORS)("the public key of $source is derived, its signature verified", (vector) => {
    const { signature, secretKey, publicKey, message, signed } = vector;
    expect(engine.signingPublicKey(signature, secretKey)).toEqual(publicKey);
    expect(engine.verify(signature, publicKey, message, signed)).toBe(true);
  });

  test.each(ED25519)("$source is signed byte for byte", ({ secretKey, message, signed }) => {
    expect(engine.sign("EdDSA", secretKey, message)).toEqual(signed);
  });

  test("ES256 takes s and n - s alike, and a compressed key, but no x alone: its sign matters here", () => {
    for (const { publicKey, message, signed } of ES256) {
      const s = BigInt(`0x${Buffer.from(signed.slice(32)).toString("hex")}`);
      const mirrored = Uint8Array.of(...signed.slice(0, 32), ...bytes32(P256_N - s));
      expect(engine.verify("ES256", publicKey, message, mirrored)).toBe(true);
      const x = publicKey.slice(1, 33);
      const form = 2 + ((publicKey[64] ?? 0) & 1);
      expect(engine.verify("ES256", Uint8Array.of(form, ...x), message, signed)).toBe(true);
      expect(engine.verify("ES256", Uint8Array.of(form ^ 1, ...x), message, signed)).toBe(false);
      expect(engine.verify("ES256", Uint8Array.of(form + 4, ...publicKey.slice(1)), message, signed)).toBe(
        false,
      );
      expect(engine.verify("ES256", x, message, signed)).toBe(false);
    }
  });

  test.each<[string, bigint, bigint]>([
    ["r = 0", 0n, 1n],
    ["s = 0", 1n, 0n],
    ["r = n", P256_N, 1n],
    ["s = n", 1n, P256_N],
    ["r and s at their largest", 2n ** 256n - 1n, 2n ** 256n - 1n],
  ])("ES256 refuses %s", (_, r, s) => {
    const publicKey = engine.signingPublicKey("ES256", SECRET);
    const signed = Uint8Array.of(...bytes32(r), ...bytes32(s));
    expect(engine.verify("ES256", publicKey, MESSAGE, signed)).toBe(false);
  });

  test("Ed25519 refuses s + L in the place of s (RFC 8032 5.1.7)", () => {
    for (const { publicKey, message, signed } of ED25519) {
      const s = bytesToNumberLE(signed.slice(32));
      const larger = Uint8Array.of(...signed.slice(0, 32), ...littleEndian(s + ed25519.Point.Fn.ORDER));
      expect(engine.verify("EdDSA", publicKey, message, larger)).toBe(false);
    }
  });

  test.each([...SMALL_ORDER, ...SMALL_ORDER_NOT_CANONICAL])(
    "Ed25519 refuses a key of small order, whose signatures hold without a secret (%#)",
    (publicKey) => {
      const forged = Uint8Array.of(1, ...new Uint8Array(63));
      expect(ed25519.verify(forged, MESSAGE, publicKey, { zip215: true })).toBe(true);
      const commitment = forged.slice(0, 32);
      expect(MESSAGES.some((one) => challenge(commitment, publicKey, one) % 8n === 0n)).toBe(true);
      const accepted = MESSAGES.filter((message) => engine.verify("EdDSA", publicKey, message, forged));
      expect(accepted).toEqual([]);
    },
  );

  test("Ed25519 refuses what holds only after multiplication by the cofactor", () => {
    const { Point } = ed25519;
    const torsion = Point.fromBytes(SMALL_ORDER[4] ?? SECRET);
    const publicKey = Point.BASE.multiply(77n).add(torsion).toBytes();
    const commitment = Point.BASE.multiply(99n).toBytes();
    const outcomes = MESSAGES.map((message) => {
      const k = challenge(commitment, publicKey, message);
      const s = Point.Fn.create(99n + k * 77n);
      const signed = Uint8Array.of(...commitment, ...littleEndian(s));
      expect(ed25519.verify(signed, message, publicKey, { zip215: false })).toBe(true);
      expect(engine.verify("EdDSA", publicKey, message, signed)).toBe(k % 8n === 0n);
      return k % 8n === 0n;
    });
    expect(new Set(outcomes)).toEqual(new Set([true, false]));
  });

  test.each(SIGNATURES)("%s: a flipped bit in signature or message, and another key, are refused", (name) => {
    const publicKey = engine.signingPublicKey(name, SECRET);
    const otherKey = engine.signingPublicKey(
      name,
      SECRET.map(() => 0x43),
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.nat({ max: 511 }),
        fc.nat(),
        (message, signatureBit, messageBit) => {
          const signed = engine.sign(name, SECRET, message);
          expect(engine.verify(name, publicKey, message, flip(signed, signatureBit))).toBe(false);
          const otherMessage = flip(message, messageBit % (8 * message.length));
          expect(engine.verify(name, publicKey, otherMessage, signed)).toBe(false);
          expect(engine.verify(name, otherKey, message, signed)).toBe(false);
        },
      ),
      { seed: 8032, numRuns: 12 },
    );
  });

  test.each(SIGNATURES)("%s: a secret key that is none is a bug of the caller", (name) => {
    const bad: Uint8Array[] = [new Uint8Array(0), new Uint8Array(31).fill(1), new Uint8Array(33).fill(1)];
    if (name === "ES256") bad.push(new Uint8Array(32), bytes32(P256_N));
    for (const secretKey of bad) {
      expect(() => engine.signingPublicKey(name, secretKey)).toThrow();
      expect(() => engine.sign(name, secretKey, MESSAGE)).toThrow();
    }
  });

  test("one array can hold secret keys for both signatures, and change", () => {
    const reused = SECRET.slice();
    for (const fill of [0x42, 0x43, 0x42]) {
      reused.fill(fill);
      for (const name of SIGNATURES) {
        const publicKey = engine.signingPublicKey(name, new Uint8Array(32).fill(fill));
        expect(engine.verify(name, publicKey, MESSAGE, engine.sign(name, reused, MESSAGE))).toBe(true);
      }
    }
  });
});

describe("noble", () => {
  test.each(ES256)("signs $source byte for byte, without chance", ({ secretKey, message, signed }) => {
    expect(nobleEngine.sign("ES256", secretKey, message)).toEqual(signed);
  });
});

describe("engines", () => {
  const pairs: readonly [CryptoEngine, CryptoEngine][] = [
    [nobleEngine, opensslEngine],
    [opensslEngine, nobleEngine],
  ];

  test.each(SIGNATURES)("verify each other's %s signatures, which are 64 bytes", (name) => {
    const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(seed, fc.uint8Array({ maxLength: 200 }), (random, message) => {
        const secretKey = nobleEngine.agreementKey("P-256", random);
        fc.pre(secretKey !== undefined);
        for (const [signer, verifier] of pairs) {
          const publicKey = verifier.signingPublicKey(name, secretKey);
          expect(signer.signingPublicKey(name, secretKey)).toEqual(publicKey);
          const signed = signer.sign(name, secretKey, message);
          expect(signed).toHaveLength(64);
          expect(verifier.verify(name, publicKey, message, signed)).toBe(true);
        }
      }),
      { seed: 6979, numRuns: 16 },
    );
  });

  test.each(SIGNATURES)("refuse any bytes as a %s key or signature, and never throw", (name) => {
    const publicKey = nobleEngine.signingPublicKey(name, SECRET);
    const anyKey = fc.oneof(
      fc.constant(publicKey),
      fc.uint8Array({ maxLength: 80 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((x) => Uint8Array.of(2, ...x)),
    );
    const anySignature = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
    );
    fc.assert(
      fc.property(anyKey, anySignature, (key, signed) => {
        for (const engine of ENGINES) expect(engine.verify(name, key, MESSAGE, signed)).toBe(false);
      }),
      { seed: 9053, numRuns: 60 },
    );
  });
});
