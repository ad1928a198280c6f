// Engines that spoil what is to be tested: they show that the test can fail, and exist nowhere else.
import { concat } from "../../firmware/protocol/bytes.ts";
import { decodeCbor, encodeCbor } from "../../firmware/protocol/cbor.ts";
import { arrayItems } from "../../firmware/protocol/readings/answer-fields.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";

const TAG_BYTES = 8;
/** 2.05 with Content-Format 60, as an answer of a profile has before its body. */
const ANSWER_HEAD = Uint8Array.of(0x45, 0xc1, 60, 0xff);

/** Protects nothing: what is to be sealed goes over the line as it is, before a tag of zeros. */
export function unprotected(engine: CryptoEngine): CryptoEngine {
  return {
    ...engine,
    seal: (_aead, _key, _nonce, _aad, plaintext) => concat(plaintext, new Uint8Array(TAG_BYTES)),
    open: (_aead, _key, _nonce, _aad, sealed) => sealed.slice(0, -TAG_BYTES),
    aesCtr: (_key, _firstCounter, data) => data.slice(),
  };
}

/** Protects, but takes the padding off each profile before: a reader takes such a block too. */
export function unpadded(engine: CryptoEngine): CryptoEngine {
  return {
    ...engine,
    seal: (aead, key, nonce, aad, plaintext) => engine.seal(aead, key, nonce, aad, withoutPadding(plaintext)),
  };
}

/** `[time, block, ? start]` with a bare block; anything else as it is. */
function withoutPadding(plaintext: Uint8Array): Uint8Array {
  if (!ANSWER_HEAD.every((byte, i) => plaintext[i] === byte)) return plaintext;
  const [time, block, ...start] = arrayItems(decodeCbor(plaintext.subarray(ANSWER_HEAD.length))) ?? [];
  if (time === undefined || !(block instanceof Uint8Array) || start.length > 1) return plaintext;
  // The stop bit is the last 1 of a block, so zeros behind it are padding.
  const bare = block.slice(0, block.findLastIndex((byte) => byte !== 0) + 1);
  return concat(ANSWER_HEAD, encodeCbor([time, bare, ...start]));
}
