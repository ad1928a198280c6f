import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nobleEngine } from "../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { AES_CTR } from "../../vectors/crypto/ctr.ts";

const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe.each([nobleEngine, opensslEngine])("AES-CTR of $name", (engine) => {
  test.each(AES_CTR)(
    "encrypts and decrypts as $source says",
    ({ key, firstCounter, plaintext, ciphertext }) => {
      expect(engine.aesCtr(key, firstCounter, plaintext)).toEqual(ciphertext);
      expect(engine.aesCtr(key, firstCounter, ciphertext)).toEqual(plaintext);
    },
  );

  test("leaves what it was given as it is", () => {
    const [key, counter, data] = [new Uint8Array(16), new Uint8Array(16), new Uint8Array(5)];
    engine.aesCtr(key, counter, data);
    expect([key, counter, data]).toEqual([new Uint8Array(16), new Uint8Array(16), new Uint8Array(5)]);
  });

  test.each([15, 17, 24, 32])("takes no key and no counter block of %s bytes", (length) => {
    expect(() => engine.aesCtr(new Uint8Array(length), new Uint8Array(16), new Uint8Array(1))).toThrow("key");
    expect(() => engine.aesCtr(new Uint8Array(16), new Uint8Array(length), new Uint8Array(1))).toThrow(
      "counter",
    );
  });
});

test("both engines give the same bytes, whatever the length and the counter", () => {
  fc.assert(
    fc.property(bytes16, bytes16, fc.uint8Array({ maxLength: 300 }), (key, counter, data) => {
      expect(nobleEngine.aesCtr(key, counter, data)).toEqual(opensslEngine.aesCtr(key, counter, data));
    }),
    { seed: 9459, numRuns: 200 },
  );
});
