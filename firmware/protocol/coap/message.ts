// CoAP messages over datagrams: RFC 7252 section 3.
import { EMPTY, equal, fromText, toUint } from "../bytes.ts";

export type MessageType = "CON" | "NON" | "ACK" | "RST";

export interface CoapOption {
  readonly number: number;
  readonly value: Uint8Array;
}

/** What a message says, apart from how it travels: the part that OSCORE protects. */
export interface CoapContent {
  /** Code as one byte, class in the upper three bits: 0.01 is 1, 2.05 is 69. */
  readonly code: number;
  /** In ascending order of number; equal numbers in their own order. */
  readonly options: readonly CoapOption[];
  /** Empty for none: CoAP has no way to send an empty payload. Not to be written to: it may be a view of what came in. */
  readonly payload: Uint8Array;
}

/** How a message travels. */
export interface MessageHeader {
  readonly type: MessageType;
  /** 0 to 65535. */
  readonly messageId: number;
  /** 0 to 8 bytes. */
  readonly token: Uint8Array;
}

export interface CoapMessage extends CoapContent, MessageHeader {}

/** Why bytes are no CoAP message; `messageId` where an RST could name it. */
export interface CoapFormatError {
  readonly error: "too-short" | "version" | "token" | "option" | "payload" | "empty";
  readonly confirmableId?: number;
}

export const CODE = {
  empty: 0x00,
  get: 0x01,
  post: 0x02,
  put: 0x03,
  delete: 0x04,
  fetch: 0x05,
  created: 0x41,
  deleted: 0x42,
  valid: 0x43,
  changed: 0x44,
  content: 0x45,
  continue: 0x5f,
  badRequest: 0x80,
  unauthorized: 0x81,
  badOption: 0x82,
  forbidden: 0x83,
  notFound: 0x84,
  methodNotAllowed: 0x85,
  notAcceptable: 0x86,
  requestEntityIncomplete: 0x88,
  conflict: 0x89,
  entityTooLarge: 0x8d,
  unsupportedContentFormat: 0x8f,
  internalServerError: 0xa0,
  serviceUnavailable: 0xa3,
  proxyingNotSupported: 0xa5,
} as const;

/**
 * Option numbers: RFC 7252 12.2, RFC 7641, 7959, 7967, 8613, 8768, 9175, 9668; from 65000 on experimental ones: the epoch
 * is elective and safe to forward (RFC 7252 5.4.6).
 */
export const OPTION = {
  uriHost: 3,
  etag: 4,
  observe: 6,
  uriPort: 7,
  oscore: 9,
  uriPath: 11,
  contentFormat: 12,
  maxAge: 14,
  uriQuery: 15,
  hopLimit: 16,
  accept: 17,
  edhoc: 21,
  block2: 23,
  block1: 27,
  proxyUri: 35,
  proxyScheme: 39,
  size1: 60,
  echo: 252,
  noResponse: 258,
  requestTag: 292,
  epoch: 65340,
} as const;

/** Content-Formats: RFC 7252 12.3, RFC 8949, RFC 9528 10.9, RFC 8428 12.3.1. */
export const FORMAT = {
  linkFormat: 40,
  cbor: 60,
  edhoc: 64,
  connectionIdAndEdhoc: 65,
  senmlCbor: 112,
} as const;

const UTF8 = new TextDecoder("utf-8", { fatal: true });
const HEADER_BYTES = 4;
const PAYLOAD_MARKER = 0xff;
const TYPES: readonly MessageType[] = ["CON", "NON", "ACK", "RST"];
/** More options than any message of ours or a proxy's has; bounds the work on hostile input. */
const OPTIONS_MAX = 64;
const OPTION_NUMBER_MAX = 65535;
/** RFC 7252 3.1: what an extended length can say. */
const OPTION_BYTES_MAX = 65535 + 269;
/** RFC 7252 3: lengths 9 to 15 are reserved. */
const TOKEN_BYTES_MAX = 8;

/** `c.dd`, as RFC 7252 writes a code. */
export function codeText(code: number): string {
  return `${code >> 5}.${String(code & 0x1f).padStart(2, "0")}`;
}

/** True for a request's code (0.01 to 0.31). */
export function isRequestCode(code: number): boolean {
  return code >= 1 && code <= 0x1f;
}

/** What a code (0 to 255) stands for by its class: RFC 7252 12.1. */
export function codeKind(code: number): "empty" | "request" | "response" | "reserved" {
  if (code === CODE.empty) return "empty";
  if (isRequestCode(code)) return "request";
  return code >= 0x40 && code <= 0xbf ? "response" : "reserved";
}

/** True for an option that a receiver must understand or refuse the message (RFC 7252 5.4.6). */
export function isCritical(optionNumber: number): boolean {
  return (optionNumber & 1) === 1;
}

/** The value of the first option with this number. */
export function findOption(content: CoapContent, number: number): Uint8Array | undefined {
  return content.options.find((option) => option.number === number)?.value;
}

/** True where the Uri-Path is these segments: quicker than to put it together. */
export function hasPath(content: CoapContent, segments: readonly Uint8Array[]): boolean {
  const path = content.options.filter((option) => option.number === OPTION.uriPath);
  return path.length === segments.length && path.every(({ value }, i) => equal(value, segments[i] ?? EMPTY));
}

/** The Uri-Path joined by `/`, without a leading one; undefined where a segment is no UTF-8. */
export function pathOf(content: CoapContent): string | undefined {
  try {
    return content.options
      .filter((option) => option.number === OPTION.uriPath)
      .map((option) => UTF8.decode(option.value))
      .join("/");
  } catch {
    return undefined;
  }
}

/** The Uri-Query options; undefined where one is no UTF-8. */
export function queriesOf(content: CoapContent): readonly string[] | undefined {
  try {
    return content.options
      .filter((option) => option.number === OPTION.uriQuery)
      .map((option) => UTF8.decode(option.value));
  } catch {
    return undefined;
  }
}

/** True where the request may have been forwarded: 0 and more than 255 hops are none (RFC 8768 3). */
export function hasValidHopLimit(content: CoapContent): boolean {
  const value = findOption(content, OPTION.hopLimit);
  if (value === undefined) return true;
  const hops = toUint(value);
  return hops >= 1 && hops <= 255;
}

/** True where the request says that nobody wants to hear of an answer with this code (RFC 7967 2.1). */
export function isUnwanted(request: CoapContent, code: number): boolean {
  const value = findOption(request, OPTION.noResponse);
  return value !== undefined && value.length === 1 && (toUint(value) & (1 << ((code >> 5) - 1))) !== 0;
}

/** A request to a resource that is named by one path segment; a body is in `format`, CBOR by default. */
export function resourceRequest(
  code: number,
  path: string,
  body: Uint8Array = EMPTY,
  format: number = FORMAT.cbor,
): CoapContent {
  const uriPath = { number: OPTION.uriPath, value: fromText(path) };
  const options = body.length === 0 ? [uriPath] : [uriPath, contentFormat(format)];
  return { code, options, payload: body };
}

/** The option Content-Format; a format below 256 takes one byte, 0 none (RFC 7252 3.2). */
export function contentFormat(format: number): CoapOption {
  const value =
    format === 0 ? EMPTY : format < 256 ? Uint8Array.of(format) : Uint8Array.of(format >> 8, format & 0xff);
  return { number: OPTION.contentFormat, value };
}

/** An answer with a body in the given format. */
export function answerWith(code: number, format: number, payload: Uint8Array): CoapContent {
  return { code, options: [contentFormat(format)], payload };
}

/** An answer that is a code alone, or a code and a diagnostic text for people (RFC 7252 5.5.2). */
export function bareAnswer(code: number, diagnostic = ""): CoapContent {
  return { code, options: [], payload: fromText(diagnostic) };
}

/** The content with more options, each in its place. */
export function withOptions(content: CoapContent, ...more: readonly CoapOption[]): CoapContent {
  return { ...content, options: sortOptions([...content.options, ...more]) };
}

/** The content without the options of these numbers. */
export function withoutOptions(content: CoapContent, ...numbers: readonly number[]): CoapContent {
  // Most have none of them, and each message is asked several times.
  if (!content.options.some(({ number }) => numbers.includes(number))) return content;
  return { ...content, options: content.options.filter(({ number }) => !numbers.includes(number)) };
}

/** Options in the order that the codec needs; equal numbers keep their order. */
export function sortOptions(options: readonly CoapOption[]): CoapOption[] {
  return [...options].sort((a, b) => a.number - b.number);
}

/** The message that content becomes under a header. */
export function messageOf(
  { type, messageId, token }: MessageHeader,
  { code, options, payload }: CoapContent,
): CoapMessage {
  return { type, code, messageId, token, options, payload };
}

/** A message's bytes. The caller's options must be in order; whatever no message can hold is a bug and throws. */
export function encodeMessage(message: CoapMessage): Uint8Array {
  const { type, code, messageId, token, options, payload } = message;
  if (token.length > TOKEN_BYTES_MAX) throw new Error(`token of ${token.length} bytes`);
  if (messageId >>> 16 !== 0) throw new Error(`Message ID ${messageId}`);
  const bytes = new Uint8Array(messageBytes(message, token.length));
  bytes[0] = 0x40 | (TYPES.indexOf(type) << 4) | token.length;
  bytes[1] = code;
  bytes[2] = messageId >> 8;
  bytes[3] = messageId & 0xff;
  bytes.set(token, HEADER_BYTES);
  writeOptionsAndPayload(bytes, HEADER_BYTES + token.length, options, payload);
  return bytes;
}

/** How many bytes the content takes as a message with a token of `tokenBytes`. */
export function messageBytes({ options, payload }: CoapContent, tokenBytes: number): number {
  return HEADER_BYTES + tokenBytes + optionsAndPayloadBytes(options, payload);
}

/** `prefix`, then options, and where there is a payload the marker FF and the payload: RFC 7252 3.1. */
export function encodeOptionsAndPayload(
  options: readonly CoapOption[],
  payload: Uint8Array,
  prefix: Uint8Array = EMPTY,
): Uint8Array {
  const bytes = new Uint8Array(prefix.length + optionsAndPayloadBytes(options, payload));
  bytes.set(prefix);
  writeOptionsAndPayload(bytes, prefix.length, options, payload);
  return bytes;
}

function optionsAndPayloadBytes(options: readonly CoapOption[], payload: Uint8Array): number {
  let length = payload.length > 0 ? 1 + payload.length : 0;
  let previous = 0;
  for (const { number, value } of options) {
    if (number < previous) throw new Error(`option ${number} after option ${previous}`);
    if (number > OPTION_NUMBER_MAX) throw new Error(`option ${number}`);
    if (value.length > OPTION_BYTES_MAX) throw new Error(`option ${number} of ${value.length} bytes`);
    length += 1 + extensionBytes(number - previous) + extensionBytes(value.length) + value.length;
    previous = number;
  }
  return length;
}

/** Fills `bytes` from `start` to its end. */
function writeOptionsAndPayload(
  bytes: Uint8Array,
  start: number,
  options: readonly CoapOption[],
  payload: Uint8Array,
): void {
  let at = start;
  let previous = 0;
  for (const { number, value } of options) {
    const delta = number - previous;
    previous = number;
    bytes[at++] = (nibbleOf(delta) << 4) | nibbleOf(value.length);
    at = writeExtension(bytes, at, delta);
    at = writeExtension(bytes, at, value.length);
    bytes.set(value, at);
    at += value.length;
  }
  if (payload.length === 0) return;
  bytes[at] = PAYLOAD_MARKER;
  bytes.set(payload, at + 1);
}

/** Deltas and lengths: up to 12 in the nibble, up to 268 in one more byte, else in two (RFC 7252 3.1). */
function extensionBytes(value: number): number {
  return value < 13 ? 0 : value < 269 ? 1 : 2;
}

function nibbleOf(value: number): number {
  return value < 13 ? value : value < 269 ? 13 : 14;
}

function writeExtension(bytes: Uint8Array, at: number, value: number): number {
  const size = extensionBytes(value);
  if (size === 1) bytes[at] = value - 13;
  if (size === 2) {
    bytes[at] = (value - 269) >> 8;
    bytes[at + 1] = (value - 269) & 0xff;
  }
  return at + size;
}

/** The message that the bytes are, or why they are none. Its payload is a view into them. Never throws. */
export function decodeMessage(bytes: Uint8Array): CoapMessage | CoapFormatError {
  if (bytes.length < 4) return { error: "too-short" };
  const first = at(bytes, 0);
  const code = at(bytes, 1);
  if (first >> 6 !== 1) return { error: "version" };
  const type = TYPES[(first >> 4) & 3] as MessageType;
  const messageId = (at(bytes, 2) << 8) | at(bytes, 3);
  const refuse = (error: CoapFormatError["error"]): CoapFormatError =>
    type === "CON" ? { error, confirmableId: messageId } : { error };
  const tokenLength = first & 0x0f;
  if (tokenLength > TOKEN_BYTES_MAX || 4 + tokenLength > bytes.length) return refuse("token");
  if (code === CODE.empty && bytes.length !== 4) return refuse("empty");
  const body = decodeOptionsAndPayload(bytes, 4 + tokenLength);
  if ("error" in body) return refuse(body.error);
  return messageOf(
    { type, messageId, token: bytes.slice(4, 4 + tokenLength) },
    { code, options: body.options, payload: body.payload },
  );
}

/** The reverse of {@link encodeOptionsAndPayload}, from a place on; the payload is a view into the bytes. Never throws. */
export function decodeOptionsAndPayload(
  bytes: Uint8Array,
  from = 0,
): { options: CoapOption[]; payload: Uint8Array } | { error: "option" | "payload" } {
  const options: CoapOption[] = [];
  let number = 0;
  let at = from;
  while (at < bytes.length) {
    if (bytes[at] === PAYLOAD_MARKER) {
      if (at + 1 === bytes.length) return { error: "payload" };
      return { options, payload: bytes.subarray(at + 1) };
    }
    const head = decodeOptionHead(bytes, at);
    if (head === undefined || options.length === OPTIONS_MAX) return { error: "option" };
    number += head.delta;
    if (number > OPTION_NUMBER_MAX || head.valueAt + head.length > bytes.length) return { error: "option" };
    options.push({ number, value: valueAt(bytes, head) });
    at = head.valueAt + head.length;
  }
  return { options, payload: EMPTY };
}

function valueAt(bytes: Uint8Array, { valueAt, length }: { valueAt: number; length: number }): Uint8Array {
  return length === 0 ? EMPTY : bytes.slice(valueAt, valueAt + length);
}

function decodeOptionHead(
  bytes: Uint8Array,
  at: number,
): { delta: number; length: number; valueAt: number } | undefined {
  const head = bytes[at] as number;
  const delta = readExtended(bytes, at + 1, head >> 4);
  if (delta === undefined) return undefined;
  const length = readExtended(bytes, delta.next, head & 0x0f);
  if (length === undefined) return undefined;
  return { delta: delta.value, length: length.value, valueAt: length.next };
}

function readExtended(
  bytes: Uint8Array,
  at: number,
  nibble: number,
): { value: number; next: number } | undefined {
  if (nibble < 13) return { value: nibble, next: at };
  const first = bytes[at];
  if (nibble === 15 || first === undefined) return undefined;
  if (nibble === 13) return { value: first + 13, next: at + 1 };
  const second = bytes[at + 1];
  if (second === undefined) return undefined;
  return { value: ((first << 8) | second) + 269, next: at + 2 };
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}
