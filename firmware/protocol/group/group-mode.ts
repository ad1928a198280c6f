// What is sent to a group: encrypted by AES-CTR and signed by its sender (RFC 10021 3.1, 4.2 and 7).
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { concat, EMPTY } from "../bytes.ts";
import { encodeCbor } from "../cbor.ts";
import { nonceOf } from "../oscore/context.ts";
import type { GroupContext, GroupEnd } from "./context.ts";

const SIGNATURE_BYTES = 64;
/** The counter of AES-CTR begins at zero (RFC 10021 2.1.7). */
const FIRST_COUNT = new Uint8Array(4);

/** The payload of a request in group mode: ciphertext and encrypted countersignature. `externalAad` is the array's bytes. */
export function signAndSeal(
  { crypto, own, gid, signingSecretKey, signatureEncryptionKey }: GroupContext,
  partialIv: Uint8Array,
  externalAad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const ciphertext = applyCtr(crypto, own, partialIv, plaintext);
  const signature = crypto.sign("ES256", signingSecretKey, toBeSigned(externalAad, ciphertext));
  const stream = keyStream(crypto, signatureEncryptionKey, { id: own.id, gid, partialIv });
  return concat(ciphertext, xor(signature, stream));
}

/** The plaintext of such a payload of `sender`'s, or undefined where he did not sign it: nothing is decrypted then. */
export function verifyAndOpen(
  { crypto, gid, signatureEncryptionKey }: GroupContext,
  sender: GroupEnd,
  partialIv: Uint8Array,
  externalAad: Uint8Array,
  payload: Uint8Array,
): Uint8Array | undefined {
  const length = payload.length - SIGNATURE_BYTES;
  if (length < 1) return undefined;
  const ciphertext = payload.subarray(0, length);
  const stream = keyStream(crypto, signatureEncryptionKey, { id: sender.id, gid, partialIv });
  const signature = xor(payload.subarray(length), stream);
  const isSigned = crypto.verify("ES256", sender.publicKey, toBeSigned(externalAad, ciphertext), signature);
  return isSigned ? applyCtr(crypto, sender, partialIv, ciphertext) : undefined;
}

/** The same call encrypts and decrypts. */
function applyCtr(
  crypto: CryptoEngine,
  { key, groupNonce }: GroupEnd,
  partialIv: Uint8Array,
  data: Uint8Array,
): Uint8Array {
  return crypto.aesCtr(key, concat(nonceOf(groupNonce, partialIv), FIRST_COUNT), data);
}

/**
 * The Countersign_structure of an abbreviated countersignature over a COSE_Encrypt0 (RFC 9338 3.3): neither sign_protected,
 * which such a one has not, nor other_fields, as nothing follows the ciphertext.
 */
function toBeSigned(externalAad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return encodeCbor(["CounterSignature0", EMPTY, externalAad, ciphertext]);
}

interface KeyStreamOf {
  readonly id: Uint8Array;
  readonly gid: Uint8Array;
  readonly partialIv: Uint8Array;
}

/** RFC 10021 4.2, for requests: no answers are sent in group mode. */
function keyStream(crypto: CryptoEngine, key: Uint8Array, { id, gid, partialIv }: KeyStreamOf): Uint8Array {
  const info = encodeCbor([id, gid, true, SIGNATURE_BYTES]);
  return crypto.hkdfExpand(crypto.hkdfExtract(partialIv, key), info, SIGNATURE_BYTES);
}

function xor(bytes: Uint8Array, stream: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => byte ^ (stream[index] as number));
}
