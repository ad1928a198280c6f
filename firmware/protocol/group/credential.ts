// What a party is known by in groups: derived from the credential that was enrolled, so that there is nothing more to enrol.
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { type Credential, encodeCcs, kidOf } from "../cose/credential.ts";

/**
 * The CCS with the party's id, and its key that signs as the one that it proves (RFC 10021 2.4). Both ends make the same
 * bytes of the same enrolled credential. Undefined for a credential that names no such key: its owner is in no groups.
 */
export function groupCredential(crypto: CryptoEngine, enrolled: Credential): Credential | undefined {
  const { id, development, signingKey } = enrolled;
  if (signingKey === undefined) return undefined;
  const kid = kidOf(crypto, signingKey);
  return encodeCcs({ id, kid, development, key: { kind: "P-256", publicKey: signingKey } });
}
