// COSE_Sign1 (RFC 9052 4.2, 4.4): what one party has signed, for others to keep. ES256 and nothing else.
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { equal } from "../bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { ES256 } from "./algorithms.ts";
import { HEADER_KID } from "./credential.ts";

/** A COSE_Sign1 that nobody has verified yet. */
export interface Sign1 {
  readonly payload: Uint8Array;
  /** r || s. */
  readonly signature: Uint8Array;
}

/** { 1: -7 }: the algorithm stands where the signature covers it (RFC 9052 3.1). */
const PROTECTED = encodeCbor(new Map([[1, ES256]]));
const SIGNATURE_BYTES = 64;
/** A statement over all registers of a meter takes 1.5 kB; longer ones are none of ours. */
const SIGN1_BYTES_MAX = 4096;

/**
 * The payload signed, without the tag 18: RFC 9528 3.5.2 wants none around a CWT, and so nothing of ours has it.
 * `context` is what the signature is for (external_aad): one for something else verifies nowhere.
 */
export function signSign1(
  crypto: CryptoEngine,
  secretKey: Uint8Array,
  context: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  const signature = crypto.sign("ES256", secretKey, toBeSigned(context, payload));
  return encodeCbor([PROTECTED, new Map(), payload, signature]);
}

/**
 * The COSE_Sign1 that the bytes are, or undefined. Of headers it may have a kid beside the algorithm, where it does not
 * count; what is critical or unknown is refused, as it could limit what the signature is good for.
 */
export function decodeSign1(bytes: Uint8Array): Sign1 | undefined {
  if (bytes.length > SIGN1_BYTES_MAX) return undefined;
  const items = decodeCbor(bytes);
  if (!Array.isArray(items) || items.length !== 4) return undefined;
  const [headers, others, payload, signature] = items as readonly CborValue[];
  if (!(headers instanceof Uint8Array) || !equal(headers, PROTECTED) || !isKidOnly(others)) return undefined;
  if (!(payload instanceof Uint8Array) || !(signature instanceof Uint8Array)) return undefined;
  return signature.length === SIGNATURE_BYTES ? { payload, signature } : undefined;
}

/** True where this public key's owner signed the payload for this `context`. */
export function verifySign1(
  crypto: CryptoEngine,
  publicKey: Uint8Array,
  context: Uint8Array,
  { payload, signature }: Sign1,
): boolean {
  return crypto.verify("ES256", publicKey, toBeSigned(context, payload), signature);
}

/** Sig_structure, whose first text keeps it apart from all that COSE signs otherwise. */
function toBeSigned(context: Uint8Array, payload: Uint8Array): Uint8Array {
  return encodeCbor(["Signature1", PROTECTED, context, payload]);
}

function isKidOnly(header: CborValue | undefined): boolean {
  if (!(header instanceof Map)) return false;
  return header.size === 0 || (header.size === 1 && header.get(HEADER_KID) instanceof Uint8Array);
}
