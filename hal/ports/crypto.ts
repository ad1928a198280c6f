/** AEAD algorithms by their IANA COSE names; key, nonce and tag lengths are in {@link AEAD_LENGTHS}. */
export type AeadName = "AES-CCM-16-64-128" | "AES-CCM-16-128-128" | "A128GCM" | "ChaCha20/Poly1305";

export interface AeadLengths {
  readonly keyBytes: number;
  readonly nonceBytes: number;
  readonly tagBytes: number;
}

/** RFC 9053 4.1 to 4.3. */
export const AEAD_LENGTHS: Readonly<Record<AeadName, AeadLengths>> = {
  "AES-CCM-16-64-128": { keyBytes: 16, nonceBytes: 13, tagBytes: 8 },
  "AES-CCM-16-128-128": { keyBytes: 16, nonceBytes: 13, tagBytes: 16 },
  A128GCM: { keyBytes: 16, nonceBytes: 12, tagBytes: 16 },
  "ChaCha20/Poly1305": { keyBytes: 32, nonceBytes: 12, tagBytes: 16 },
};

/** Bytes of the key and of the first counter block of AES-CTR (RFC 9459 4, A128CTR). */
export const AES_CTR_LENGTHS = { keyBytes: 16, counterBytes: 16 } as const;

/** Curves for key agreement: RFC 7748, and secp256r1 of SEC 2. */
export type CurveName = "X25519" | "P-256";

/** Signatures: Ed25519 of RFC 8032 as `EdDSA`; ECDSA on P-256 with SHA-256, 64 bytes r || s, as `ES256`. */
export type SignatureName = "EdDSA" | "ES256";

/**
 * The meter's cryptography, as a crypto engine or a secure element would give it. All calls are
 * synchronous and pure; randomness comes in from outside, with the one exception that an engine
 * may draw its own nonce for ES256.
 *
 * Wrong lengths of keys, nonces and tags are bugs of the caller and throw. What a peer can cause
 * (a bad tag, a bad point, a bad signature) never throws: it gives undefined or false.
 *
 * Public keys: X25519 and Ed25519 32 bytes; P-256 and ES256 65 bytes (04 || x || y) out, and in any
 * of 65, 33 (02 or 03 || x) or 32 bytes (x alone, for key agreement where the sign does not matter).
 * Secret keys are 32 bytes: a scalar for P-256 and ES256 (1 to n-1, big-endian), the seed otherwise.
 */
export interface CryptoEngine {
  readonly name: string;
  sha256(data: Uint8Array): Uint8Array;
  /** HKDF-Extract with SHA-256 (RFC 5869 2.2): a 32-byte pseudorandom key. An empty salt is 32 zero bytes. */
  hkdfExtract(salt: Uint8Array, inputKeyingMaterial: Uint8Array): Uint8Array;
  /** HKDF-Expand with SHA-256 (RFC 5869 2.3): `length` bytes, at most 8160. */
  hkdfExpand(pseudorandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** Ciphertext followed by the tag. */
  seal(
    aead: AeadName,
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Uint8Array;
  /** The plaintext, or undefined where the tag does not hold. */
  open(
    aead: AeadName,
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | undefined;
  /**
   * AES-CTR with a key of 16 bytes from this first counter block on: the same call encrypts and decrypts. It guards
   * nothing, which is for a signature over the ciphertext to do.
   */
  aesCtr(key: Uint8Array, firstCounter: Uint8Array, data: Uint8Array): Uint8Array;
  /** A secret key for key agreement from 32 random bytes, or undefined where these are none (P-256: 0 or >= n). */
  agreementKey(curve: CurveName, randomBytes: Uint8Array): Uint8Array | undefined;
  agreementPublicKey(curve: CurveName, secretKey: Uint8Array): Uint8Array;
  /**
   * The 32-byte shared secret (P-256: its x), or undefined for a public key that is no point on the
   * curve, of low order, or gives the all-zero secret (RFC 7748 6.1, RFC 9528 9.2).
   */
  sharedSecret(curve: CurveName, secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  signingPublicKey(signature: SignatureName, secretKey: Uint8Array): Uint8Array;
  sign(signature: SignatureName, secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** Strict: small-order Ed25519 keys are refused (RFC 8032 5.1.7); both halves of ES256's s are accepted. */
  verify(signature: SignatureName, publicKey: Uint8Array, message: Uint8Array, signed: Uint8Array): boolean;
}
