// How EDHOC derives its keys: RFC 9528 4, and the transcript hashes and ciphers of section 5.
import { AEAD_LENGTHS, type CryptoEngine } from "../../../hal/ports/crypto.ts";
import { concat, EMPTY } from "../bytes.ts";
import { encodeCbor, encodeCborSequence } from "../cbor.ts";
import type { Authentication, CipherSuite } from "./suites.ts";

/** Labels of EDHOC_KDF: RFC 9528 4.1.2, and appendix H for the key update. */
export const KDF_LABEL = {
  keystream2: 0,
  salt3e2m: 1,
  mac2: 2,
  key3: 3,
  iv3: 4,
  salt4e3m: 5,
  mac3: 6,
  prkOut: 7,
  key4: 8,
  iv4: 9,
  prkExporter: 10,
  keyUpdate: 11,
} as const;

/** SHA-256, the hash of all our suites. */
export const HASH_BYTES = 32;

/** EDHOC_KDF (RFC 9528 4.1.2): `length` bytes, at most 8160. */
export function edhocKdf(
  crypto: CryptoEngine,
  prk: Uint8Array,
  label: number,
  context: Uint8Array,
  length: number,
): Uint8Array {
  return crypto.hkdfExpand(prk, encodeCborSequence([label, context, length]), length);
}

/** TH_2 = H( G_Y, H(message_1) ), of G_Y and H(message_1). */
export function transcriptHash2(
  crypto: CryptoEngine,
  publicKey: Uint8Array,
  message1Hash: Uint8Array,
): Uint8Array {
  return crypto.sha256(encodeCborSequence([publicKey, message1Hash]));
}

/** TH_3 = H( TH_2, PLAINTEXT_2, CRED_R ) and TH_4 = H( TH_3, PLAINTEXT_3, CRED_I ). */
export function nextTranscriptHash(
  crypto: CryptoEngine,
  transcriptHash: Uint8Array,
  plaintext: Uint8Array,
  credential: Uint8Array,
): Uint8Array {
  return crypto.sha256(concat(encodeCbor(transcriptHash), plaintext, credential));
}

/** One side's halves of a Diffie-Hellman: for G_RX the responder has R and G_X, the initiator X and G_R. */
export interface KeyHalves {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** The key before the party of this message is authenticated: PRK_2e and TH_2, or PRK_3e2m and TH_3. */
export interface Unauthenticated {
  readonly message: 2 | 3;
  readonly prk: Uint8Array;
  readonly transcriptHash: Uint8Array;
}

/**
 * PRK_3e2m or PRK_4e3m (RFC 9528 4.1.1): the key from before where the party signs, else one with its
 * static key in it. Undefined for a bad public key.
 */
export function authenticatedPrk(
  crypto: CryptoEngine,
  suite: CipherSuite,
  authentication: Authentication,
  { message, prk, transcriptHash }: Unauthenticated,
  { secretKey, publicKey }: KeyHalves,
): Uint8Array | undefined {
  if (authentication === "signature") return prk;
  const shared = crypto.sharedSecret(suite.curve, secretKey, publicKey);
  if (shared === undefined) return undefined;
  const label = message === 2 ? KDF_LABEL.salt3e2m : KDF_LABEL.salt4e3m;
  return crypto.hkdfExtract(edhocKdf(crypto, prk, label, transcriptHash, HASH_BYTES), shared);
}

/** PLAINTEXT_2 to CIPHERTEXT_2 and back: a key stream as long as the text, without integrity. */
export function applyKeystream2(
  crypto: CryptoEngine,
  prk2e: Uint8Array,
  transcriptHash: Uint8Array,
  text: Uint8Array,
): Uint8Array {
  const keystream = edhocKdf(crypto, prk2e, KDF_LABEL.keystream2, transcriptHash, text.length);
  return keystream.map((byte, i) => byte ^ (text[i] as number));
}

/** What seals message_3 (PRK_3e2m, TH_3) or message_4 (PRK_4e3m, TH_4). */
export interface MessageSeal {
  readonly message: 3 | 4;
  readonly prk: Uint8Array;
  readonly transcriptHash: Uint8Array;
}

/** CIPHERTEXT_3 or CIPHERTEXT_4 (RFC 9528 5.4.2, 5.5.2). */
export function sealCiphertext(
  crypto: CryptoEngine,
  suite: CipherSuite,
  seal: MessageSeal,
  plaintext: Uint8Array,
): Uint8Array {
  const { key, nonce, aad } = sealKeys(crypto, suite, seal);
  return crypto.seal(suite.aead, key, nonce, aad, plaintext);
}

/** The plaintext, or undefined where the ciphertext is not of this session. */
export function openCiphertext(
  crypto: CryptoEngine,
  suite: CipherSuite,
  seal: MessageSeal,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  if (ciphertext.length < AEAD_LENGTHS[suite.aead].tagBytes) return undefined;
  const { key, nonce, aad } = sealKeys(crypto, suite, seal);
  return crypto.open(suite.aead, key, nonce, aad, ciphertext);
}

function sealKeys(
  crypto: CryptoEngine,
  { aead }: CipherSuite,
  { message, prk, transcriptHash }: MessageSeal,
) {
  const [keyLabel, ivLabel] =
    message === 3 ? [KDF_LABEL.key3, KDF_LABEL.iv3] : [KDF_LABEL.key4, KDF_LABEL.iv4];
  const { keyBytes, nonceBytes } = AEAD_LENGTHS[aead];
  return {
    key: edhocKdf(crypto, prk, keyLabel, transcriptHash, keyBytes),
    nonce: edhocKdf(crypto, prk, ivLabel, transcriptHash, nonceBytes),
    aad: encodeCbor(["Encrypt0", EMPTY, transcriptHash]),
  };
}
