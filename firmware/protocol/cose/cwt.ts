// A credential that an issuer has signed: a CWT (RFC 8392) in COSE_Sign1, which EDHOC carries by value (kcwt).
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { EMPTY, equal } from "../bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { type Credential, claimsOf, contentOf, decodeCcs } from "./credential.ts";
import { decodeSign1, encodeSign1, signSign1, verifySign1 } from "./sign1.ts";

/** A credential by value, and what its issuer says of it. That the issuer says so is not checked yet. */
export interface IssuedCredential extends Credential {
  /** The alias of the issuer. */
  readonly issuer: string;
  /** What its subject is: a head-end's credential is no meter's. */
  readonly role: string;
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
}

/** What an issuer adds to a credential. */
export type Issue = Pick<IssuedCredential, "issuer" | "role" | "issuedAtSeconds" | "expiresAtSeconds">;

/** CWT claims: RFC 8392 3.1; private use is below -65536. */
const CLAIM = { issuer: 1, expiresAt: 4, issuedAt: 6, role: -65539 } as const;
const OWN_CLAIMS = Object.values(CLAIM);
/** The COSE header parameter kcwt (RFC 9528 10.6): a CWT with its COSE_Key in cnf. */
const HEADER_KCWT = 13;
/** Ours take 240 to 360 bytes; a longer one is none of ours. */
const CWT_BYTES_MAX = 640;
/** A CWT is what others verify too: its signature is bound to nothing of ours (RFC 8392 7.1). */
const CONTEXT = EMPTY;

/** The credential of this content, signed by the issuer's signing key. */
export function signCwt(
  crypto: CryptoEngine,
  issuerSecretKey: Uint8Array,
  credential: Credential,
  issue: Issue,
): IssuedCredential {
  const claims = claimsOf(credential);
  claims.set(CLAIM.issuer, issue.issuer);
  claims.set(CLAIM.role, issue.role);
  claims.set(CLAIM.issuedAt, issue.issuedAtSeconds);
  claims.set(CLAIM.expiresAt, issue.expiresAtSeconds);
  const issued = decodeCwt(signSign1(crypto, issuerSecretKey, CONTEXT, encodeCbor(claims)));
  if (issued === undefined) throw new Error(`no credential of ${credential.id} by ${issue.issuer}`);
  return issued;
}

/**
 * The credential that the CWT claims to be, or undefined. CRED_x is the CWT without a tag (RFC 9528 3.5.2), and has
 * nothing in it that is not signed: anybody could make others of one that are as good, and fill lists with them.
 */
export function decodeCwt(bytes: Uint8Array): IssuedCredential | undefined {
  const read = bytes.length > CWT_BYTES_MAX ? undefined : decodeSign1(bytes);
  const sign1 = read && equal(encodeSign1({ ...read, kid: undefined }), bytes) ? read : undefined;
  const claims = sign1 && decodeCbor(sign1.payload);
  if (!(claims instanceof Map)) return undefined;
  const issue = issueOf(claims);
  const content = issue && contentOf(new Map([...claims].filter(([claim]) => !isOwn(claim))));
  return content && { ...content, ...issue, bytes: bytes.slice(), idCred: idCredOf(bytes) };
}

/** The CWT in an encoded ID_CRED_x; undefined where that refers to a credential in any other way. */
export function cwtOf(idCred: Uint8Array): Uint8Array | undefined {
  if (!isByValue(idCred)) return undefined;
  const header = decodeCbor(idCred);
  const cwt: CborValue | undefined =
    header instanceof Map && header.size === 1 ? header.get(HEADER_KCWT) : undefined;
  return cwt === undefined ? undefined : encodeCbor(cwt);
}

/** True for an encoded ID_CRED_x that begins as one with a CWT does. */
export function isByValue(idCred: Uint8Array): boolean {
  return idCred[0] === 0xa1 && idCred[1] === HEADER_KCWT;
}

export function isIssued(credential: Credential): credential is IssuedCredential {
  return isByValue(credential.idCred);
}

/** True where the owner of this signing key has signed the CWT. */
export function isSignedBy(
  crypto: CryptoEngine,
  signingKey: Uint8Array,
  { bytes }: IssuedCredential,
): boolean {
  const sign1 = decodeSign1(bytes);
  return sign1 !== undefined && verifySign1(crypto, signingKey, CONTEXT, sign1);
}

/** The credential of either kind that the bytes are, or undefined. */
export function decodeCredential(bytes: Uint8Array): Credential | undefined {
  return decodeCcs(bytes) ?? decodeCwt(bytes);
}

function issueOf(claims: ReadonlyMap<number | string, CborValue>): Issue | undefined {
  const [issuer, role] = [claims.get(CLAIM.issuer), claims.get(CLAIM.role)];
  const [issuedAtSeconds, expiresAtSeconds] = [claims.get(CLAIM.issuedAt), claims.get(CLAIM.expiresAt)];
  if (typeof issuer !== "string" || typeof role !== "string") return undefined;
  if (typeof issuedAtSeconds !== "number" || typeof expiresAtSeconds !== "number") return undefined;
  return { issuer, role, issuedAtSeconds, expiresAtSeconds };
}

function isOwn(claim: number | string): boolean {
  return OWN_CLAIMS.some((own) => own === claim);
}

function idCredOf(cwt: Uint8Array): Uint8Array {
  return encodeCbor(new Map([[HEADER_KCWT, decodeCbor(cwt) ?? null]]));
}
