// Messages to bytes and back: RFC 7252 section 3.
import { EMPTY } from "../bytes.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  type CoapOption,
  type MessageType,
  messageOf,
} from "./message.ts";

/** Why bytes are no CoAP message; `messageId` where an RST could name it. */
export interface CoapFormatError {
  readonly error: "too-short" | "version" | "token" | "option" | "payload" | "empty";
  readonly confirmableId?: number;
}

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
