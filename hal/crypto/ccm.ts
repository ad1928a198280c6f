import { equalBytes } from "@noble/ciphers/utils.js";

const BLOCK_BYTES = 16;

/** L of RFC 3610, the 16 bits in COSE's names (RFC 9053 4.2); the nonce has the other 13 bytes of a block. */
const LENGTH_FIELD_BYTES = 2;

/** What the length field can say. */
const PLAINTEXT_MAX_BYTES = 0xffff;

/** RFC 3610 2.2: from this length of additional data on, the length takes six bytes, not two. */
const LONG_AAD_BYTES = 0xff00;

/** AES under one key. What it gives may be memory that its next call uses again; whole blocks go in. */
export interface AesKey {
  /** The last block of AES-CBC from an initial vector of zeros. It may write into `blocks`. */
  cbcMac(blocks: Uint8Array): Uint8Array;
  /** Each block for itself. It may write into `blocks`. */
  encryptBlocks(blocks: Uint8Array): Uint8Array;
}

/** AES-CCM with a 13-byte nonce and an even tag length of 4 to 16 (RFC 3610 2). */
export interface AesCcm {
  /** Ciphertext and tag. Throws where the plaintext is longer than 65535 bytes. */
  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    tagBytes: number,
  ): Uint8Array;
  /** Undoes `seal`; undefined where the tag does not hold or the length cannot be (RFC 3610 2.5). */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
    tagBytes: number,
  ): Uint8Array | undefined;
}

/**
 * Composes AES-CCM of `prepareKey`'s AES. A key is prepared once for as long as its array lives and is
 * not changed: to prepare one costs several times what a message of some tens of bytes does.
 */
export function composeCcm(prepareKey: (key: Uint8Array) => AesKey): AesCcm {
  const prepared = new WeakMap<Uint8Array, { readonly copy: Uint8Array; readonly aes: AesKey }>();
  const aesOf = (key: Uint8Array): AesKey => {
    const known = prepared.get(key);
    if (known !== undefined && equalBytes(known.copy, key)) return known.aes;
    const aes = prepareKey(key);
    prepared.set(key, { copy: Uint8Array.from(key), aes });
    return aes;
  };
  return {
    seal(key, nonce, aad, plaintext, tagBytes) {
      const { length } = plaintext;
      if (length > PLAINTEXT_MAX_BYTES) throw new Error("AES-CCM-16 seals at most 65535 bytes");
      const aes = aesOf(key);
      const stream = keyStream(aes, nonce, length);
      const sealed = new Uint8Array(length + tagBytes);
      for (let i = 0; i < length; i++) sealed[i] = at(plaintext, i) ^ at(stream, BLOCK_BYTES + i);
      const mac = cbcMac(aes, nonce, aad, plaintext, tagBytes);
      for (let i = 0; i < tagBytes; i++) sealed[length + i] = at(mac, i) ^ at(stream, i);
      stream.fill(0);
      return sealed;
    },

    open(key, nonce, aad, sealed, tagBytes) {
      const length = sealed.length - tagBytes;
      if (length < 0 || length > PLAINTEXT_MAX_BYTES) return undefined;
      const aes = aesOf(key);
      const stream = keyStream(aes, nonce, length);
      const plaintext = new Uint8Array(length);
      for (let i = 0; i < length; i++) plaintext[i] = at(sealed, i) ^ at(stream, BLOCK_BYTES + i);
      const mac = cbcMac(aes, nonce, aad, plaintext, tagBytes);
      // All bytes are looked at, whichever differ: the time tells nothing.
      let difference = 0;
      for (let i = 0; i < tagBytes; i++) difference |= at(mac, i) ^ at(stream, i) ^ at(sealed, length + i);
      stream.fill(0);
      return difference === 0 ? plaintext : undefined;
    },
  };
}

/**
 * Where blocks are put together, of most messages: memory of their own for each would cost more than
 * the cipher does. What a call leaves in them holds no secret, and the MAC's is all zeros then.
 */
const STREAM_SCRATCH = new Uint8Array(2048);
const MAC_SCRATCH = new Uint8Array(2048);

function take(scratch: Uint8Array, length: number): Uint8Array {
  return length <= scratch.length ? scratch.subarray(0, length) : new Uint8Array(length);
}

/** RFC 3610 2.3: block 0 of the key stream, which covers the MAC, and as many more as `length` bytes need. */
function keyStream(aes: AesKey, nonce: Uint8Array, length: number): Uint8Array {
  const blocks = take(STREAM_SCRATCH, BLOCK_BYTES + roundUpToBlock(length));
  for (let start = 0, counter = 0; start < blocks.length; start += BLOCK_BYTES, counter++) {
    writeBlock(blocks, start, LENGTH_FIELD_BYTES - 1, nonce, counter);
  }
  return aes.encryptBlocks(blocks);
}

/** The whole last block of RFC 3610 2.2's chain; the tag is its first bytes. */
function cbcMac(
  aes: AesKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  tagBytes: number,
): Uint8Array {
  const aadLength = aadLengthField(aad.length);
  const plaintextStart = BLOCK_BYTES + roundUpToBlock(aadLength.length + aad.length);
  const blocks = take(MAC_SCRATCH, plaintextStart + roundUpToBlock(plaintext.length));
  const flags = (aad.length > 0 ? 0x40 : 0) | (((tagBytes - 2) / 2) << 3) | (LENGTH_FIELD_BYTES - 1);
  writeBlock(blocks, 0, flags, nonce, plaintext.length);
  blocks.set(aadLength, BLOCK_BYTES);
  blocks.set(aad, BLOCK_BYTES + aadLength.length);
  blocks.set(plaintext, plaintextStart);
  const mac = aes.cbcMac(blocks);
  blocks.fill(0);
  return mac;
}

/** Flags, nonce and a number of 16 bits: a counter (RFC 3610 2.3) or the plaintext's length (2.2). */
function writeBlock(
  blocks: Uint8Array,
  start: number,
  flags: number,
  nonce: Uint8Array,
  number: number,
): void {
  blocks[start] = flags;
  for (let i = 0; i < nonce.length; i++) blocks[start + 1 + i] = at(nonce, i);
  blocks[start + BLOCK_BYTES - 2] = number >> 8;
  blocks[start + BLOCK_BYTES - 1] = number & 0xff;
}

function aadLengthField(length: number): readonly number[] {
  if (length === 0) return [];
  if (length < LONG_AAD_BYTES) return [length >> 8, length & 0xff];
  return [0xff, 0xfe, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff];
}

function roundUpToBlock(length: number): number {
  return Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES;
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}
