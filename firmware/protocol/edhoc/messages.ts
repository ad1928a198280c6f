// The bytes of EDHOC messages, plaintexts and errors: RFC 9528 5 and 6. Decoders never throw.
import { concat, EMPTY } from "../bytes.ts";
import { type CborValue, decodeCborSequence, encodeCbor, encodeCborSequence } from "../cbor.ts";
import { decodeCredentialId, decodeIdentifier, encodeCredentialId, encodeIdentifier } from "./identifiers.ts";

/** An EAD field: external authorization data (RFC 9528 3.8). */
export interface ExternalData {
  /** As received; empty for none. */
  readonly bytes: Uint8Array;
  /** True where an item is critical: as we know none, the session must end then. */
  readonly isCritical: boolean;
}

export interface Message1 {
  readonly method: number;
  /** SUITES_I: the initiator's suites from its most preferred one down to the selected one. */
  readonly suites: readonly number[];
  /** G_X. Its length follows from the selected suite. */
  readonly publicKey: Uint8Array;
  /** C_I. */
  readonly connectionId: Uint8Array;
  readonly ead: ExternalData;
}

export interface Message2 {
  /** G_Y. */
  readonly publicKey: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface Plaintext3 {
  /** ID_CRED_x, encoded in full. */
  readonly idCred: Uint8Array;
  /** Signature_or_MAC_x. */
  readonly proof: Uint8Array;
  readonly ead: ExternalData;
}

export interface Plaintext2 extends Plaintext3 {
  /** C_R. */
  readonly connectionId: Uint8Array;
}

/** An error as a peer, or anybody in between, sent it: nothing protects it. */
export interface PeerError {
  readonly code: number;
  /** The diagnostic text of code 1. Untrusted: escape it before it is shown. */
  readonly text?: string;
  /** SUITES_R of code 2. */
  readonly suites?: readonly number[];
}

/** Codes with a meaning here (RFC 9528 6). */
const ERROR_CODE = { unspecified: 1, wrongSuite: 2 } as const;

export const NO_EXTERNAL_DATA: ExternalData = { bytes: EMPTY, isCritical: false };
/** Both curves have x-coordinates of 32 bytes, and only those travel (RFC 9528 3.7). */
export const PUBLIC_KEY_BYTES = 32;
/** Room for a certificate by value, and far from the 8160 bytes at which KEYSTREAM_2 would end. */
const MESSAGE_BYTES_MAX = 2048;
/** Five of our own and a dozen of external data: a stranger's two thousand would take a millisecond each time they are read. */
const MESSAGE_ITEMS_MAX = 32;
/** The registry knows 9 suites and 4 private numbers (RFC 9528 10.2). */
const SUITES_MAX = 16;
/** One text whatever the cause: a stranger learns nothing from it. */
const ERROR_TEXT = "EDHOC failed";

/** message_1, without EAD_1. */
export function encodeMessage1(message: Omit<Message1, "ead">): Uint8Array {
  const { method, suites, publicKey, connectionId } = message;
  const fixed = encodeCborSequence([method, toSuitesItem(suites), publicKey]);
  return concat(fixed, encodeIdentifier(connectionId));
}

/** The fields of message_1, or undefined. Neither method nor suites nor key are checked to be usable. */
export function decodeMessage1(bytes: Uint8Array): Message1 | undefined {
  const [method, suitesItem, publicKey, identifier, ...rest] = decodeItems(bytes);
  const suites = fromSuitesItem(suitesItem);
  const connectionId = decodeIdentifier(identifier);
  const ead = toExternalData(rest);
  if (typeof method !== "number" || !(publicKey instanceof Uint8Array)) return undefined;
  if (suites === undefined || connectionId === undefined || ead === undefined) return undefined;
  return { method, suites, publicKey, connectionId, ead };
}

export function encodeMessage2({ publicKey, ciphertext }: Message2): Uint8Array {
  return encodeCbor(concat(publicKey, ciphertext));
}

export function decodeMessage2(bytes: Uint8Array): Message2 | undefined {
  const joined = decodeCiphertext(bytes);
  if (joined === undefined || joined.length <= PUBLIC_KEY_BYTES) return undefined;
  return { publicKey: joined.slice(0, PUBLIC_KEY_BYTES), ciphertext: joined.slice(PUBLIC_KEY_BYTES) };
}

/** message_3 or message_4: a ciphertext and nothing else. */
export function encodeCiphertext(ciphertext: Uint8Array): Uint8Array {
  return encodeCbor(ciphertext);
}

export function decodeCiphertext(bytes: Uint8Array): Uint8Array | undefined {
  const [ciphertext, ...rest] = decodeItems(bytes);
  return ciphertext instanceof Uint8Array && rest.length === 0 ? ciphertext : undefined;
}

export function encodePlaintext2(plaintext: Plaintext2): Uint8Array {
  return concat(encodeIdentifier(plaintext.connectionId), encodePlaintext3(plaintext));
}

export function decodePlaintext2(bytes: Uint8Array): Plaintext2 | undefined {
  const [identifier, ...rest] = decodeItems(bytes);
  const connectionId = decodeIdentifier(identifier);
  const remainder = toPlaintext3(rest);
  return connectionId === undefined || remainder === undefined ? undefined : { connectionId, ...remainder };
}

export function encodePlaintext3({ idCred, proof, ead }: Plaintext3): Uint8Array {
  return concat(encodeCredentialId(idCred), encodeCbor(proof), ead.bytes);
}

export function decodePlaintext3(bytes: Uint8Array): Plaintext3 | undefined {
  return toPlaintext3(decodeItems(bytes));
}

/** PLAINTEXT_4 is EAD_4 alone, and mostly empty. */
export function decodePlaintext4(bytes: Uint8Array): ExternalData | undefined {
  const items = decodeItems(bytes);
  return items.length === 0 && bytes.length > 0 ? undefined : toExternalData(items);
}

/** The error for every cause but a wrong suite. */
export function encodeUnspecifiedError(): Uint8Array {
  return encodeCborSequence([ERROR_CODE.unspecified, ERROR_TEXT]);
}

/** The error that names the suites we support: one or more. */
export function encodeSuitesError(suites: readonly number[]): Uint8Array {
  return encodeCborSequence([ERROR_CODE.wrongSuite, toSuitesItem(suites)]);
}

/** The error that the bytes are, or undefined; code 0 is none (RFC 9528 6.1). */
export function decodeError(bytes: Uint8Array): PeerError | undefined {
  const [code, information, ...rest] = decodeItems(bytes);
  if (typeof code !== "number" || code === 0 || information === undefined || rest.length > 0)
    return undefined;
  if (code === ERROR_CODE.unspecified)
    return typeof information === "string" ? { code, text: information } : undefined;
  if (code !== ERROR_CODE.wrongSuite) return { code };
  const suites = fromSuitesItem(information);
  return suites === undefined ? undefined : { code, suites };
}

/** No items at all stand for bytes that are none: no message but PLAINTEXT_4 may be empty. */
function decodeItems(bytes: Uint8Array): CborValue[] {
  return bytes.length > MESSAGE_BYTES_MAX ? [] : (decodeCborSequence(bytes, MESSAGE_ITEMS_MAX) ?? []);
}

function toPlaintext3([identifier, proof, ...rest]: readonly CborValue[]): Plaintext3 | undefined {
  const idCred = decodeCredentialId(identifier);
  const ead = toExternalData(rest);
  if (idCred === undefined || !(proof instanceof Uint8Array) || ead === undefined) return undefined;
  return { idCred, proof, ead };
}

/** EAD items are a label and, where it is a byte string, the value after it. */
function toExternalData(items: readonly CborValue[]): ExternalData | undefined {
  let isCritical = false;
  let at = 0;
  while (at < items.length) {
    const label = items[at++];
    if (typeof label !== "number") return undefined;
    if (items[at] instanceof Uint8Array) at++;
    isCritical ||= label < 0;
  }
  return { bytes: encodeCborSequence(items), isCritical };
}

/** suites = [ 2* int ] / int */
function toSuitesItem(suites: readonly number[]): CborValue {
  const [first] = suites;
  if (first === undefined) throw new Error("no cipher suite");
  return suites.length === 1 ? first : suites;
}

function fromSuitesItem(item: CborValue | undefined): readonly number[] | undefined {
  if (typeof item === "number") return [item];
  if (!Array.isArray(item) || item.length < 2 || item.length > SUITES_MAX) return undefined;
  const suites: readonly unknown[] = item;
  return suites.every((suite) => typeof suite === "number") ? suites : undefined;
}
