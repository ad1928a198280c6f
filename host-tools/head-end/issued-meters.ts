// Meters that nobody has enrolled one by one: those of which an issuer that is trusted has signed the credential.
import { isValidId } from "../../firmware/identity/identity.ts";
import { type Credential, hasSameKeys } from "../../firmware/protocol/cose/credential.ts";
import { cwtOf, decodeCwt, type IssuedCredential, isSignedBy } from "../../firmware/protocol/cose/cwt.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Enrolment } from "./registry-file.ts";

/** What a head-end judges by. */
export interface IssuedMeterParts {
  readonly crypto: CryptoEngine;
  /** The head-end's own clock: what a meter says of the time does not count. */
  readonly utcSeconds: number;
  readonly issuers: ReadonlyMap<string, Credential>;
  readonly enrolments: ReadonlyMap<string, Enrolment>;
  readonly isWanted: (credential: Credential) => boolean;
}

/** A credential that may be proved, or why not, as the end of a sentence that begins with what was shown. */
export type IssuedOutcome = IssuedCredential | { readonly refusal: string };

/** Clocks of an issuer and a head-end that are kept by NTP are no further apart. */
const CLOCKS_APART_SECONDS = 300;

/** What an ID_CRED_x with a CWT amounts to. Whoever shows it has yet to prove that it is his. */
export function issuedMeter(parts: IssuedMeterParts, idCred: Uint8Array): IssuedOutcome {
  const cwt = cwtOf(idCred);
  const issued = cwt && decodeCwt(cwt);
  if (issued === undefined || !isValidId(issued.id)) return { refusal: "is no credential" };
  const refusal = refusalOf(parts, issued);
  return refusal === undefined ? issued : { refusal };
}

/** The signature last: it takes a millisecond, and anybody can make us look. */
function refusalOf(
  { crypto, utcSeconds, issuers, enrolments, isWanted }: IssuedMeterParts,
  issued: IssuedCredential,
): string | undefined {
  const { id, issuer, role, issuedAtSeconds, expiresAtSeconds } = issued;
  const signingKey = issuers.get(issuer)?.signingKey;
  if (signingKey === undefined) return `is signed by ${issuer}, which is no issuer of this registry`;
  if (role !== "meter") return `is a ${role}'s, and no meter's`;
  if (utcSeconds >= expiresAtSeconds) return `of ${id} has expired`;
  if (utcSeconds < issuedAtSeconds - CLOCKS_APART_SECONDS) return `of ${id} is of a time to come`;
  const known = enrolments.get(id);
  if (known?.state === "revoked") return `is of ${id}, which is revoked`;
  if (known !== undefined && !hasSameKeys(known.credential, issued))
    return `is of ${id}, which is enrolled with another key`;
  if (!isWanted(issued)) return `of ${id} is for development`;
  return isSignedBy(crypto, signingKey, issued) ? undefined : `of ${id} is not signed by ${issuer}`;
}
