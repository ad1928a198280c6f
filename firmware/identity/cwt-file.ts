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

/**
 * The party as it shows itself by this credential, or why it cannot, as the end of a sentence. The very same where its key
 * was rotated since: the issuer has not signed the new one, and who rotated it knows it.
 */
export function identityIssued(
  identity: Identity,
  issued: IssuedCredential,
): Identity | { readonly error: string } {
  const { role, credential, secretKey, signingSecretKey, suite } = identity;
  if (issued.role !== role) return { error: `is of a ${issued.role}, and the key is a ${role}'s` };
  const isOwn =
    issued.id === credential.id && equal(issued.signingKey ?? EMPTY, credential.signingKey ?? EMPTY);
  if (!isOwn) return { error: `is not of the key of ${credential.id}` };
  if (!hasSameKeys(issued, credential)) return identity;
  return new Identity({ role, credential: issued, secretKey, signingSecretKey, suite });
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {};
  }
}
