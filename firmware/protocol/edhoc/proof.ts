// Signature_or_MAC_2 and _3, by which a party proves that it holds its credential's key: RFC 9528 5.3.2, 5.4.2.
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { concat } from "../bytes.ts";
import { encodeCbor } from "../cbor.ts";
import type { AuthenticationCredential } from "../cose/credential.ts";
import { authenticatedPrk, edhocKdf, HASH_BYTES, KDF_LABEL } from "./key-schedule.ts";
import type { Authentication, CipherSuite } from "./suites.ts";

/** What a proof speaks for: the run so far, and the whole credential, its subject included. */
export interface Statement {
  /** The message that carries the proof. */
  readonly message: 2 | 3;
  /** PRK_2e in message_2, PRK_3e2m in message_3: the key before this party is authenticated. */
  readonly prk: Uint8Array;
  /** TH_2 or TH_3. */
  readonly transcriptHash: Uint8Array;
  /** C_R as message_2 carries it; empty in message_3. */
  readonly connectionId: Uint8Array;
  /** ID_CRED_x as the message carries it, but never compact. */
  readonly idCred: Uint8Array;
  /** CRED_x and its key. */
  readonly credential: Omit<AuthenticationCredential, "idCred">;
  /** EAD_2 or EAD_3. */
  readonly ead: Uint8Array;
}

/** The proof, and the key after it: PRK_3e2m or PRK_4e3m. */
export interface Proof {
  readonly proof: Uint8Array;
  readonly prk: Uint8Array;
}

/** ES256 and EdDSA both sign in 64 bytes (RFC 9053 2). */
const SIGNATURE_BYTES = 64;

/** Our proof, with our static `secretKey` and the peer's ephemeral key; undefined where the latter is bad. */
export function composeProof(
  crypto: CryptoEngine,
  suite: CipherSuite,
  authentication: Authentication,
  statement: Statement,
  { secretKey, peerKey }: { readonly secretKey: Uint8Array; readonly peerKey: Uint8Array },
): Proof | undefined {
  const prk = authenticatedPrk(crypto, suite, authentication, statement, { secretKey, publicKey: peerKey });
  if (prk === undefined) return undefined;
  const mac = statementMac(crypto, suite, authentication, statement, prk);
  if (authentication === "static-dh") return { proof: mac, prk };
  return { proof: crypto.sign(suite.signature, secretKey, toBeSigned(statement, mac)), prk };
}

/** The key after the peer's proof, with our ephemeral `secretKey`; undefined where the proof does not hold. */
export function verifyProof(
  crypto: CryptoEngine,
  suite: CipherSuite,
  authentication: Authentication,
  statement: Statement,
  { secretKey, proof }: { readonly secretKey: Uint8Array; readonly proof: Uint8Array },
): Uint8Array | undefined {
  const { publicKey } = statement.credential.key;
  const prk = authenticatedPrk(crypto, suite, authentication, statement, { secretKey, publicKey });
  if (prk === undefined) return undefined;
  const mac = statementMac(crypto, suite, authentication, statement, prk);
  if (authentication === "static-dh") return isSameMac(mac, proof) ? prk : undefined;
  if (proof.length !== SIGNATURE_BYTES) return undefined;
  return crypto.verify(suite.signature, publicKey, toBeSigned(statement, mac), proof) ? prk : undefined;
}

/** MAC_2 or MAC_3, from the key after the proof: of the suite's MAC length where it is the proof itself. */
export function statementMac(
  crypto: CryptoEngine,
  suite: CipherSuite,
  authentication: Authentication,
  { message, transcriptHash, connectionId, idCred, credential, ead }: Statement,
  prk: Uint8Array,
): Uint8Array {
  const label = message === 2 ? KDF_LABEL.mac2 : KDF_LABEL.mac3;
  const context = concat(connectionId, idCred, encodeCbor(transcriptHash), credential.bytes, ead);
  return edhocKdf(crypto, prk, label, context, authentication === "static-dh" ? suite.macBytes : HASH_BYTES);
}

/** Sig_structure of COSE_Sign1 (RFC 9052 4.4). */
function toBeSigned({ transcriptHash, idCred, credential, ead }: Statement, mac: Uint8Array): Uint8Array {
  const externalAad = concat(encodeCbor(transcriptHash), credential.bytes, ead);
  return encodeCbor(["Signature1", idCred, externalAad, mac]);
}

/** Looks at every byte, so that its time does not tell where the first difference is. */
function isSameMac(mac: Uint8Array, received: Uint8Array): boolean {
  if (mac.length !== received.length) return false;
  let difference = 0;
  for (let i = 0; i < mac.length; i++) difference |= (mac[i] as number) ^ (received[i] as number);
  return difference === 0;
}
