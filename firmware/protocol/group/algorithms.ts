// Which algorithms a group of ours has: these and no others (RFC 10021 2.1).
import { AEAD_NUMBERS, ES256 } from "../cose/algorithms.ts";
import type { GroupAlgorithms } from "../readings/membership.ts";

/** AES-CTR with a key of 16 bytes (RFC 9459 4). */
const A128CTR = -65534;
/** ECDH-SS + HKDF-256 (RFC 9053 6.3.1). */
const ECDH_SS_HKDF_256 = -27;
/** HMAC 256/256 (RFC 9053 3.1), by which RFC 10021 2.1.10 means HKDF with SHA-256. */
const HMAC_256_256 = 5;

/**
 * The countersignature alone guards what is sent to a group. Over a ciphertext with a tag of 8 bytes it would guard
 * 32 bits of it at the most (RFC 10021 14.16): so the cipher of the group mode has no tag.
 */
export const GROUP_ALGORITHMS: GroupAlgorithms = {
  aead: AEAD_NUMBERS["AES-CCM-16-64-128"],
  groupEncryption: A128CTR,
  signature: ES256,
  keyAgreement: ECDH_SS_HKDF_256,
  hkdf: HMAC_256_256,
};

/** True for {@link GROUP_ALGORITHMS}; a group with any other is refused. */
export function areOurs(algorithms: GroupAlgorithms): boolean {
  const names = Object.keys(GROUP_ALGORITHMS) as (keyof GroupAlgorithms)[];
  return names.every((name) => algorithms[name] === GROUP_ALGORITHMS[name]);
}
