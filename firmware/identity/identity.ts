// Who a party is: its key file, and the public credential that others enrol.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Random } from "../../hal/ports/random.ts";
import { equal, fromHex, toHex } from "../protocol/bytes.ts";
import { type Credential, decodeCcs, encodeCcs, kidOf } from "../protocol/cose/credential.ts";

export type Role = "meter" | "head-end";

/** A party's own credential and the secret key that proves it. The secret stays in this object. */
export interface Identity {
  readonly role: Role;
  readonly credential: Credential;
  readonly secretKey: Uint8Array;
}

/** An alias travels in the credential and in Uri-Host: short, and safe in paths, logs and terminals. */
const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;

/** True for 1 to 32 letters, digits, dots, dashes and underscores, the first a letter or digit. */
export function isValidId(id: string): boolean {
  return ID_PATTERN.test(id);
}

/** What a new identity is made of; `development` ones are refused by every production profile. */
export interface NewIdentity {
  readonly role: Role;
  readonly id: string;
  readonly development: boolean;
}

/** A fresh P-256 key, for EDHOC method 3 with suite 2. `id` must be a valid one. */
export function newIdentity(
  crypto: CryptoEngine,
  random: Random,
  { role, id, development }: NewIdentity,
): Identity {
  let secretKey: Uint8Array | undefined;
  // One draw in 2^32 is no scalar of the curve: draw again.
  while (secretKey === undefined) secretKey = crypto.agreementKey("P-256", random.bytes(32));
  const publicKey = crypto.agreementPublicKey("P-256", secretKey);
  const kid = kidOf(crypto, publicKey);
  return {
    role,
    secretKey,
    credential: encodeCcs({ id, kid, key: { kind: "P-256", publicKey }, development }),
  };
}

/** The text of a key file. It holds the secret: its file must be readable by its owner alone. */
export function writeKeyFile(identity: Identity): string {
  const { role, credential, secretKey } = identity;
  const file = {
    meterbench: "key",
    role,
    id: credential.id,
    credential: toHex(credential.bytes),
    secretKey: toHex(secretKey),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** The text of a credential file: what the other end enrols. It holds no secret. */
export function writeCredentialFile(role: Role, credential: Credential): string {
  const file = { meterbench: "credential", role, id: credential.id, credential: toHex(credential.bytes) };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** The identity in a key file's text, or what is wrong with it, as the end of a sentence. */
export function readKeyFile(crypto: CryptoEngine, text: string): Identity | { readonly error: string } {
  const fields = parseFields(text, "key");
  if ("error" in fields) return fields;
  const secretKey = fromHex(fields.secretKey ?? "");
  if (secretKey?.length !== 32) return { error: "has no secret key of 32 bytes" };
  if (!holdsKeyOf(crypto, secretKey, fields.credential))
    return { error: "has a secret key that is not its credential's" };
  return { role: fields.role, credential: fields.credential, secretKey };
}

/** The credential in a credential file's text, or what is wrong with it, as the end of a sentence. */
export function readCredentialFile(
  text: string,
): { role: Role; credential: Credential } | { readonly error: string } {
  return parseFields(text, "credential");
}

interface Fields {
  readonly role: Role;
  readonly credential: Credential;
  readonly secretKey?: string;
}

function parseFields(text: string, kind: "key" | "credential"): Fields | { error: string } {
  const file = parseJson(text);
  if (file === undefined) return { error: "is not JSON" };
  if (file["meterbench"] !== kind) return { error: `is not a meterbench ${kind} file` };
  const role = file["role"];
  if (role !== "meter" && role !== "head-end")
    return { error: 'has a role that is neither "meter" nor "head-end"' };
  const bytes = typeof file["credential"] === "string" ? fromHex(file["credential"]) : undefined;
  const credential = bytes === undefined ? undefined : decodeCcs(bytes);
  if (credential === undefined) return { error: "has no credential that can be read" };
  if (!isValidId(credential.id) || credential.id !== file["id"])
    return { error: "has an id that is not its credential's" };
  return typeof file["secretKey"] === "string"
    ? { role, credential, secretKey: file["secretKey"] }
    : { role, credential };
}

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function holdsKeyOf(crypto: CryptoEngine, secretKey: Uint8Array, { key }: Credential): boolean {
  if (key.kind === "Ed25519") return equal(crypto.signingPublicKey("EdDSA", secretKey), key.publicKey);
  const scalar = crypto.agreementKey(key.kind, secretKey);
  return scalar !== undefined && equal(crypto.agreementPublicKey(key.kind, scalar), key.publicKey);
}
