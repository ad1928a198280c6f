// Who a party is: its key file, and the public credential that others enrol.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Random } from "../../hal/ports/random.ts";
import { equal, fromHex, toHex } from "../protocol/bytes.ts";
import { type Credential, decodeCcs, encodeCcs, type KeyKind, kidOf } from "../protocol/cose/credential.ts";
import { type Authentication, cipherSuite, keyKindFor } from "../protocol/edhoc/suites.ts";
import { suitesOf } from "./proving.ts";

/**
 * Who there is: both ends of the line, whose signature under credentials a head-end believes, whose under orders a relay
 * obeys, who passes messages between the ends, and whose signature under images a board starts.
 */
export const ROLES = ["meter", "head-end", "issuer", "operator", "dap", "author"] as const;
export type Role = (typeof ROLES)[number];

/** What an {@link Identity} is put together from. */
export interface IdentityParts {
  readonly role: Role;
  readonly credential: Credential;
  readonly secretKey: Uint8Array;
  readonly signingSecretKey: Uint8Array;
  readonly suite: number;
}

/** The name by which Node's `inspect` asks; to other engines it is one like any other. */
const PRINTED: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/**
 * A party's own credential, the secret key that proves it, and the one that signs. The secrets are shown to whoever asks
 * for them by name only: JSON, logs and copies of the object's fields are without them.
 */
export class Identity {
  readonly role: Role;
  readonly credential: Credential;
  /** The EDHOC cipher suite that it prefers (RFC 9528 3.6). */
  readonly suite: number;
  readonly #secretKey: Uint8Array;
  readonly #signingSecretKey: Uint8Array;

  /** The secret keys must be the credential's, and the suite one for such keys. */
  constructor({ role, credential, secretKey, signingSecretKey, suite }: IdentityParts) {
    this.role = role;
    this.credential = credential;
    this.suite = suite;
    this.#secretKey = secretKey;
    this.#signingSecretKey = signingSecretKey;
  }

  /** For EDHOC, and for nothing else; of an author, who is no end of any line, for images by EdDSA. */
  get secretKey(): Uint8Array {
    return this.#secretKey;
  }

  /** For COSE_Sign1 by ES256, and for nothing else. */
  get signingSecretKey(): Uint8Array {
    return this.#signingSecretKey;
  }

  /** What Node prints of it, even where it is told to show what is hidden and to call getters. */
  [PRINTED](): object {
    const { role, credential, suite } = this;
    return { role, credential, suite };
  }
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
  /** The cipher suite that the key is for; 2, the common one, where not given. */
  readonly suite?: number;
  /** `static-dh` where not given; `signature` keys exist for the suites with EdDSA. */
  readonly authentication?: Authentication;
}

/** Keys of one kind do one thing: of suites with ES256 there are none that sign. */
export function canSignWith(suite: number): boolean {
  return keyKindFor(cipherSuite(suite), "signature") === "Ed25519";
}

/** The suite and kind of key of an author (RFC 9019): Ed25519, which signs images and nothing else. */
export const AUTHOR_KEYS = { suite: 0, authentication: "signature" } as const;

/** Fresh keys, one for EDHOC and one that signs. `id` and `suite` must be valid ones, and a key that signs possible in the suite. */
export function newIdentity(crypto: CryptoEngine, random: Random, wanted: NewIdentity): Identity {
  const { role, id, development, suite = 2, authentication = "static-dh" } = wanted;
  if (authentication === "signature" && !canSignWith(suite))
    throw new Error(`no signing keys in suite ${suite}`);
  const kind = keyKindFor(cipherSuite(suite), authentication);
  const secretKey = freshSecretKey(crypto, kind, random);
  const signingSecretKey = freshSecretKey(crypto, "P-256", random);
  const publicKey = publicKeyOf(crypto, kind, secretKey);
  const signingKey = crypto.signingPublicKey("ES256", signingSecretKey);
  const kid = kidOf(crypto, publicKey);
  const credential = encodeCcs({ id, kid, key: { kind, publicKey }, development, signingKey });
  return new Identity({ role, credential, secretKey, signingSecretKey, suite });
}

/** The same party with a fresh key for EDHOC. Its key that signs stays: statements of before are its own. */
export function rotatedIdentity(crypto: CryptoEngine, random: Random, before: Identity): Identity {
  const { role, suite, signingSecretKey } = before;
  const { kind } = before.credential.key;
  const secretKey = freshSecretKey(crypto, kind, random);
  const publicKey = publicKeyOf(crypto, kind, secretKey);
  const { id, development, signingKey } = before.credential;
  const kid = kidOf(crypto, publicKey);
  const content = { id, kid, key: { kind, publicKey }, development };
  const credential = encodeCcs({ ...content, ...(signingKey && { signingKey }) });
  return new Identity({ role, credential, secretKey, signingSecretKey, suite });
}

/** One draw in 2^32 is no scalar of P-256: it draws again. */
function freshSecretKey(crypto: CryptoEngine, kind: KeyKind, random: Random): Uint8Array {
  let secretKey: Uint8Array | undefined;
  while (secretKey === undefined) secretKey = secretKeyOf(crypto, kind, random.bytes(32));
  return secretKey;
}

function secretKeyOf(crypto: CryptoEngine, kind: KeyKind, bytes: Uint8Array): Uint8Array | undefined {
  return kind === "Ed25519" ? bytes : crypto.agreementKey(kind, bytes);
}

function publicKeyOf(crypto: CryptoEngine, kind: KeyKind, secretKey: Uint8Array): Uint8Array {
  return kind === "Ed25519"
    ? crypto.signingPublicKey("EdDSA", secretKey)
    : crypto.agreementPublicKey(kind, secretKey);
}

/** The text of a key file. It holds the secrets: its file must be readable by its owner alone. */
export function writeKeyFile(identity: Identity): string {
  const { role, credential, secretKey, signingSecretKey, suite } = identity;
  const file = {
    meterbench: "key",
    role,
    id: credential.id,
    suite,
    credential: toHex(credential.bytes),
    secretKey: toHex(secretKey),
    signingSecretKey: toHex(signingSecretKey),
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
  const { role, credential, file } = fields;
  const secretKey = secretOf(file, "secretKey");
  const signingSecretKey = secretOf(file, "signingSecretKey");
  if (secretKey === undefined) return { error: "has no secret key of 32 bytes" };
  if (signingSecretKey === undefined) return { error: "has no secret signing key of 32 bytes" };
  if (!holdsKeyOf(crypto, secretKey, credential) || !signsFor(crypto, signingSecretKey, credential)) {
    return { error: "has a secret key that is not its credential's" };
  }
  const suite = file["suite"];
  if (typeof suite !== "number" || !suitesOf(credential.key.kind, suite).includes(suite)) {
    return { error: "names a cipher suite that is not for its key" };
  }
  return new Identity({ role, credential, secretKey, signingSecretKey, suite });
}

/** The credential in a credential file's text, or what is wrong with it, as the end of a sentence. */
export function readCredentialFile(
  text: string,
): { readonly role: Role; readonly credential: Credential } | { readonly error: string } {
  return parseFields(text, "credential");
}

interface Fields {
  readonly role: Role;
  readonly credential: Credential;
  readonly file: Readonly<Record<string, unknown>>;
}

function parseFields(text: string, kind: "key" | "credential"): Fields | { error: string } {
  const file = parseJson(text);
  if (file === undefined) return { error: "is not JSON" };
  if (file["meterbench"] !== kind) return { error: `is not a meterbench ${kind} file` };
  const role = ROLES.find((known) => known === file["role"]);
  if (role === undefined) return { error: `has a role that is none of ${ROLES.join(", ")}` };
  const bytes = typeof file["credential"] === "string" ? fromHex(file["credential"]) : undefined;
  const credential = bytes === undefined ? undefined : decodeCcs(bytes);
  if (credential === undefined) return { error: "has no credential that can be read" };
  if (!isValidId(credential.id) || credential.id !== file["id"])
    return { error: "has an id that is not its credential's" };
  return { role, credential, file };
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
  const usable = secretKeyOf(crypto, key.kind, secretKey);
  return usable !== undefined && equal(publicKeyOf(crypto, key.kind, usable), key.publicKey);
}

function secretOf(file: Readonly<Record<string, unknown>>, name: string): Uint8Array | undefined {
  const text = file[name];
  const secret = typeof text === "string" ? fromHex(text) : undefined;
  return secret?.length === 32 ? secret : undefined;
}

function signsFor(crypto: CryptoEngine, secretKey: Uint8Array, { signingKey }: Credential): boolean {
  const usable = crypto.agreementKey("P-256", secretKey);
  if (usable === undefined || signingKey === undefined) return false;
  return equal(crypto.signingPublicKey("ES256", usable), signingKey);
}
