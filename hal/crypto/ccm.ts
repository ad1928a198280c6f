import { cbc, ctr } from "@noble/ciphers/aes.js";
import { equalBytes } from "@noble/ciphers/utils.js";

const BLOCK_BYTES = 16;

/** L of RFC 3610, the 16 bits in COSE's names (RFC 9053 4.2); the nonce has the other 13 bytes of a block. */
const LENGTH_FIELD_BYTES = 2;

/** What the length field can say. */
const PLAINTEXT_MAX_BYTES = 0xffff;

/** RFC 3610 2.2: from this length of additional data on, the length takes six bytes, not two. */
const LONG_AAD_BYTES = 0xff00;

/**
 * AES-CCM with a 13-byte nonce (RFC 3610 2), composed of AES-CTR and CBC-MAC.
 * Takes an AES key of 16, 24 or 32 bytes and an even tag length of 4 to 16; gives ciphertext and tag.
 * Throws where the plaintext is longer than 65535 bytes.
 */
export function ccmSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  tagBytes: number,
): Uint8Array {
  if (plaintext.length > PLAINTEXT_MAX_BYTES) throw new Error("AES-CCM-16 seals at most 65535 bytes");
  const text = new Uint8Array(BLOCK_BYTES + plaintext.length);
  text.set(cbcMac(key, nonce, aad, plaintext, tagBytes));
  text.set(plaintext, BLOCK_BYTES);
  const encrypted = applyKeyStream(key, nonce, text);
  const sealed = new Uint8Array(plaintext.length + tagBytes);
  sealed.set(encrypted.subarray(BLOCK_BYTES));
  sealed.set(encrypted.subarray(0, tagBytes), plaintext.length);
  return sealed;
}

/** Undoes {@link ccmSeal}; undefined where the tag does not hold or the length cannot be (RFC 3610 2.5). */
export function ccmOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
  tagBytes: number,
): Uint8Array | undefined {
  const length = sealed.length - tagBytes;
  if (length < 0 || length > PLAINTEXT_MAX_BYTES) return undefined;
  const encrypted = new Uint8Array(BLOCK_BYTES + length);
  encrypted.set(sealed.subarray(length));
  encrypted.set(sealed.subarray(0, length), BLOCK_BYTES);
  const text = applyKeyStream(key, nonce, encrypted);
  const plaintext = text.slice(BLOCK_BYTES);
  const mac = cbcMac(key, nonce, aad, plaintext, tagBytes);
  return equalBytes(text.subarray(0, tagBytes), mac.subarray(0, tagBytes)) ? plaintext : undefined;
}

/** RFC 3610 2.3: block 0 of the key stream covers the MAC, which therefore stands first in `text`. */
function applyKeyStream(key: Uint8Array, nonce: Uint8Array, text: Uint8Array): Uint8Array {
  const counter = new Uint8Array(BLOCK_BYTES);
  counter[0] = LENGTH_FIELD_BYTES - 1;
  counter.set(nonce, 1);
  return ctr(key, counter).encrypt(text);
}

/** The whole last block of RFC 3610 2.2's chain; the tag is its first bytes. */
function cbcMac(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  tagBytes: number,
): Uint8Array {
  const aadLength = aadLengthField(aad.length);
  const plaintextStart = BLOCK_BYTES + roundUpToBlock(aadLength.length + aad.length);
  const blocks = new Uint8Array(plaintextStart + roundUpToBlock(plaintext.length));
  blocks[0] = (aad.length > 0 ? 0x40 : 0) | (((tagBytes - 2) / 2) << 3) | (LENGTH_FIELD_BYTES - 1);
  blocks.set(nonce, 1);
  blocks[BLOCK_BYTES - 2] = plaintext.length >> 8;
  blocks[BLOCK_BYTES - 1] = plaintext.length;
  blocks.set(aadLength, BLOCK_BYTES);
  blocks.set(aad, BLOCK_BYTES + aadLength.length);
  blocks.set(plaintext, plaintextStart);
  const chain = cbc(key, new Uint8Array(BLOCK_BYTES), { disablePadding: true }).encrypt(blocks);
  return chain.subarray(chain.length - BLOCK_BYTES);
}

function aadLengthField(length: number): readonly number[] {
  if (length === 0) return [];
  if (length < LONG_AAD_BYTES) return [length >> 8, length & 0xff];
  return [0xff, 0xfe, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff];
}

function roundUpToBlock(length: number): number {
  return Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES;
}
