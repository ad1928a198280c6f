import { createCipheriv, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { composeCcm } from "../../../hal/crypto/ccm.ts";
import { nobleAesKey, nobleEngine } from "../../../hal/crypto/noble.ts";
import { opensslAesKey, opensslEngine } from "../../../hal/node/openssl.ts";
import { AEAD_LENGTHS, type AeadName } from "../../../hal/ports/crypto.ts";
import { AEAD_VECTORS, RFC_3610_TAG_8, RFC_3610_TAG_10 } from "../../vectors/crypto/aead.ts";

const NAMES = Object.keys(AEAD_LENGTHS) as AeadName[];
const EMPTY = new Uint8Array(0);

const message = fc.record({
  aead: fc.constantFrom(...NAMES),
  secret: fc.uint8Array({ minLength: 45, maxLength: 45 }),
  aad: fc.uint8Array({ maxLength: 64 }),
  plaintext: fc.uint8Array({ maxLength: 300 }),
});

function keyAndNonce(aead: AeadName, secret: Uint8Array): [Uint8Array, Uint8Array] {
  const { keyBytes, nonceBytes } = AEAD_LENGTHS[aead];
  return [secret.slice(0, keyBytes), secret.slice(32, 32 + nonceBytes)];
}

function flipBit(bytes: Uint8Array, at: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  const bit = at % (8 * bytes.length);
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

describe.each([nobleEngine, opensslEngine])("AEADs of $name", (engine) => {
  test.each(AEAD_VECTORS)("$aead seals and opens $source", ({ aead, key, nonce, aad, plaintext, sealed }) => {
    expect(engine.seal(aead, key, nonce, aad, plaintext)).toEqual(sealed);
    expect(engine.open(aead, key, nonce, aad, sealed)).toEqual(plaintext);
  });

  test("a flipped bit anywhere in ciphertext, tag, additional data, nonce or key opens nothing", () => {
    fc.assert(
      fc.property(message, fc.nat(), ({ aead, secret, aad, plaintext }, at) => {
        const [key, nonce] = keyAndNonce(aead, secret);
        const sealed = engine.seal(aead, key, nonce, aad, plaintext);
        expect(engine.open(aead, key, nonce, aad, flipBit(sealed, at))).toBeUndefined();
        expect(engine.open(aead, key, flipBit(nonce, at), aad, sealed)).toBeUndefined();
        expect(engine.open(aead, flipBit(key, at), nonce, aad, sealed)).toBeUndefined();
        const otherAad = aad.length > 0 ? flipBit(aad, at) : Uint8Array.of(0);
        expect(engine.open(aead, key, nonce, otherAad, sealed)).toBeUndefined();
      }),
      { seed: 3610, numRuns: 40 },
    );
  });

  test("every bit of the tag counts", () => {
    for (const aead of NAMES) {
      const [key, nonce] = keyAndNonce(aead, new Uint8Array(45));
      const tag = engine.seal(aead, key, nonce, EMPTY, EMPTY);
      expect(engine.open(aead, key, nonce, EMPTY, tag)).toEqual(EMPTY);
      for (let bit = 0; bit < 8 * tag.length; bit++) {
        expect(engine.open(aead, key, nonce, EMPTY, flipBit(tag, bit))).toBeUndefined();
      }
    }
  });

  test.each(NAMES)("%s: less than a tag, and a tag cut or lengthened, opens nothing", (aead) => {
    const [key, nonce] = keyAndNonce(aead, new Uint8Array(45));
    const sealed = engine.seal(aead, key, nonce, EMPTY, Uint8Array.of(1, 2, 3));
    for (let length = 0; length < sealed.length; length++) {
      expect(engine.open(aead, key, nonce, EMPTY, sealed.slice(0, length))).toBeUndefined();
    }
    expect(engine.open(aead, key, nonce, EMPTY, Uint8Array.of(...sealed, 0))).toBeUndefined();
  });

  test.each(NAMES)("%s: keys and nonces of the wrong length are bugs of the caller", (aead) => {
    const [key, nonce] = keyAndNonce(aead, new Uint8Array(45));
    const sealed = engine.seal(aead, key, nonce, EMPTY, EMPTY);
    for (const [badKey, badNonce] of [
      [key.slice(1), nonce],
      [Uint8Array.of(0, ...key), nonce],
      [key, nonce.slice(1)],
      [key, Uint8Array.of(0, ...nonce)],
    ] as const) {
      expect(() => engine.seal(aead, badKey, badNonce, EMPTY, EMPTY)).toThrow();
      expect(() => engine.open(aead, badKey, badNonce, EMPTY, sealed)).toThrow();
    }
  });

  test.each(NAMES)("%s: an empty array is empty wherever it lies in memory", (aead) => {
    const [key, nonce] = keyAndNonce(aead, new Uint8Array(45));
    const withoutMemory = new Uint8Array(new ArrayBuffer(0));
    const empties = [withoutMemory, new Uint8Array(0), new Uint8Array(8).subarray(8), randomBytes(0)];
    for (const text of [EMPTY, Uint8Array.of(1, 2, 3)]) {
      const sealed = nobleEngine.seal(aead, key, nonce, EMPTY, text);
      for (const empty of empties) {
        const plaintext = text.length > 0 ? text : empty;
        expect(engine.seal(aead, key, nonce, empty, plaintext)).toEqual(sealed);
        expect(engine.open(aead, key, nonce, empty, sealed)).toEqual(text);
      }
    }
  });

  test("AES-CCM-16 carries up to 65535 bytes: sealing more is a bug, receiving more opens nothing", () => {
    const aead = "AES-CCM-16-64-128";
    const [key, nonce] = keyAndNonce(aead, new Uint8Array(45));
    const longest = new Uint8Array(65535);
    expect(engine.open(aead, key, nonce, EMPTY, engine.seal(aead, key, nonce, EMPTY, longest))).toEqual(
      longest,
    );
    expect(() => engine.seal(aead, key, nonce, EMPTY, new Uint8Array(65536))).toThrow();
    expect(engine.open(aead, key, nonce, EMPTY, new Uint8Array(65536 + 8))).toBeUndefined();
  });
});

describe.each([
  { of: "noble's AES", ccm: composeCcm(nobleAesKey) },
  { of: "OpenSSL's AES", ccm: composeCcm(opensslAesKey) },
])("AES-CCM composed of $of", ({ ccm }) => {
  test.each([
    ...RFC_3610_TAG_8.map((vector) => ({ ...vector, tagBytes: 8 })),
    ...RFC_3610_TAG_10.map((vector) => ({ ...vector, tagBytes: 10 })),
  ])("$source holds", ({ key, nonce, aad, plaintext, sealed, tagBytes }) => {
    expect(ccm.seal(key, nonce, aad, plaintext, tagBytes)).toEqual(sealed);
    expect(ccm.open(key, nonce, aad, sealed, tagBytes)).toEqual(plaintext);
  });

  test("is OpenSSL's own, whatever went before under the same key", () => {
    const keys = [0, 1].map((n) => new Uint8Array(16).fill(n));
    const inputs = fc.record({
      key: fc.constantFrom(...keys),
      nonce: fc.uint8Array({ minLength: 13, maxLength: 13 }),
      aad: fc.uint8Array({ maxLength: 64 }),
      plaintext: fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ minLength: 2000, maxLength: 2100 }),
      ),
      tagBytes: fc.constantFrom(4, 6, 8, 10, 12, 14, 16),
    });
    fc.assert(
      fc.property(inputs, ({ key, nonce, aad, plaintext, tagBytes }) => {
        const sealed = opensslCcm(key, nonce, aad, plaintext, tagBytes);
        expect(ccm.seal(key, nonce, aad, plaintext, tagBytes)).toEqual(sealed);
        expect(ccm.open(key, nonce, aad, sealed, tagBytes)).toEqual(plaintext);
      }),
      { seed: 3610, numRuns: 40 },
    );
  });

  test.each([0xfeff, 0xff00, 0x10000])(
    "additional data of %i bytes is counted as OpenSSL counts it",
    (length) => {
      const inputs = [
        new Uint8Array(16),
        new Uint8Array(13),
        new Uint8Array(length),
        Uint8Array.of(1),
        16,
      ] as const;
      expect(ccm.seal(...inputs)).toEqual(opensslCcm(...inputs));
    },
  );

  test("a key whose array was changed is another key", () => {
    const key = new Uint8Array(16);
    const seal = () => ccm.seal(key, new Uint8Array(13), EMPTY, Uint8Array.of(1), 8);
    const before = seal();
    key[15] = 1;
    const changed = seal();
    expect(changed).toEqual(opensslCcm(key, new Uint8Array(13), EMPTY, Uint8Array.of(1), 8));
    expect(changed).not.toEqual(before);
  });

  test("what was sealed stays as it is when the next call is made", () => {
    const [key, nonce] = [new Uint8Array(16), new Uint8Array(13)];
    const sealed = ccm.seal(key, nonce, EMPTY, new Uint8Array(100).fill(0x55), 8);
    const kept = Uint8Array.from(sealed);
    ccm.seal(key, nonce, EMPTY, new Uint8Array(100).fill(0x77), 8);
    expect(sealed).toEqual(kept);
  });
});

/** Node's CCM, which no engine uses. */
function opensslCcm(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  tagBytes: number,
): Uint8Array {
  const cipher = createCipheriv("aes-128-ccm", key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  // An update at address 0 would leave CCM without its tag.
  const text = cipher.update(Buffer.from(plaintext.length > 0 ? plaintext : Buffer.alloc(1).subarray(1)));
  cipher.final();
  return new Uint8Array(Buffer.concat([text, cipher.getAuthTag()]));
}

describe("engines", () => {
  test("seal to the same bytes and open each other's, from any view into memory", () => {
    fc.assert(
      fc.property(message, fc.integer({ min: 0, max: 7 }), ({ aead, secret, aad, plaintext }, offset) => {
        const view = (bytes: Uint8Array) => Buffer.concat([new Uint8Array(offset), bytes]).subarray(offset);
        const [key, nonce] = keyAndNonce(aead, secret);
        const sealed = nobleEngine.seal(aead, view(key), view(nonce), view(aad), view(plaintext));
        expect(opensslEngine.seal(aead, view(key), view(nonce), view(aad), view(plaintext))).toEqual(sealed);
        expect(sealed.length).toBe(plaintext.length + AEAD_LENGTHS[aead].tagBytes);
        for (const engine of [nobleEngine, opensslEngine]) {
          expect(engine.open(aead, view(key), view(nonce), view(aad), view(sealed))).toEqual(plaintext);
        }
      }),
      { seed: 8613, numRuns: 60 },
    );
  });
});
