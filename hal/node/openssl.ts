import {
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  ECDH,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { type AesKey, composeCcm } from "../crypto/ccm.ts";
import {
  agreementPoint,
  attempt,
  isSec1Point,
  KEY_BYTES,
  requireAeadInputs,
  requireCtrInputs,
  requireExpandInputs,
  requireLength,
  SIGNATURE_BYTES,
} from "../crypto/inputs.ts";
import type { AeadName, CryptoEngine } from "../ports/crypto.ts";

const AES_BLOCK_BYTES = 16;

/** The accelerator for hosts with Node: OpenSSL's primitives. Its ES256 signatures draw their own nonces. */
export const opensslEngine: CryptoEngine = {
  name: "openssl",

  sha256: (data) => plain(createHash("sha256").update(data).digest()),

  hkdfExtract: (salt, inputKeyingMaterial) =>
    plain(createHmac("sha256", salt).update(inputKeyingMaterial).digest()),

  hkdfExpand(pseudorandomKey, info, length) {
    requireExpandInputs(pseudorandomKey, length);
    const output = new Uint8Array(Math.ceil(length / KEY_BYTES) * KEY_BYTES);
    let block = new Uint8Array(0);
    for (let offset = 0, count = 1; offset < length; offset += KEY_BYTES, count++) {
      const hmac = createHmac("sha256", pseudorandomKey).update(block).update(info);
      block = hmac.update(Uint8Array.of(count)).digest();
      output.set(block, offset);
    }
    return output.slice(0, length);
  },

  seal(aead, key, nonce, aad, plaintext) {
    const { tagBytes } = requireAeadInputs(aead, key, nonce);
    if (isCcm(aead)) return CCM.seal(key, nonce, aad, plaintext, tagBytes);
    const cipher = createCipheriv(CIPHERS[aead], key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(aad);
    const sealed = new Uint8Array(plaintext.length + tagBytes);
    sealed.set(cipher.update(plaintext));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
    return sealed;
  },

  open(aead, key, nonce, aad, sealed) {
    const { tagBytes } = requireAeadInputs(aead, key, nonce);
    if (isCcm(aead)) return CCM.open(key, nonce, aad, sealed, tagBytes);
    const length = sealed.length - tagBytes;
    if (length < 0) return undefined;
    const decipher = createDecipheriv(CIPHERS[aead], key, nonce, { authTagLength: tagBytes });
    decipher.setAuthTag(sealed.subarray(length));
    return attempt(() => {
      decipher.setAAD(aad);
      const plaintext = plain(decipher.update(sealed.subarray(0, length)));
      decipher.final();
      return plaintext;
    });
  },

  aesCtr(key, firstCounter, data) {
    requireCtrInputs(key, firstCounter);
    return plain(createCipheriv("aes-128-ctr", key, firstCounter).update(data));
  },

  agreementKey(curve, randomBytes) {
    requireLength("Randomness for a key", randomBytes, KEY_BYTES);
    if (curve === "P-256" && attempt(() => p256Pair(randomBytes)) === undefined) return undefined;
    return Uint8Array.from(randomBytes);
  },

  agreementPublicKey(curve, secretKey) {
    return curve === "X25519" ? publicKey25519("X25519", secretKey) : p256PublicKey(secretKey);
  },

  sharedSecret(curve, secretKey, publicKey) {
    return curve === "X25519"
      ? x25519SharedSecret(secretKey, publicKey)
      : p256SharedSecret(secretKey, publicKey);
  },

  signingPublicKey(signature, secretKey) {
    return signature === "EdDSA" ? publicKey25519("Ed25519", secretKey) : p256PublicKey(secretKey);
  },

  sign(signature, secretKey, message) {
    if (signature === "EdDSA") return plain(sign(null, message, secretKeyObject("Ed25519", secretKey)));
    const key = secretKeyObject("P-256", secretKey);
    return plain(sign("sha256", message, { key, dsaEncoding: "ieee-p1363" }));
  },

  verify(signature, publicKey, message, signed) {
    if (signed.length !== SIGNATURE_BYTES) return false;
    const verifyOne = signature === "EdDSA" ? verifyEd25519 : verifyEs256;
    return attempt(() => verifyOne(publicKey, message, signed)) ?? false;
  },
};

type CcmName = Extract<AeadName, `AES-CCM${string}`>;

function isCcm(aead: AeadName): aead is CcmName {
  return aead.startsWith("AES-CCM");
}

/** By what OpenSSL calls them. */
const CIPHERS: Readonly<Record<Exclude<AeadName, CcmName>, CipherGCMTypes>> = {
  A128GCM: "aes-128-gcm",
  // Node's types tell it apart from the other; it takes the same calls.
  "ChaCha20/Poly1305": "chacha20-poly1305" as CipherGCMTypes,
};

/**
 * AES by two ciphers that stay: Node makes a new one for each message of its own CCM, which takes half as long
 * again and leaves an object to be collected.
 */
export function opensslAesKey(key: Uint8Array): AesKey {
  const chain = createCipheriv("aes-128-cbc", key, new Uint8Array(AES_BLOCK_BYTES)).setAutoPadding(false);
  const single = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
  const last = new Uint8Array(AES_BLOCK_BYTES);
  return {
    cbcMac(blocks) {
      // The chain goes on from its last block, which therefore has to cancel out.
      for (let i = 0; i < AES_BLOCK_BYTES; i++) blocks[i] = (blocks[i] as number) ^ (last[i] as number);
      last.set(chain.update(blocks).subarray(-AES_BLOCK_BYTES));
      return last;
    },
    encryptBlocks: (blocks) => single.update(blocks),
  };
}

const CCM = composeCcm(opensslAesKey);

/** A copy that is no Buffer and shares no pool. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

type KeyCurve = "X25519" | "Ed25519" | "P-256";

interface ImportedKey {
  readonly curve: KeyCurve;
  readonly encoded: string;
  readonly key: KeyObject;
}

/**
 * Importing a secret key costs as much as using it once, for OpenSSL computes the public key each
 * time. An import lasts as long as the array that it came from, and is made anew if that was changed.
 */
const imported = new WeakMap<Uint8Array, ImportedKey>();

function secretKeyObject(curve: KeyCurve, secretKey: Uint8Array): KeyObject {
  requireLength("A secret key", secretKey, KEY_BYTES);
  const encoded = base64url(secretKey);
  const known = imported.get(secretKey);
  if (known?.curve === curve && known.encoded === encoded) return known.key;
  // RFC 8037 2 wants x beside d in a JSON Web Key; Node checks that there is one and reads d alone.
  const half = curve === "P-256" ? p256Jwk(p256PublicKey(secretKey)) : { kty: "OKP", crv: curve, x: "" };
  const key = createPrivateKey({ key: { ...half, d: encoded }, format: "jwk" });
  imported.set(secretKey, { curve, encoded, key });
  return key;
}

/** The `x` of the key as a JSON Web Key (RFC 8037 2), which OpenSSL writes quicker than DER. */
function publicKey25519(curve: "X25519" | "Ed25519", secretKey: Uint8Array): Uint8Array {
  const { x } = secretKeyObject(curve, secretKey).export({ format: "jwk" });
  return plain(Buffer.from(String(x), "base64url"));
}

function publicKeyObject25519(curve: "X25519" | "Ed25519", publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: curve, x: base64url(publicKey) }, format: "jwk" });
}

function x25519SharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  const privateKey = secretKeyObject("X25519", secretKey);
  return attempt(() =>
    plain(diffieHellman({ privateKey, publicKey: publicKeyObject25519("X25519", publicKey) })),
  );
}

/** Throws where the scalar is 0, or n or more. */
function p256Pair(secretKey: Uint8Array): ECDH {
  requireLength("A secret key", secretKey, KEY_BYTES);
  const pair = createECDH("prime256v1");
  pair.setPrivateKey(secretKey);
  return pair;
}

function p256PublicKey(secretKey: Uint8Array): Uint8Array {
  return plain(p256Pair(secretKey).getPublicKey());
}

function p256SharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  const pair = p256Pair(secretKey);
  const point = agreementPoint(publicKey);
  return point && attempt(() => plain(pair.computeSecret(point)));
}

/** Takes a point of 65 bytes. */
function p256Jwk(point: Uint8Array): JsonWebKey {
  const x = base64url(point.subarray(1, 1 + KEY_BYTES));
  return { kty: "EC", crv: "P-256", x, y: base64url(point.subarray(1 + KEY_BYTES)) };
}

/** Throws where the point is not on the curve. */
function verifyEs256(publicKey: Uint8Array, message: Uint8Array, signed: Uint8Array): boolean {
  if (!isSec1Point(publicKey)) return false;
  const point = Buffer.from(ECDH.convertKey(publicKey, "prime256v1", undefined, "hex").toString(), "hex");
  const key = createPublicKey({ key: p256Jwk(point), format: "jwk" });
  return verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signed);
}

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signed: Uint8Array): boolean {
  if (!isStrictEd25519Key(publicKey)) return false;
  return verify(null, message, publicKeyObject25519("Ed25519", publicKey), signed);
}

/** 2^255 - 19, big-endian. */
const FIELD_ORDER = Buffer.from(`7f${"ff".repeat(30)}ed`, "hex");

/** y of the eight points whose order divides the cofactor, big-endian: orders 1, 2, 4 and, twice, 8. */
const SMALL_ORDER_Y: ReadonlySet<string> = new Set([
  `${"00".repeat(31)}01`,
  `7f${"ff".repeat(30)}ec`,
  "00".repeat(32),
  "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
  "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
]);

/** OpenSSL 3.0 takes keys of small order, and y not below 2^255 - 19, which RFC 8032 5.1.3 refuses. */
function isStrictEd25519Key(publicKey: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES) return false;
  const y = Buffer.from(publicKey).reverse();
  y.writeUInt8(y.readUInt8() & 0x7f);
  return y.compare(FIELD_ORDER) < 0 && !SMALL_ORDER_Y.has(y.toString("hex"));
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64url");
}
