import { ctr, gcm, unsafe } from "@noble/ciphers/aes.js";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { equalBytes, swap32IfBE } from "@noble/ciphers/utils.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import type { AeadName, CryptoEngine, CurveName, SignatureName } from "../ports/crypto.ts";
import { type AesKey, composeCcm } from "./ccm.ts";
import {
  agreementPoint,
  attempt,
  KEY_BYTES,
  requireAeadInputs,
  requireCtrInputs,
  requireExpandInputs,
  requireLength,
  SIGNATURE_BYTES,
} from "./inputs.ts";

/** The portable engine: plain script, runs wherever the firmware does. Its ES256 signatures are RFC 6979's. */
export const nobleEngine: CryptoEngine = {
  name: "noble",

  sha256: (data) => sha256(data),

  hkdfExtract: (salt, inputKeyingMaterial) => extract(sha256, inputKeyingMaterial, salt),

  hkdfExpand(pseudorandomKey, info, length) {
    requireExpandInputs(pseudorandomKey, length);
    return expand(sha256, pseudorandomKey, info, length);
  },

  seal(aead, key, nonce, aad, plaintext) {
    const { tagBytes } = requireAeadInputs(aead, key, nonce);
    const cipher = nobleCipher(aead);
    return cipher
      ? cipher(key, nonce, aad).encrypt(plaintext)
      : CCM.seal(key, nonce, aad, plaintext, tagBytes);
  },

  open(aead, key, nonce, aad, sealed) {
    const { tagBytes } = requireAeadInputs(aead, key, nonce);
    const cipher = nobleCipher(aead);
    if (cipher === undefined) return CCM.open(key, nonce, aad, sealed, tagBytes);
    return attempt(() => cipher(key, nonce, aad).decrypt(sealed));
  },

  aesCtr(key, firstCounter, data) {
    requireCtrInputs(key, firstCounter);
    return ctr(key, firstCounter).encrypt(data);
  },

  agreementKey(curve, randomBytes) {
    requireLength("Randomness for a key", randomBytes, KEY_BYTES);
    if (curve === "P-256" && !p256.utils.isValidSecretKey(randomBytes)) return undefined;
    return Uint8Array.from(randomBytes);
  },

  agreementPublicKey(curve, secretKey) {
    requireSecretKey(curve, secretKey);
    return curve === "X25519" ? x25519.getPublicKey(secretKey) : p256.getPublicKey(secretKey, false);
  },

  sharedSecret(curve, secretKey, publicKey) {
    requireSecretKey(curve, secretKey);
    if (curve === "X25519") return attempt(() => x25519.getSharedSecret(secretKey, publicKey));
    return p256SharedSecret(secretKey, publicKey);
  },

  signingPublicKey(signature, secretKey) {
    requireSecretKey(signature, secretKey);
    return signature === "EdDSA" ? ed25519.getPublicKey(secretKey) : p256.getPublicKey(secretKey, false);
  },

  sign(signature, secretKey, message) {
    requireSecretKey(signature, secretKey);
    if (signature === "EdDSA") return ed25519.sign(message, secretKey);
    return p256.sign(message, secretKey, { lowS: false });
  },

  verify(signature, publicKey, message, signed) {
    const verifyOne = signature === "EdDSA" ? verifyEd25519 : verifyEs256;
    return attempt(() => verifyOne(publicKey, message, signed)) ?? false;
  },
};

/**
 * AES by the library's single rounds: its modes expand the key anew for each message. Words are
 * little-endian there.
 */
export function nobleAesKey(key: Uint8Array): AesKey {
  const schedule = unsafe.expandKeyLE(key);
  const lastWords = new Uint32Array(4);
  const last = new Uint8Array(lastWords.buffer);
  return {
    cbcMac(blocks) {
      const words = wordsOf(blocks);
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let i = 0; i < words.length; i += 4) {
        s0 ^= word(words, i);
        s1 ^= word(words, i + 1);
        s2 ^= word(words, i + 2);
        s3 ^= word(words, i + 3);
        ({ s0, s1, s2, s3 } = unsafe.encrypt(schedule, s0, s1, s2, s3));
      }
      lastWords.set([s0, s1, s2, s3]);
      swap32IfBE(lastWords);
      return last;
    },

    encryptBlocks(blocks) {
      const words = wordsOf(blocks);
      for (let i = 0; i < words.length; i += 4) {
        const [w0, w1, w2, w3] = [word(words, i), word(words, i + 1), word(words, i + 2), word(words, i + 3)];
        const { s0, s1, s2, s3 } = unsafe.encrypt(schedule, w0, w1, w2, w3);
        words[i] = s0;
        words[i + 1] = s1;
        words[i + 2] = s2;
        words[i + 3] = s3;
      }
      swap32IfBE(words);
      return blocks;
    },
  };
}

/** A view of whole blocks, which start where words do. */
function wordsOf(blocks: Uint8Array): Uint32Array {
  return swap32IfBE(new Uint32Array(blocks.buffer, blocks.byteOffset, blocks.length / 4));
}

function word(words: Uint32Array, index: number): number {
  return words[index] as number;
}

const CCM = composeCcm(nobleAesKey);

/** The library's own cipher, which throws on a bad tag; undefined for AES-CCM, which it has not. */
function nobleCipher(aead: AeadName): typeof gcm | typeof chacha20poly1305 | undefined {
  if (aead === "A128GCM") return gcm;
  return aead === "ChaCha20/Poly1305" ? chacha20poly1305 : undefined;
}

function requireSecretKey(use: CurveName | SignatureName, secretKey: Uint8Array): void {
  requireLength("A secret key", secretKey, KEY_BYTES);
  const isScalar = use === "P-256" || use === "ES256";
  if (isScalar && !p256.utils.isValidSecretKey(secretKey)) throw new Error("A P-256 secret key is 1 to n-1");
}

function p256SharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  const point = agreementPoint(publicKey);
  if (point === undefined) return undefined;
  const compressed = attempt(() => p256.getSharedSecret(secretKey, point));
  return compressed?.slice(1);
}

function verifyEs256(publicKey: Uint8Array, message: Uint8Array, signed: Uint8Array): boolean {
  return p256.verify(signed, message, publicKey, { lowS: false });
}

/**
 * RFC 8032 5.1.7 with the equation that does without the cofactor, compared as bytes. The library's
 * own check multiplies by the cofactor; OpenSSL's does not, and a crafted signature tells them apart.
 * Throws where a point is none, and where s is not below the group's order.
 */
function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signed: Uint8Array): boolean {
  requireLength("A signature", signed, SIGNATURE_BYTES);
  const { Point } = ed25519;
  const key = Point.fromBytes(publicKey);
  if (key.isSmallOrder()) return false;
  const commitment = signed.subarray(0, KEY_BYTES);
  const digest = sha512.create().update(commitment).update(publicKey).update(message).digest();
  const challenge = Point.Fn.create(bytesToNumberLE(digest));
  const product = Point.BASE.multiplyUnsafe(bytesToNumberLE(signed.subarray(KEY_BYTES)));
  return equalBytes(product.subtract(key.multiplyUnsafe(challenge)).toBytes(), commitment);
}
