// The security context: RFC 8613 section 3, and what follows from it for every message (5.2, 5.4).
import { AEAD_LENGTHS, type AeadName, type CryptoEngine } from "../../../hal/ports/crypto.ts";
import { concat, EMPTY, equal } from "../bytes.ts";
import { type CborValue, encodeCbor } from "../cbor.ts";
import { AEAD_NUMBERS } from "../cose/algorithms.ts";
import { KeyUse } from "./key-use.ts";

/** What both ends must agree on before: RFC 8613 3.2. The IDs are at most 7 bytes, 6 for a 12-byte nonce. */
export interface ContextParameters {
  readonly masterSecret: Uint8Array;
  /** Without it, empty. */
  readonly masterSalt?: Uint8Array;
  readonly senderId: Uint8Array;
  readonly recipientId: Uint8Array;
  /** Requests carry it as their kid context. */
  readonly idContext?: Uint8Array;
  /** Without it, the one that all must have (RFC 8613 5). */
  readonly aead?: AeadName;
}

/** One of the two ends, as both see it. */
export interface OscoreEnd {
  readonly id: Uint8Array;
  /** The Sender Key of this end. */
  readonly key: Uint8Array;
  /** The nonce of this end's number 0. */
  readonly firstNonce: Uint8Array;
  /** The AAD of this end's requests up to its request_piv, and the length as of an empty one. */
  readonly aadStart: Uint8Array;
}

/** A security context without its numbers and replay window, which are kept apart: nothing in it but `use` changes. */
export interface OscoreContext {
  readonly crypto: CryptoEngine;
  readonly aead: AeadName;
  readonly idContext: Uint8Array | undefined;
  readonly commonIv: Uint8Array;
  /** This end. */
  readonly sender: OscoreEnd;
  /** The peer. */
  readonly recipient: OscoreEnd;
  /** Nobody's: what is refused in any case is opened with it, to take as long as what is not. */
  readonly decoyKey: Uint8Array;
  /** What this end has done with the keys. */
  readonly use: KeyUse;
}

/** The nonce leaves this many bytes to the size of the ID and the number: RFC 8613 5.2. */
const NONCE_BYTES_BESIDE_ID = 6;
const PARTIAL_IV_BYTES = 5;
const OSCORE_VERSION = 1;
/** An Enc_structure (RFC 9052 5.3) without its external_aad: array head, context, empty protected header. */
const ENC_STRUCTURE_START = concat(Uint8Array.of(0x83), encodeCbor("Encrypt0"), encodeCbor(EMPTY));
/** Beside the arrays that the keys of the ends are expanded from, so that it is none of them. */
const DECOY_INFO = encodeCbor("decoy");
/** CBOR's head of a byte string of up to 23 bytes, the length added. */
const SHORT_BYTE_STRING = 0x40;

/**
 * Keys and Common IV from the Master Secret: RFC 8613 3.2.1. IDs that are equal or too long are the
 * caller's bug and throw: with equal IDs both ends would use the same key and nonces.
 */
export function deriveContext(
  crypto: CryptoEngine,
  parameters: ContextParameters,
  use: KeyUse = new KeyUse(),
): OscoreContext {
  const { masterSecret, masterSalt = EMPTY, senderId, recipientId, idContext } = parameters;
  const { aead = "AES-CCM-16-64-128" } = parameters;
  const { keyBytes, nonceBytes } = AEAD_LENGTHS[aead];
  if (equal(senderId, recipientId)) throw new Error("both ends of a context have the same ID");
  const pseudorandomKey = crypto.hkdfExtract(masterSalt, masterSecret);
  const expand = (id: Uint8Array, type: "Key" | "IV", length: number): Uint8Array => {
    const info: CborValue = [id, idContext ?? null, AEAD_NUMBERS[aead], type, length];
    return crypto.hkdfExpand(pseudorandomKey, encodeCbor(info), length);
  };
  const commonIv = expand(EMPTY, "IV", nonceBytes);
  const end = (id: Uint8Array): OscoreEnd => ({
    id,
    key: expand(id, "Key", keyBytes),
    firstNonce: firstNonce(id, commonIv),
    aadStart: aadStart(id, aead),
  });
  const decoyKey = crypto.hkdfExpand(pseudorandomKey, DECOY_INFO, keyBytes);
  const ends = { sender: end(senderId), recipient: end(recipientId) };
  return { crypto, aead, idContext, commonIv, ...ends, decoyKey, use };
}

/** The longest Sender or Recipient ID that this AEAD's nonce has room for: RFC 8613 3.3. */
export function idBytesMax(aead: AeadName): number {
  return AEAD_LENGTHS[aead].nonceBytes - NONCE_BYTES_BESIDE_ID;
}

/** The nonce for the number that `end` gave, as its Partial IV: RFC 8613 5.2. */
export function nonceOf({ firstNonce }: Pick<OscoreEnd, "firstNonce">, partialIv: Uint8Array): Uint8Array {
  const nonce = firstNonce.slice();
  const start = nonce.length - partialIv.length;
  for (let i = 0; i < partialIv.length; i++) nonce[start + i] = at(nonce, start + i) ^ at(partialIv, i);
  return nonce;
}

/** The AAD of a request of `requester` with this Partial IV, and of all its answers: RFC 8613 5.4. */
export function additionalData({ aadStart }: OscoreEnd, partialIv: Uint8Array): Uint8Array {
  const aad = new Uint8Array(aadStart.length + partialIv.length + 2);
  aad.set(aadStart);
  aad[ENC_STRUCTURE_START.length] = at(aad, ENC_STRUCTURE_START.length) + partialIv.length;
  aad[aadStart.length] = SHORT_BYTE_STRING + partialIv.length;
  aad.set(partialIv, aadStart.length + 1);
  aad[aad.length - 1] = SHORT_BYTE_STRING; // no Class I options
  return aad;
}

/** The nonce of number 0 of the end with this ID; as long as the Common IV that is given. */
export function firstNonce(id: Uint8Array, commonIv: Uint8Array): Uint8Array {
  const most = commonIv.length - NONCE_BYTES_BESIDE_ID;
  if (id.length > most) throw new Error(`an ID of ${id.length} bytes, of at most ${most}`);
  const plain = new Uint8Array(commonIv.length);
  plain[0] = id.length;
  plain.set(id, commonIv.length - PARTIAL_IV_BYTES - id.length);
  return plain.map((byte, index) => byte ^ at(commonIv, index));
}

function aadStart(id: Uint8Array, aead: AeadName): Uint8Array {
  const external = encodeCbor([OSCORE_VERSION, [AEAD_NUMBERS[aead]], id, EMPTY, EMPTY]);
  // At most 20 bytes with a Partial IV, as an ID has at most 7: one byte holds the head in any case.
  const head = Uint8Array.of(SHORT_BYTE_STRING + external.length);
  return concat(ENC_STRUCTURE_START, head, external.subarray(0, -2));
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}
