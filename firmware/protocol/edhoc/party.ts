// What the initiator and the responder of EDHOC have in common.
import { AEAD_LENGTHS, type CryptoEngine } from "../../../hal/ports/crypto.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { equal } from "../bytes.ts";
import type { AuthenticationCredential, KeyKind } from "../cose/credential.ts";
import { PUBLIC_KEY_BYTES } from "./messages.ts";
import { type Authentication, type CipherSuite, keyKindFor } from "./suites.ts";

/** A party's own credential and the secret key of it. */
export interface EdhocIdentity {
  readonly credential: AuthenticationCredential;
  readonly secretKey: Uint8Array;
}

export interface EdhocParty<Peer extends AuthenticationCredential> {
  readonly crypto: CryptoEngine;
  /** Ephemeral keys come from here. */
  readonly random: Random;
  readonly identity: EdhocIdentity;
  /**
   * The credentials that an encoded ID_CRED_x may refer to, of peers that are welcome. A kid names more
   * than one at times: all are tried, and the proof decides (RFC 9528 3.5.3).
   */
  readonly resolve: (idCred: Uint8Array) => readonly Peer[];
}

/**
 * Why a message was refused, for counters and logs; the peer is told nothing of it but a wrong suite.
 * After `unexpected` (no such message is due, as with a repeated one) the session goes on as it was;
 * after any other it is over for good.
 */
export type EdhocFailure =
  | "unexpected"
  | "malformed"
  | "method"
  | "suite"
  | "public-key"
  | "connection-id"
  | "critical-ead"
  | "decryption"
  | "unknown-credential"
  | "own-credential"
  | "too-many-candidates"
  | "proof";

/** Each candidate costs a key agreement or a signature check: some milliseconds on a small board. */
const CANDIDATES_MAX = 64;
/** For P-256, one draw in 2^32 is no key; more in a row mean that the source of chance is broken. */
const DRAWS_MAX = 4;
/** An OSCORE identifier leaves 6 bytes of the nonce to the sequence number and its length (RFC 8613 5.2). */
const NONCE_BYTES_BEYOND_ID = 6;

export interface EphemeralKey {
  /** X or Y. */
  readonly secretKey: Uint8Array;
  /** G_X or G_Y as it travels: the x-coordinate alone (RFC 9528 3.7). */
  readonly publicKey: Uint8Array;
}

/** A fresh key pair on the suite's curve. */
export function ephemeralKey(crypto: CryptoEngine, random: Random, { curve }: CipherSuite): EphemeralKey {
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const secretKey = crypto.agreementKey(curve, random.bytes(32));
    if (secretKey === undefined) continue;
    const publicKey = crypto.agreementPublicKey(curve, secretKey);
    return { secretKey, publicKey: curve === "P-256" ? publicKey.slice(1, 1 + PUBLIC_KEY_BYTES) : publicKey };
  }
  throw new Error("the source of chance gives no key");
}

/** Throws where the identity's key cannot authenticate so: a mistake of who set the party up. */
export function requireKeyFor(
  identity: EdhocIdentity,
  suite: CipherSuite,
  authentication: Authentication,
): void {
  const needed = keyKindFor(suite, authentication);
  const { kind } = identity.credential.key;
  if (kind !== needed)
    throw new Error(`cipher suite ${suite.number} needs a ${needed} key here, not ${kind}`);
}

/** Longest connection identifier that OSCORE can use with this suite, in bytes. */
export function connectionIdBytesMax({ applicationAead }: CipherSuite): number {
  return AEAD_LENGTHS[applicationAead].nonceBytes - NONCE_BYTES_BEYOND_ID;
}

/** True for two identifiers that OSCORE can use together (RFC 9528 3.3.3). */
export function areUsableIds(suite: CipherSuite, ours: Uint8Array, theirs: Uint8Array): boolean {
  const bytesMax = connectionIdBytesMax(suite);
  return ours.length <= bytesMax && theirs.length <= bytesMax && !equal(ours, theirs);
}

/**
 * The first candidate whose proof holds, with the key that `verify` gave for it. Our own credential is
 * never a peer's: else a message reflected to its sender would pass (RFC 9528 9.1, "selfie").
 */
export function findPeer<Peer extends AuthenticationCredential>(
  { identity, resolve }: Pick<EdhocParty<Peer>, "identity" | "resolve">,
  kind: KeyKind,
  idCred: Uint8Array,
  verify: (peer: Peer) => Uint8Array | undefined,
): { readonly peer: Peer; readonly prk: Uint8Array } | EdhocFailure {
  const candidates = resolve(idCred);
  if (candidates.length === 0) return "unknown-credential";
  if (candidates.length > CANDIDATES_MAX) return "too-many-candidates";
  const others = candidates.filter((candidate) => !isSameParty(candidate, identity.credential));
  if (others.length === 0) return "own-credential";
  for (const peer of others) {
    const prk = peer.key.kind === kind ? verify(peer) : undefined;
    if (prk !== undefined) return { peer, prk };
  }
  return "proof";
}

/** The same key under another name is the same party too. */
function isSameParty(one: AuthenticationCredential, other: AuthenticationCredential): boolean {
  return equal(one.bytes, other.bytes) || equal(one.key.publicKey, other.key.publicKey);
}
