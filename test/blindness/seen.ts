// A recording as somebody reads it who has all keys: what is inside of each message, and which request it answers.
import { concat, EMPTY, equal, toHex } from "../../firmware/protocol/bytes.ts";
import { blockBytes, blockOffset, readBlock } from "../../firmware/protocol/coap/block.ts";
import { decodeOptionsAndPayload } from "../../firmware/protocol/coap/codec.ts";
import { type CoapContent, findOption, isRequestCode, OPTION } from "../../firmware/protocol/coap/message.ts";
import { type OscoreOption, readOscoreOption } from "../../firmware/protocol/oscore/option.ts";
import type { Secrets } from "./knowing-engine.ts";
import { MESSAGE_3_BYTES, type Piece, SIGNATURE_BYTES } from "./lengths.ts";
import type { Recorded } from "./recorder.ts";

/** One recorded message, and what a DAP does not see of it. */
export interface Known {
  readonly recorded: Recorded;
  /** Of the long message, where this is a piece of one. */
  readonly inside: CoapContent | undefined;
  readonly asked: CoapContent | undefined;
  /** Who is asked, or answers. */
  readonly meter: string | undefined;
  readonly isForGroup: boolean;
  /** What is encrypted; undefined where nothing is. */
  readonly ciphertext: Uint8Array | undefined;
  readonly piece: Piece | undefined;
  /** The payload, with all pieces of a long one. */
  readonly whole: Uint8Array;
  /** Where what is inside is a piece of a long body. */
  readonly body: { readonly piece: Piece; readonly long: Long } | undefined;
}

/** A request, and whom it is for: a meter or a group. */
interface Asked {
  readonly content: CoapContent;
  readonly meter: string;
}

interface Opened {
  readonly ciphertext: Uint8Array;
  readonly inside: CoapContent;
}

type Protected = Omit<Known, "asked" | "meter" | keyof Opened> & Opened;

/** In the order of the recording. A protected message that nobody has sealed throws. */
export function knownOf(recording: readonly Recorded[], secrets: Secrets): Known[] {
  const longs = longsOf(recording);
  const reader = new Reader(secrets);
  return recording.map((recorded) => reader.read(recorded, longs.get(recorded)));
}

/** Reads one message after the other, and remembers who asked for what. */
class Reader {
  readonly #secrets: Secrets;
  /** Requests by their exchange. */
  readonly #asked = new Map<string, Asked>();
  /** Aliases by what was sealed for them, or by them. */
  readonly #meters = new Map<string, string>();
  readonly #bodies = new Map<string, Long>();

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  read(recorded: Recorded, long: Long | undefined): Known {
    const { side, peer, message } = recorded;
    const option = readOscoreOption(message);
    const base = {
      ...{ recorded, piece: pieceOf(message), whole: wholePayload(message, long) },
      ...{ isForGroup: false, body: undefined },
    };
    // Without a payload it asks for more of a long answer.
    if (option === undefined || "refused" in option || message.payload.length === 0)
      return { ...base, inside: undefined, asked: undefined, meter: undefined, ciphertext: undefined };
    const opened = open(base.whole, message, option, this.#secrets);
    if (opened === undefined)
      throw new Error(`nobody has sealed a message to or from ${peer} in the ${side}`);
    const known = { ...base, ...opened, isForGroup: option.isGroupMode === true };
    const exchange = `${side} ${peer} ${toHex(message.token)}`;
    return isRequestCode(message.code) ? this.#request(known, exchange) : this.#answer(known, exchange, long);
  }

  #request(known: Protected, exchange: string): Known {
    const { message, peer } = known.recorded;
    const name = toHex(known.ciphertext);
    // Where a station is no alias, the same bytes had one on their way down.
    const meter = hostOf(message) ?? (known.isForGroup ? undefined : this.#meters.get(name)) ?? peer;
    this.#meters.set(name, meter);
    this.#asked.set(exchange, { content: known.inside, meter });
    return { ...known, asked: undefined, meter };
  }

  #answer(known: Protected, exchange: string, long: Long | undefined): Known {
    const request = long?.asked ?? this.#asked.get(exchange);
    if (long !== undefined) long.asked = request;
    const name = toHex(known.ciphertext);
    // Those to a question for all are told apart by where they came from.
    const meter = known.recorded.side === "south" ? request?.meter : this.#meters.get(name);
    if (meter !== undefined) this.#meters.set(name, meter);
    const body = this.#bodyOf(known, meter, request);
    return { ...known, body, asked: body?.long.asked?.content ?? request?.content, meter };
  }

  /** A body in blocks: its first one has all that was asked. */
  #bodyOf(
    { inside, recorded }: Protected,
    meter: string | undefined,
    asked: Asked | undefined,
  ): Known["body"] {
    const piece = pieceOf(inside);
    const tag = findOption(inside, OPTION.etag);
    if (piece === undefined || tag === undefined) return undefined;
    const name = `${recorded.side} ${meter} ${toHex(tag)}`;
    const long = this.#bodies.get(name) ?? { pieces: new Map<number, Uint8Array>(), asked };
    long.pieces.set(piece.at, inside.payload);
    this.#bodies.set(name, long);
    return { piece, long };
  }
}

/** A long message. */
interface Long {
  /** By where they begin. */
  readonly pieces: Map<number, Uint8Array>;
  /** The request that it answers. */
  asked: Asked | undefined;
}

/** The pieces of each long message, by each of its messages. */
function longsOf(recording: readonly Recorded[]): Map<Recorded, Long> {
  const underWay = new Map<string, Long>();
  const longs = new Map<Recorded, Long>();
  for (const recorded of recording) {
    const { side, peer, direction, message } = recorded;
    const piece = pieceOf(message);
    if (piece === undefined) continue;
    const tag = findOption(message, isRequestCode(message.code) ? OPTION.requestTag : OPTION.etag);
    const name = `${side} ${peer} ${direction} ${tag && toHex(tag)}`;
    const known = underWay.get(name);
    const isNext =
      known !== undefined && (piece.at > 0 || equal(known.pieces.get(0) ?? EMPTY, message.payload));
    const long = isNext ? known : { pieces: new Map<number, Uint8Array>(), asked: undefined };
    long.pieces.set(piece.at, message.payload);
    underWay.set(name, long);
    longs.set(recorded, long);
  }
  return longs;
}

/** What a message says, with all blocks of a long body; to be asked for when all has been read. */
export function contentOf({ inside, body }: Known): CoapContent | undefined {
  return inside && { ...inside, payload: wholePayload(inside, body?.long) };
}

function hostOf(request: CoapContent): string | undefined {
  const host = findOption(request, OPTION.uriHost);
  return host && new TextDecoder().decode(host);
}

/** The payload of a message that came whole, or of all its pieces together. */
function wholePayload({ payload }: CoapContent, long: Long | undefined): Uint8Array {
  if (long === undefined) return payload;
  return concat(...[...long.pieces].sort(([a], [b]) => a - b).map(([, payload]) => payload));
}

function open(
  payload: Uint8Array,
  message: CoapContent,
  option: OscoreOption,
  secrets: Secrets,
): Opened | undefined {
  const isFirst = findOption(message, OPTION.edhoc) !== undefined;
  const sealed = payload.subarray(isFirst ? MESSAGE_3_BYTES : 0);
  const ciphertext = option.isGroupMode ? sealed.subarray(0, -SIGNATURE_BYTES) : sealed;
  const plaintext = secrets.plaintextOf(ciphertext);
  const rest = plaintext && decodeOptionsAndPayload(plaintext, 1);
  if (plaintext === undefined || rest === undefined || "error" in rest) return undefined;
  return { ciphertext, inside: { code: plaintext[0] as number, ...rest } };
}

/** Where the message's payload is part of a longer one: Block1 of a request that has one, Block2 of an answer. */
function pieceOf(content: CoapContent): Piece | undefined {
  const number = isRequestCode(content.code) ? OPTION.block1 : OPTION.block2;
  const value = findOption(content, number);
  const block = value && readBlock(content, number);
  if (block === undefined || "refusal" in block || content.payload.length === 0) return undefined;
  return { at: blockOffset(block), most: blockBytes(block) };
}
