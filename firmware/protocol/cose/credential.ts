// Credentials: what EDHOC authenticates (RFC 9528 3.5.2), and our own kind, a CWT Claims Set (RFC 8392).
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { concat, EMPTY, equal, toUint } from "../bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { COSE_CURVE_ED25519, CURVE_NUMBERS, ES256 } from "./algorithms.ts";

/** What a public key is for: P-256 agrees or signs (ES256), X25519 agrees, Ed25519 signs. */
export type KeyKind = "P-256" | "X25519" | "Ed25519";

/** A public key as the crypto port takes it: P-256 65 bytes (04 || x || y), the others 32 bytes. */
export interface CredentialKey {
  readonly kind: KeyKind;
  readonly publicKey: Uint8Array;
}

/** All that EDHOC needs of a credential of any type: a CCS by kid, a certificate by x5t, ... */
export interface AuthenticationCredential {
  /** CRED_x: one CBOR item, exactly as its owner encoded it. */
  readonly bytes: Uint8Array;
  /** ID_CRED_x: the encoded COSE header map that refers to it, such as { 4: kid }. */
  readonly idCred: Uint8Array;
  readonly key: CredentialKey;
}

/** A CWT Claims Set: { 2: sub, 8: { 1: COSE_Key } } (RFC 9528 3.5.2), and in ours the key that signs. */
export interface Credential extends AuthenticationCredential {
  /** The subject: an alias, never a serial number. */
  readonly id: string;
  /** Key identifier; others may have the same one, so it is a hint and proves nothing. */
  readonly kid: Uint8Array;
  /** True where the credential says of itself that it is for development only. */
  readonly development: boolean;
  /**
   * The public key (P-256, 65 bytes) of what its owner signs by ES256 for others to keep. A key does one thing, so it is
   * another one than EDHOC's. Credentials of other makers, and those of standards, have none.
   */
  readonly signingKey?: Uint8Array;
}

/** What {@link encodeCcs} makes a credential of. */
export type CcsContent = Pick<Credential, "id" | "kid" | "key" | "development" | "signingKey">;

/** CWT claims: RFC 8392 4, RFC 8747 3; private use is below -65536. */
const CLAIM = { sub: 2, cnf: 8, development: -65537, signingKey: -65538 } as const;
/** The confirmation method that holds a COSE_Key (RFC 8747 3.1). */
const COSE_KEY = 1;
/** COSE_Key parameters: RFC 9052 7.1, RFC 9053 7. */
const PARAMETER = { kty: 1, kid: 2, alg: 3, curve: -1, x: -2, y: -3 } as const;
/** The COSE header parameter kid (RFC 9052 3.1). */
export const HEADER_KID = 4;
/** COSE key types: OKP is 1, EC2 is 2 (RFC 9053 7). */
const KEY_TYPES: Readonly<Record<KeyKind, { readonly kty: number; readonly curve: number }>> = {
  "P-256": { kty: 2, curve: CURVE_NUMBERS["P-256"] },
  X25519: { kty: 1, curve: CURVE_NUMBERS.X25519 },
  Ed25519: { kty: 1, curve: COSE_CURVE_ED25519 },
};
const COORDINATE_BYTES = 32;
/** Ours take 150 to 250 bytes; a longer one is no credential of this kind. */
const CCS_BYTES_MAX = 512;
/** One-byte CBOR integers, -24 to 23: kids that EDHOC carries in one byte (RFC 9528 3.3.2). */
const ONE_BYTE_INTEGERS = 48;

/** The credential of this content, deterministically encoded; `kid` must have at least one byte. */
export function encodeCcs(content: CcsContent): Credential {
  return { ...content, bytes: encodeCbor(claimsOf(content)), idCred: idCredOf(content.kid) };
}

/** The claims of a credential, for whoever puts more of them beside. */
export function claimsOf(content: CcsContent): Map<number, CborValue> {
  const claims = new Map<number, CborValue>([
    [CLAIM.sub, content.id],
    [CLAIM.cnf, new Map([[COSE_KEY, toCoseKey(content)]])],
  ]);
  if (content.development) claims.set(CLAIM.development, true);
  if (content.signingKey !== undefined) claims.set(CLAIM.signingKey, toSigningCoseKey(content.signingKey));
  return claims;
}

/**
 * The credential that the bytes are, which it keeps, or undefined. Claims and key parameters other than
 * ours are refused: one that limits what the credential is good for (exp) must not be overlooked.
 * The key is not checked to be on its curve: the crypto engine does that when it is used.
 */
export function decodeCcs(bytes: Uint8Array): Credential | undefined {
  if (bytes.length > CCS_BYTES_MAX) return undefined;
  const claims = asMap(decodeCbor(bytes));
  const content = claims && contentOf(claims);
  return content && { ...content, bytes: bytes.slice(), idCred: idCredOf(content.kid) };
}

/** What these claims say, where they are a credential's and no others. */
export function contentOf(claims: ReadonlyMap<number | string, CborValue>): CcsContent | undefined {
  const confirmation = asMap(claims.get(CLAIM.cnf));
  const coseKey = asMap(confirmation?.get(COSE_KEY));
  if (confirmation?.size !== 1 || coseKey === undefined) return undefined;
  const id = claims.get(CLAIM.sub);
  const development = claims.has(CLAIM.development);
  const signs = claims.has(CLAIM.signingKey);
  if (typeof id !== "string" || claims.size !== 2 + (development ? 1 : 0) + (signs ? 1 : 0)) return undefined;
  if (development && claims.get(CLAIM.development) !== true) return undefined;
  const kid = coseKey.get(PARAMETER.kid);
  const key = fromCoseKey(coseKey);
  if (!(kid instanceof Uint8Array) || kid.length === 0 || key === undefined) return undefined;
  if (!signs) return { id, kid, key, development };
  const signingKey = fromSigningCoseKey(asMap(claims.get(CLAIM.signingKey)));
  if (signingKey === undefined || equal(signingKey, key.publicKey)) return undefined;
  return { id, kid, key, development, signingKey };
}

/** SHA-256 of CRED_x: what an allow list is keyed by. */
export function credentialHash(crypto: CryptoEngine, credential: AuthenticationCredential): Uint8Array {
  return crypto.sha256(credential.bytes);
}

/** True for credentials of one party, whoever has signed which of them. */
export function hasSameKeys(one: Credential, other: Credential): boolean {
  return (
    one.key.kind === other.key.kind &&
    equal(one.key.publicKey, other.key.publicKey) &&
    equal(one.signingKey ?? EMPTY, other.signingKey ?? EMPTY)
  );
}

/**
 * The kid that we give a public key: n, the first two bytes of the key's SHA-256 modulo 48, as the one
 * byte that encodes the CBOR integer n (below 24) or 23 - n (from 24 on).
 */
export function kidOf(crypto: CryptoEngine, publicKey: Uint8Array): Uint8Array {
  const n = toUint(crypto.sha256(publicKey).subarray(0, 2)) % ONE_BYTE_INTEGERS;
  return encodeCbor(n < 24 ? n : 23 - n);
}

function idCredOf(kid: Uint8Array): Uint8Array {
  return encodeCbor(new Map([[HEADER_KID, kid]]));
}

function toCoseKey({ kid, key: { kind, publicKey } }: CcsContent): CborValue {
  const { kty, curve } = KEY_TYPES[kind];
  const isPoint = kind === "P-256";
  if (publicKey.length !== (isPoint ? 65 : 32)) throw new Error(`a ${kind} key of ${publicKey.length} bytes`);
  const coseKey = new Map<number, CborValue>([
    [PARAMETER.kty, kty],
    [PARAMETER.kid, kid],
    [PARAMETER.curve, curve],
    [PARAMETER.x, isPoint ? publicKey.slice(1, 33) : publicKey],
  ]);
  if (isPoint) coseKey.set(PARAMETER.y, publicKey.slice(33));
  return coseKey;
}

function fromCoseKey(coseKey: ReadonlyMap<number | string, CborValue>): CredentialKey | undefined {
  const kind = kindOf(coseKey.get(PARAMETER.kty), coseKey.get(PARAMETER.curve));
  const x = coordinate(coseKey.get(PARAMETER.x));
  if (kind === undefined || x === undefined) return undefined;
  if (kind !== "P-256") return coseKey.size === 4 ? { kind, publicKey: x } : undefined;
  const y = coordinate(coseKey.get(PARAMETER.y));
  if (y === undefined || coseKey.size !== 5) return undefined;
  return { kind, publicKey: concat(Uint8Array.of(0x04), x, y) };
}

/** It names its algorithm, so that nobody uses it for anything else. */
function toSigningCoseKey(publicKey: Uint8Array): CborValue {
  if (publicKey.length !== 65) throw new Error(`a signing key of ${publicKey.length} bytes`);
  const { kty, curve } = KEY_TYPES["P-256"];
  return new Map<number, CborValue>([
    [PARAMETER.kty, kty],
    [PARAMETER.alg, ES256],
    [PARAMETER.curve, curve],
    [PARAMETER.x, publicKey.slice(1, 33)],
    [PARAMETER.y, publicKey.slice(33)],
  ]);
}

function fromSigningCoseKey(
  coseKey: ReadonlyMap<number | string, CborValue> | undefined,
): Uint8Array | undefined {
  if (coseKey?.size !== 5 || coseKey.get(PARAMETER.alg) !== ES256) return undefined;
  if (kindOf(coseKey.get(PARAMETER.kty), coseKey.get(PARAMETER.curve)) !== "P-256") return undefined;
  const x = coordinate(coseKey.get(PARAMETER.x));
  const y = coordinate(coseKey.get(PARAMETER.y));
  return x && y && concat(Uint8Array.of(0x04), x, y);
}

function kindOf(kty: CborValue | undefined, curve: CborValue | undefined): KeyKind | undefined {
  const kinds = Object.keys(KEY_TYPES) as KeyKind[];
  return kinds.find((kind) => KEY_TYPES[kind].kty === kty && KEY_TYPES[kind].curve === curve);
}

function coordinate(value: CborValue | undefined): Uint8Array | undefined {
  return value instanceof Uint8Array && value.length === COORDINATE_BYTES ? value : undefined;
}

function asMap(value: CborValue | undefined): ReadonlyMap<number | string, CborValue> | undefined {
  return value instanceof Map ? value : undefined;
}
