/** What every crypto engine checks in the same way before it computes, so that engines refuse the same inputs. */

import { AEAD_LENGTHS, AES_CTR_LENGTHS, type AeadLengths, type AeadName } from "../ports/crypto.ts";

/** Bytes of a secret key, of an x coordinate of P-256, and of the output of SHA-256. */
export const KEY_BYTES = 32;

/** Bytes of a signature, Ed25519 (RFC 8032 5.1.6) and ES256 (RFC 9053 2.1) alike. */
export const SIGNATURE_BYTES = 64;

/** RFC 5869 2.3: at most 255 blocks of the hash. */
const EXPAND_MAX_BYTES = 255 * KEY_BYTES;

/** Throws unless `bytes` has the `length` that the caller alone is responsible for. */
export function requireLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new Error(`${what} must have ${length} bytes, not ${bytes.length}`);
}

/** Throws where key or nonce do not fit `aead`; gives its lengths. */
export function requireAeadInputs(aead: AeadName, key: Uint8Array, nonce: Uint8Array): AeadLengths {
  const lengths = AEAD_LENGTHS[aead];
  requireLength("An AEAD key", key, lengths.keyBytes);
  requireLength("An AEAD nonce", nonce, lengths.nonceBytes);
  return lengths;
}

/** Throws where key or first counter block are none of AES-CTR's. */
export function requireCtrInputs(key: Uint8Array, firstCounter: Uint8Array): void {
  requireLength("An AES-CTR key", key, AES_CTR_LENGTHS.keyBytes);
  requireLength("A counter block", firstCounter, AES_CTR_LENGTHS.counterBytes);
}

/** Throws where RFC 5869 2.3 does not define HKDF-Expand: a key shorter than the hash, or too much asked for. */
export function requireExpandInputs(pseudorandomKey: Uint8Array, length: number): void {
  if (pseudorandomKey.length < KEY_BYTES) throw new Error("A pseudorandom key must have at least 32 bytes");
  if (!Number.isInteger(length) || length < 0 || length > EXPAND_MAX_BYTES) {
    throw new Error(`HKDF-Expand gives 0 to ${EXPAND_MAX_BYTES} bytes, not ${length}`);
  }
}

/** True for a P-256 point's form in SEC 1 2.3.3, compressed or not; whether it is on the curve is not looked at. */
export function isSec1Point(publicKey: Uint8Array): boolean {
  const [form] = publicKey;
  if (publicKey.length === 1 + 2 * KEY_BYTES) return form === 4;
  return publicKey.length === 1 + KEY_BYTES && (form === 2 || form === 3);
}

/**
 * The SEC 1 form of a P-256 public key for key agreement, or undefined where it has none. To x alone
 * belong two points, P and -P; their shared secrets have the same x, so the even one serves (RFC 9528 3.7).
 */
export function agreementPoint(publicKey: Uint8Array): Uint8Array | undefined {
  if (publicKey.length !== KEY_BYTES) return isSec1Point(publicKey) ? publicKey : undefined;
  const point = new Uint8Array(1 + KEY_BYTES);
  point[0] = 2;
  point.set(publicKey, 1);
  return point;
}

/** What `compute` gives, or undefined where a library throws on what a peer sent. */
export function attempt<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}
