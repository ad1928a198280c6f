// EDHOC cipher suites and methods, as tables: RFC 9528 3.2, 3.6 and 10.2.
import type { AeadName, CurveName, SignatureName } from "../../../hal/ports/crypto.ts";
import type { KeyKind } from "../cose/credential.ts";

/** A cipher suite. Its hash, for EDHOC and for the application, is SHA-256 in all that we have. */
export interface CipherSuite {
  readonly number: number;
  readonly aead: AeadName;
  /** Length of MAC_2 and MAC_3 where a static Diffie-Hellman key authenticates, in bytes. */
  readonly macBytes: 8 | 16;
  readonly curve: CurveName;
  readonly signature: SignatureName;
  /** For OSCORE, once EDHOC is done. */
  readonly applicationAead: AeadName;
}

/** How a party proves itself: by a signature, or by a MAC that only its static key can give. */
export type Authentication = "signature" | "static-dh";

export interface Method {
  readonly number: number;
  readonly initiator: Authentication;
  readonly responder: Authentication;
}

const CCM8 = "AES-CCM-16-64-128";
const CCM16 = "AES-CCM-16-128-128";
const CHACHA = "ChaCha20/Poly1305";
const GCM = "A128GCM";

/** RFC 9528 10.2, less suites 24 and 25, whose hashes and curves the crypto port has not. */
export const CIPHER_SUITES: readonly CipherSuite[] = [
  suite(0, CCM8, 8, "X25519", "EdDSA", CCM8),
  suite(1, CCM16, 16, "X25519", "EdDSA", CCM8),
  suite(2, CCM8, 8, "P-256", "ES256", CCM8),
  suite(3, CCM16, 16, "P-256", "ES256", CCM8),
  suite(4, CHACHA, 16, "X25519", "EdDSA", CHACHA),
  suite(5, CHACHA, 16, "P-256", "ES256", CHACHA),
  suite(6, GCM, 16, "X25519", "ES256", GCM),
];

/** RFC 9528 3.2. */
export const METHODS: readonly Method[] = [
  { number: 0, initiator: "signature", responder: "signature" },
  { number: 1, initiator: "signature", responder: "static-dh" },
  { number: 2, initiator: "static-dh", responder: "signature" },
  { number: 3, initiator: "static-dh", responder: "static-dh" },
];

/** The suite of this number; an unknown one is the caller's bug and throws. */
export function cipherSuite(number: number): CipherSuite {
  const found = CIPHER_SUITES.find((row) => row.number === number);
  if (found === undefined) throw new Error(`there is no cipher suite ${number}`);
  return found;
}

/** The method of this number; an unknown one is the caller's bug and throws. */
export function edhocMethod(number: number): Method {
  const found = METHODS.find((row) => row.number === number);
  if (found === undefined) throw new Error(`there is no method ${number}`);
  return found;
}

/** The kind of key that authenticates this way in this suite (RFC 9528 3.5.1). */
export function keyKindFor(suite: CipherSuite, authentication: Authentication): KeyKind {
  if (authentication === "static-dh") return suite.curve;
  return suite.signature === "EdDSA" ? "Ed25519" : "P-256";
}

function suite(
  number: number,
  aead: AeadName,
  macBytes: 8 | 16,
  curve: CurveName,
  signature: SignatureName,
  applicationAead: AeadName,
): CipherSuite {
  return { number, aead, macBytes, curve, signature, applicationAead };
}
