// What a CoAP message says, with its numbers: RFC 7252 sections 3, 5 and 12. Its bytes: codec.ts.
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
  badGateway: 0xa2,
  serviceUnavailable: 0xa3,
  gatewayTimeout: 0xa4,
  proxyingNotSupported: 0xa5,
  hopLimitReached: 0xa8,
} as const;

/**
 * Option numbers: RFC 7252 12.2, RFC 7641, 7959, 7967, 8613, 8768, 9175, 9668; from 65000 on experimental ones: the epoch,
 * the delay tolerance and the wish for a bundle are elective and safe to forward (RFC 7252 5.4.6), the Multicast-Timeout
 * of draft-ietf-core-groupcomm-proxy is elective and unsafe.
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
  delayTolerance: 65308,
  bundle: 65312,
  multicastTimeout: 65314,
  epoch: 65340,
} as const;

/** Content-Formats: RFC 7252 12.3, RFC 8949, RFC 9528 10.9, RFC 8428 12.3.1; from 65000 on an experimental one. */
export const FORMAT = {
  linkFormat: 40,
  cbor: 60,
  edhoc: 64,
  connectionIdAndEdhoc: 65,
  senmlCbor: 112,
  bundle: 65060,
} as const;

const UTF8 = new TextDecoder("utf-8", { fatal: true });

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
