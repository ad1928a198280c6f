import { describe, expect, test } from "vitest";
import { nobleEngine } from "../../../hal/crypto/noble.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { AEAD_LENGTHS, type AeadName, type CryptoEngine } from "../../../hal/ports/crypto.ts";

/** Every array that an engine gives out, made from arrays that are Buffers. */
function resultsOf(engine: CryptoEngine): (Uint8Array | undefined)[] {
  const data = Buffer.from("0123456789abcdef0123456789abcdef");
  const results: (Uint8Array | undefined)[] = [
    engine.sha256(data),
    engine.hkdfExtract(data, data),
    engine.hkdfExpand(data, data, 20),
  ];
  for (const aead of Object.keys(AEAD_LENGTHS) as AeadName[]) {
    const key = data.subarray(0, AEAD_LENGTHS[aead].keyBytes);
    const nonce = data.subarray(0, AEAD_LENGTHS[aead].nonceBytes);
    const sealed = engine.seal(aead, key, nonce, data, data);
    results.push(sealed, engine.open(aead, key, nonce, data, Buffer.from(sealed)));
  }
  for (const curve of ["X25519", "P-256"] as const) {
    const publicKey = engine.agreementPublicKey(curve, data);
    results.push(engine.agreementKey(curve, data), publicKey, engine.sharedSecret(curve, data, publicKey));
  }
  for (const name of ["EdDSA", "ES256"] as const) {
    results.push(engine.signingPublicKey(name, data), engine.sign(name, data, data));
  }
  return results;
}

describe.each([nobleEngine, opensslEngine])("results of $name", (engine) => {
  test("are plain arrays with memory of their own", () => {
    const results = resultsOf(engine);
    expect(results).toHaveLength(3 + 2 * 4 + 3 * 2 + 2 * 2);
    for (const result of results) {
      expect(result?.constructor).toBe(Uint8Array);
      expect(result?.buffer.byteLength).toBe(result?.length);
    }
  });
});
