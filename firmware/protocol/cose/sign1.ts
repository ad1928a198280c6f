// COSE_Sign1 (RFC 9052 4.2, 4.4): what one party has signed, for others to keep. ES256 in all that a meter signs, EdDSA in
// images.
import type { CryptoEngine, SignatureName } from "../../../hal/ports/crypto.ts";
import { equal } from "../bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { SIGNATURE_NUMBERS } from "./algorithms.ts";
import { HEADER_KID } from "./credential.ts";

/** A COSE_Sign1 that nobody has verified yet. */
export interface Sign1 {
  readonly payload: Uint8Array;
  /** Of ES256 r || s, of EdDSA R || S. */
  readonly signature: Uint8Array;
  /** A hint whose key it is; nobody has signed that. */
  readonly kid?: Uint8Array | undefined;
}

/** What a signature is made with, where it is not ES256 without a kid. */
export interface Sign1Options {
  readonly algorithm?: SignatureName;
  readonly kid?: Uint8Array;
}

/** { 1: algorithm }, where the signature covers it (RFC 9052 3.1). */
const PROTECTED: Readonly<Record<SignatureName, Uint8Array>> = {
  ES256: encodeCbor(new Map([[1, SIGNATURE_NUMBERS.ES256]])),
  EdDSA: encodeCbor(new Map([[1, SIGNATURE_NUMBERS.EdDSA]])),
};
const SIGNATURE_BYTES = 64;
/** A statement over all registers of a meter takes 1.5 kB, an image's manifest less; longer ones are none of ours. */
export const SIGN1_BYTES_MAX = 4096;

/**
 * The payload signed, without the tag 18: RFC 9528 3.5.2 wants none around a CWT, and so nothing of ours has it.
 * `context` is what the signature is for (external_aad): one for something else verifies nowhere.
 */
export function signSign1(
  crypto: CryptoEngine,
  secretKey: Uint8Array,
  context: Uint8Array,
  payload: Uint8Array,
  { algorithm = "ES256", kid }: Sign1Options = {},
): Uint8Array {
  const signature = crypto.sign(algorithm, secretKey, toBeSigned(context, payload, algorithm));
  return encodeSign1({ payload, signature, kid }, algorithm);
}

/** Its one form, with or without a kid. */
export function encodeSign1(
  { payload, signature, kid }: Sign1,
  algorithm: SignatureName = "ES256",
): Uint8Array {
  const others = new Map<number, CborValue>(kid && [[HEADER_KID, kid]]);
  return encodeCbor([PROTECTED[algorithm], others, payload, signature]);
}

/**
 * The COSE_Sign1 that the bytes are, or undefined. Of headers it may have a kid beside the algorithm, where it does not
 * count; what is critical or unknown is refused, as it could limit what the signature is good for.
 */
export function decodeSign1(bytes: Uint8Array, algorithm: SignatureName = "ES256"): Sign1 | undefined {
  if (bytes.length > SIGN1_BYTES_MAX) return undefined;
  const items = decodeCbor(bytes);
  if (!Array.isArray(items) || items.length !== 4) return undefined;
  const [headers, others, payload, signature] = items as readonly CborValue[];
  if (!(headers instanceof Uint8Array) || !equal(headers, PROTECTED[algorithm])) return undefined;
  if (!(payload instanceof Uint8Array) || !(signature instanceof Uint8Array)) return undefined;
  if (signature.length !== SIGNATURE_BYTES || !isKidOnly(others)) return undefined;
  const kid = others.get(HEADER_KID);
  return kid === undefined ? { payload, signature } : { payload, signature, kid };
}

/** True where this public key's owner signed the payload for this `context`. */
export function verifySign1(
  crypto: CryptoEngine,
  publicKey: Uint8Array,
  context: Uint8Array,
  { payload, signature }: Sign1,
  algorithm: SignatureName = "ES256",
): boolean {
  return crypto.verify(algorithm, publicKey, toBeSigned(context, payload, algorithm), signature);
}

/** Sig_structure, whose first text keeps it apart from all that COSE signs otherwise. */
function toBeSigned(context: Uint8Array, payload: Uint8Array, algorithm: SignatureName): Uint8Array {
  return encodeCbor(["Signature1", PROTECTED[algorithm], context, payload]);
}

function isKidOnly(header: CborValue | undefined): header is ReadonlyMap<number, Uint8Array> {
  if (!(header instanceof Map)) return false;
  return header.size === 0 || (header.size === 1 && header.get(HEADER_KID) instanceof Uint8Array);
}
