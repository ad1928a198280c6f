// How long each message is: by what was asked, how values came about and the rung of padding, and by nothing else.
// Written after firmware/protocol/README.md ("Padding", "Stack", "Trust and sessions"), not after the code.
import { toUint } from "../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor, decodeCborWithFractions } from "../../firmware/protocol/cbor.ts";
import {
  type CoapContent,
  type CoapMessage,
  type CoapOption,
  FORMAT,
  OPTION,
  pathOf,
} from "../../firmware/protocol/coap/message.ts";
import { arrayItems } from "../../firmware/protocol/readings/answer-fields.ts";
import type { PaddingTenths } from "../../firmware/protocol/readings/interval-block.ts";

/** Where a piece of something long begins, and how long it is at the most. */
export interface Piece {
  readonly at: number;
  readonly most: number;
}

/** A message with what is inside of it, and what it answers: what somebody knows who has all keys. */
export interface Seen {
  readonly message: CoapMessage;
  /** Undefined where nothing is protected. */
  readonly inside?: CoapContent | undefined;
  /** What is inside, with all blocks of a long body. */
  readonly content?: CoapContent | undefined;
  /** Where that is a piece of one. */
  readonly body?: { readonly piece: Piece } | undefined;
  /** The request of an answer, as it is inside. */
  readonly asked?: CoapContent | undefined;
  readonly isForGroup?: boolean;
  /** The payload, with all pieces of a long one. */
  readonly whole: Uint8Array;
  /** Where it is a piece of a long message, whose bytes begin there in it; what is inside is of the whole. */
  readonly piece?: Piece | undefined;
  /** How the meter is set that answers. */
  readonly rung: PaddingTenths;
}

/** RFC 9528, method 3, suite 2, credentials by a kid of one byte: `true, message_1`, and message_2. */
const MESSAGE_1_BYTES = 1 + 1 + 1 + 34 + 1;
const MESSAGE_2_BYTES = 2 + 32 + 1 + 1 + 9;
/** message_3, before the first request's ciphertext. */
export const MESSAGE_3_BYTES = 1 + 1 + 9 + 8;
const TAG_BYTES = 8;
export const SIGNATURE_BYTES = 64;
/** CBOR of a moment, and the room that a value has. */
const MOMENT_BYTES = 5;
const VALUE_BYTES = 5;
/** Labels, two of them of RFC 8428 table 4. */
const SENML = { v: 2, t: 6, pad: "pad" } as const;
const CODE_BYTES = 1;
const MARKER_BYTES = 1;
const HEADER_BYTES = 4;

/** The message's bytes. Throws where it is none of those that there may be. */
export function expectedBytes(seen: Seen): number {
  const { message, piece } = seen;
  const payload = pieceBytes(payloadBytes(seen), piece);
  return HEADER_BYTES + message.token.length + optionBytes(message.options) + withMarker(payload);
}

function pieceBytes(whole: number, piece: Piece | undefined): number {
  return piece === undefined ? whole : Math.min(piece.most, whole - piece.at);
}

function payloadBytes({ message, inside, content, body: of, asked, isForGroup, rung, whole }: Seen): number {
  if (inside === undefined || content === undefined) return unprotectedBytes(message, whole);
  const body =
    asked === undefined ? inside.payload.length : pieceBytes(bodyBytes(asked, content, rung), of?.piece);
  const isFirst = message.options.some(({ number }) => number === OPTION.edhoc);
  const plaintext = CODE_BYTES + optionBytes(inside.options) + withMarker(body);
  return (isFirst ? MESSAGE_3_BYTES : 0) + plaintext + (isForGroup ? SIGNATURE_BYTES : TAG_BYTES);
}

/** Handshakes, and what has no payload: acknowledgements, refusals of strangers, failures of a DAP. */
function unprotectedBytes({ code, options, payload }: CoapMessage, whole: Uint8Array): number {
  const value = options.find(({ number }) => number === OPTION.contentFormat)?.value;
  const format = value && toUint(value);
  if (format === FORMAT.connectionIdAndEdhoc) return MESSAGE_1_BYTES;
  if (format === FORMAT.edhoc) return MESSAGE_2_BYTES;
  // Aliases, codes and sealed answers, each of which was seen as it came up.
  if (format === FORMAT.bundle) return sizeOf(decodeCbor(whole));
  if (payload.length > 0)
    throw new Error(`a message of code ${code} says ${payload.length} bytes to everybody`);
  return 0;
}

/** An answer's body. What a request says is what was asked. */
function bodyBytes(asked: CoapContent, answer: CoapContent, rung: PaddingTenths): number {
  const format = answer.options.find(({ number }) => number === OPTION.contentFormat)?.value[0];
  if (format === FORMAT.senmlCbor)
    return senmlBytes(arrayItems(decodeCborWithFractions(answer.payload)) ?? []);
  const said = decodeCbor(answer.payload);
  const isReading = answer.code >> 5 === 2 && answer.payload.length > 0;
  // A code and its text, or nothing.
  if (!isReading) return answer.payload.length;
  switch (pathOf(asked)) {
    case "r":
      return registerReadingBytes(arrayItems(said) ?? []);
    case "p":
      return profileReadingBytes(arrayItems(decodeCbor(asked.payload)) ?? [], arrayItems(said) ?? [], rung);
    case "e":
      return eventReadingBytes(arrayItems(said) ?? []);
    case "s":
      return statementBytes(arrayItems(said) ?? []);
    case "d":
      // What a DAP says of itself.
      return answer.payload.length;
    default:
      return sizeOf(said);
  }
}

/** A head, a moment, a status and a padding of at least one byte; then room for each value by its quality. */
function registerReadingBytes([, , ...rest]: readonly CborValue[]): number {
  const values = rest.filter((item) => !(item instanceof Uint8Array));
  const maxima = values.filter((item) => arrayItems(item)?.length === 3).length;
  const qualified = values.filter((item) => arrayItems(item)?.length === 2).length;
  return 8 + VALUE_BYTES * values.length + 7 * maxima + 2 * qualified;
}

/** A block on a rung, by how many intervals were asked for, and a start where the one asked for is not on the grid. */
function profileReadingBytes(
  asked: readonly CborValue[],
  said: readonly CborValue[],
  rung: PaddingTenths,
): number {
  const block = 8 * Math.ceil((4 + (rung * Number(asked[3])) / 10) / 8);
  const start = said.length === 3 ? MOMENT_BYTES : 0;
  return 1 + MOMENT_BYTES + headBytes(block) + block + start;
}

/** As many events as there were, and how many details each has. */
function eventReadingBytes(said: readonly CborValue[]): number {
  return sizeOf(
    said.map((item) => {
      const [code = 0, time = 0, status = 0, ...rest] = arrayItems(item) ?? [];
      if (arrayItems(item) === undefined || rest.length === 0) return item;
      return [code, time, status, new Uint8Array(VALUE_BYTES * (rest.length - 1))];
    }),
  );
}

/** Records with names and units, room for each value and each time, and the label of what fills it up. */
function senmlBytes(records: readonly CborValue[]): number {
  const room = new Map<CborValue, number>([
    [SENML.v, 9],
    [SENML.t, MOMENT_BYTES],
    [SENML.pad, 1],
  ]);
  let bytes = headBytes(records.length);
  for (const record of records) {
    if (!(record instanceof Map)) throw new Error("a record of SenML that is none");
    bytes += headBytes(record.size);
    for (const [label, value] of record) bytes += sizeOf(label) + (room.get(label) ?? sizeOf(value));
  }
  return bytes;
}

/** A payload and its signature: each register with its name and unit, its value in the room that r gives one. */
function statementBytes([protectedHeader, , payload]: readonly CborValue[]): number {
  const items = arrayItems(payload instanceof Uint8Array ? decodeCbor(payload) : undefined) ?? [];
  const registers = (arrayItems(items[10]) ?? []).map((entry) => (arrayItems(entry) ?? []).with(1, 0));
  const others = [...items.slice(0, 10), registers];
  const padding = 1 + (VALUE_BYTES - 1) * registers.length;
  const bytes = sizeOf(others) + padding;
  return 1 + sizeOf(protectedHeader) + 1 + headBytes(bytes) + bytes + 2 + SIGNATURE_BYTES;
}

/** Bytes of CBOR (RFC 8949 3): what numbers, texts and lists take by their size. */
function sizeOf(item: CborValue | undefined): number {
  if (typeof item === "number") return headBytes(item < 0 ? -1 - item : item);
  if (item instanceof Uint8Array) return headBytes(item.length) + item.length;
  if (typeof item === "string") return sizeOf(new TextEncoder().encode(item));
  const items = arrayItems(item);
  if (items === undefined) return 1;
  return items.reduce<number>((total, each) => total + sizeOf(each), headBytes(items.length));
}

function headBytes(number: number): number {
  if (number < 24) return 1;
  if (number < 0x100) return 2;
  if (number < 0x10000) return 3;
  return number < 0x100000000 ? 5 : 9;
}

/** RFC 7252 3.1; which options there are, and how long each is, {@link mayBeThere} says. */
function optionBytes(options: readonly CoapOption[]): number {
  let previous = 0;
  let bytes = 0;
  for (const { number, value } of options) {
    bytes += 1 + extensionBytes(number - previous) + extensionBytes(value.length) + value.length;
    previous = number;
  }
  return bytes;
}

function extensionBytes(value: number): number {
  if (value < 13) return 0;
  return value < 269 ? 1 : 2;
}

function withMarker(payload: number): number {
  return payload === 0 ? 0 : MARKER_BYTES + payload;
}
