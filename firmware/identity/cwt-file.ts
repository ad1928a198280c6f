// The file of a credential that an issuer has signed, and the identity that is known by it.
import { EMPTY, equal, fromHex, toHex } from "../protocol/bytes.ts";
import { hasSameKeys } from "../protocol/cose/credential.ts";
import { decodeCwt, type IssuedCredential } from "../protocol/cose/cwt.ts";
import { Identity, isValidId, ROLES } from "./identity.ts";

/** The text of such a file. It holds no secret. */
export function writeCwtFile(issued: IssuedCredential): string {
  const { id, role, issuer, bytes } = issued;
  return `${JSON.stringify({ meterbench: "cwt", role, id, issuer, cwt: toHex(bytes) }, null, 2)}\n`;
}

/** The credential in a file's text, or what is wrong with it, as the end of a sentence. Its signature is not checked. */
export function readCwtFile(text: string): IssuedCredential | { readonly error: string } {
  const file = parseJson(text);
  if (file["meterbench"] !== "cwt") return { error: "is no file of a signed credential" };
  const bytes = typeof file["cwt"] === "string" ? fromHex(file["cwt"]) : undefined;
  const issued = bytes && decodeCwt(bytes);
  if (issued === undefined) return { error: "has no signed credential that can be read" };
  const { id, issuer, role } = issued;
  if (!isValidId(id) || !isValidId(issuer) || !ROLES.some((known) => known === role))
    return { error: "has names that are none" };
  return issued;
}

/** The party as it shows itself by this credential, or why it cannot, as the end of a sentence. */
export function identityIssued(
  identity: Identity,
  issued: IssuedCredential,
): Identity | { readonly error: string } {
  const { role, credential, secretKey, signingSecretKey, suite } = identity;
  if (issued.role !== role) return { error: `is of a ${issued.role}, and the key is a ${role}'s` };
  if (issued.id !== credential.id || !hasSameKeys(issued, credential))
    return { error: `is not of the key of ${credential.id}` };
  return new Identity({ role, credential: issued, secretKey, signingSecretKey, suite });
}

/**
 * True for what an issuer signed of the same party before its key was rotated. It proves nothing any more, and the party
 * goes by its own credential until the issuer signs that.
 */
export function isOutdated({ role, credential }: Identity, issued: IssuedCredential): boolean {
  const { signingKey = EMPTY } = issued;
  if (issued.role !== role || issued.id !== credential.id || hasSameKeys(issued, credential)) return false;
  return signingKey.length > 0 && equal(signingKey, credential.signingKey ?? EMPTY);
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {};
  }
}
