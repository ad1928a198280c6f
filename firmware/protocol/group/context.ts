// The security context of a group: RFC 10021 section 2, with the algorithms of GROUP_ALGORITHMS.
import {
  AEAD_LENGTHS,
  AES_CTR_LENGTHS,
  type AeadName,
  type CryptoEngine,
} from "../../../hal/ports/crypto.ts";
import { concat, EMPTY, equal } from "../bytes.ts";
import { type CborValue, encodeCbor } from "../cbor.ts";
import type { Credential } from "../cose/credential.ts";
import { firstNonce } from "../oscore/context.ts";
import { KeyUse } from "../oscore/key-use.ts";
import { GROUP_ALGORITHMS } from "./algorithms.ts";

/** A party as the others of a group know it. */
export interface GroupParty {
  readonly id: Uint8Array;
  /** Its group credential. */
  readonly credential: Credential;
}

/** What one end must know of one epoch of a group. */
export interface GroupParameters {
  readonly gid: Uint8Array;
  readonly masterSecret: Uint8Array;
  readonly masterSalt: Uint8Array;
  /** The group manager's group credential. */
  readonly manager: Credential;
  readonly own: GroupParty;
  /** The secret key of the own group credential. */
  readonly signingSecretKey: Uint8Array;
}

/** A party with what follows from its Sender ID. */
export interface GroupEnd {
  readonly id: Uint8Array;
  /** The bytes of its group credential. */
  readonly credential: Uint8Array;
  readonly publicKey: Uint8Array;
  /** Its Sender Key: what it sends in group mode. */
  readonly key: Uint8Array;
  /** The nonces of its number 0 in group mode, 12 bytes, and in pairwise mode, 13 (RFC 10021 3.3). */
  readonly groupNonce: { readonly firstNonce: Uint8Array };
  readonly pairwiseNonce: { readonly firstNonce: Uint8Array };
}

/** A security context without its numbers and replay windows, which are kept apart. */
export interface GroupContext {
  readonly crypto: CryptoEngine;
  readonly gid: Uint8Array;
  readonly own: GroupEnd;
  readonly signingSecretKey: Uint8Array;
  readonly signatureEncryptionKey: Uint8Array;
  /** The bytes of the group manager's group credential. */
  readonly manager: Uint8Array;
  /** What any other party is in this context. */
  endOf(party: GroupParty): GroupEnd;
}

/** Two parties of a group, seen from one of them. */
export interface GroupPair {
  readonly group: GroupContext;
  readonly peer: GroupEnd;
  /** The Pairwise Sender Key and the Pairwise Recipient Key. */
  readonly senderKey: Uint8Array;
  readonly recipientKey: Uint8Array;
  /** What this end has done with these two. */
  readonly use: KeyUse;
}

export const PAIRWISE_AEAD: AeadName = "AES-CCM-16-64-128";
/** Of A128CTR's counter block the nonce has these, the counter the rest (RFC 10021 2.1.7). */
const GROUP_NONCE_BYTES = 12;
const PAIRWISE_LENGTHS = AEAD_LENGTHS[PAIRWISE_AEAD];
/** The longer of the two nonces (RFC 10021 2.1.4). */
const COMMON_IV_BYTES = Math.max(PAIRWISE_LENGTHS.nonceBytes, GROUP_NONCE_BYTES);

/** Keys and Common IV from the Master Secret: RFC 10021 2.1.9 and 2.3. */
export function deriveGroup(crypto: CryptoEngine, parameters: GroupParameters): GroupContext {
  const { gid, masterSecret, masterSalt, manager, own, signingSecretKey } = parameters;
  const pseudorandomKey = crypto.hkdfExtract(masterSalt, masterSecret);
  const expand = (id: Uint8Array, type: "Key" | "IV" | "SEKey", length: number): Uint8Array => {
    const info = keyInfo(id, gid, GROUP_ALGORITHMS.groupEncryption, type, length);
    return crypto.hkdfExpand(pseudorandomKey, info, length);
  };
  const commonIv = expand(EMPTY, "IV", COMMON_IV_BYTES);
  const endOf = ({ id, credential }: GroupParty): GroupEnd => ({
    id,
    credential: credential.bytes,
    publicKey: credential.key.publicKey,
    key: expand(id, "Key", AES_CTR_LENGTHS.keyBytes),
    groupNonce: { firstNonce: firstNonce(id, commonIv.subarray(0, GROUP_NONCE_BYTES)) },
    pairwiseNonce: { firstNonce: firstNonce(id, commonIv.subarray(0, PAIRWISE_LENGTHS.nonceBytes)) },
  });
  const signatureEncryptionKey = expand(EMPTY, "SEKey", AES_CTR_LENGTHS.keyBytes);
  const fixed = { crypto, gid, signingSecretKey, signatureEncryptionKey, manager: manager.bytes };
  return { ...fixed, own: endOf(own), endOf };
}

/**
 * The pairwise keys of this end and another party (RFC 10021 2.5.1), or undefined where that one's public key is no point
 * on the curve. A party with this end's own ID is the caller's bug and throws.
 */
export function pairWith(group: GroupContext, party: GroupParty, use = new KeyUse()): GroupPair | undefined {
  const { crypto, gid, own, signingSecretKey } = group;
  if (equal(party.id, own.id)) throw new Error("two parties of a group have the same ID");
  const peer = group.endOf(party);
  const secret = crypto.sharedSecret("P-256", signingSecretKey, peer.publicKey);
  if (secret === undefined) return undefined;
  const { keyBytes } = PAIRWISE_LENGTHS;
  const keyOf = (from: GroupEnd, to: GroupEnd): Uint8Array => {
    const keyingMaterial = concat(from.credential, to.credential, secret);
    const info = keyInfo(from.id, gid, GROUP_ALGORITHMS.aead, "Key", keyBytes);
    return crypto.hkdfExpand(crypto.hkdfExtract(from.key, keyingMaterial), info, keyBytes);
  };
  return { group, peer, senderKey: keyOf(own, peer), recipientKey: keyOf(peer, own), use };
}

/** RFC 8613 3.2.1. */
function keyInfo(
  id: Uint8Array,
  gid: Uint8Array,
  algorithm: number,
  type: string,
  length: number,
): Uint8Array {
  const info: CborValue = [id, gid, algorithm, type, length];
  return encodeCbor(info);
}
