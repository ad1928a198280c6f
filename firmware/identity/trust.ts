// Whom a party believes: a meter's few head-ends, a head-end's allow list.
import { equal } from "../protocol/bytes.ts";
import type { Credential } from "../protocol/cose/credential.ts";
import { isTestKey } from "./test-keys.ts";

/** `production` refuses development credentials and keys whose secrets are public; `development` takes all. */
export type TrustProfile = "development" | "production";

/** A meter knows at most this many head-ends: utility, successor, test lab, spare. */
export const HEAD_ENDS_MAX = 4;

/** Why a credential is not to be used under this profile, as the end of a sentence; undefined if it may. */
export function refusalOf(profile: TrustProfile, credential: Credential): string | undefined {
  if (profile === "development") return undefined;
  if (credential.development) return "is marked development, which a production profile refuses";
  if (isTestKey(credential.key.publicKey)) return "uses a key whose secret is public";
  return undefined;
}

/**
 * The credentials that a peer may prove, looked up by what EDHOC carries (ID_CRED_x). A kid is a hint
 * of one byte: all that match are tried, and the proof decides (RFC 9528 3.5.3).
 */
export class TrustList {
  readonly #credentials: Credential[] = [];

  constructor(credentials: Iterable<Credential> = []) {
    for (const credential of credentials) this.#credentials.push(credential);
  }

  get credentials(): readonly Credential[] {
    return this.#credentials;
  }

  candidates(idCred: Uint8Array): readonly Credential[] {
    return this.#credentials.filter((credential) => equal(credential.idCred, idCred));
  }
}
