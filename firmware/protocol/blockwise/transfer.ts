// The client's side: one request and its answer, each of any length, in as many messages as they need.
import type { LinkTraits } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { concat, EMPTY, equal, fromUint, toUint } from "../bytes.ts";
import {
  type Block,
  type BodySizes,
  blockAt,
  blockBytes,
  blockMessageBytes,
  blockOffset,
  blockOption,
  bodySizes,
  bytesOfBlock,
  hasBlockLength,
  readBlock,
} from "../coap/block.ts";
import { CODE, type CoapContent, findOption, OPTION, withOptions, withoutOptions } from "../coap/message.ts";
import { changesSomething } from "../echo.ts";

/**
 * What an answer means for its transfer. `next`: there is another message to send; `repeat`: the same, with the
 * Echo that was asked for; `again`: what was sent or taken so far is lost, {@link Transfer.restart} first; or the
 * whole answer, the end.
 */
export type TransferStep = "next" | "repeat" | "again" | { readonly whole: CoapContent };

/** `asking` until the request is out, up to `offset` so far; then `collecting` where the answer is long. */
type State =
  | { readonly kind: "asking"; readonly offset: number }
  | { readonly kind: "collecting"; readonly first: CoapContent; readonly parts: Uint8Array[]; bytes: number };

/** A line so bad that a proof is out of date whenever it arrives is given up, with the last 4.01. */
const CHALLENGES_MAX = 4;
/** Far above any body of ours; a meter that goes on for longer is not listened to. */
const ANSWER_BYTES_MAX = 65_536;

/** One operation of a client: RFC 7959, with a Request-Tag for each body in blocks and the Echo that is asked for. */
export class Transfer {
  #request: CoapContent;
  readonly #newTag: () => Uint8Array;
  #sizeExponent: number;
  #wholeBytesMax: number;
  #tag: Uint8Array | undefined;
  #state: State = { kind: "asking", offset: 0 };
  #isLong: boolean;
  #echo: Uint8Array | undefined;
  #challenges = 0;

  /** `newTag` gives a value that it never gave before (RFC 9175 3.5.1). */
  constructor(request: CoapContent, { wholeBytesMax, sizeExponent }: BodySizes, newTag: () => Uint8Array) {
    this.#request = request;
    this.#newTag = newTag;
    this.#sizeExponent = sizeExponent;
    this.#wholeBytesMax = wholeBytesMax;
    this.#isLong = request.payload.length > wholeBytesMax;
  }

  /** True once it is known to take several messages, of which the server remembers the earlier ones. */
  get isLong(): boolean {
    return this.#isLong;
  }

  /** How long the next answer will be at the most, where that is known; `whole` is what the caller knows of it. */
  answerBytes(whole: number | undefined): number | undefined {
    return this.#state.kind === "asking" ? whole : blockMessageBytes({ sizeExponent: this.#sizeExponent });
  }

  /** The message to send now; the same again until an answer to it was taken. */
  next(): CoapContent {
    const message =
      this.#state.kind === "asking" ? this.#asking(this.#state.offset) : this.#collecting(this.#state);
    if (this.#echo === undefined) return message;
    return withOptions(message, { number: OPTION.echo, value: this.#echo });
  }

  /** Begins anew with another request of the same kind. */
  restartWith(request: CoapContent): void {
    this.#request = request;
    this.#isLong = this.#isInBlocks;
    this.restart("start");
  }

  /**
   * Begins anew, as a server does that knows nothing of this operation, or goes on from the last message. An Echo of
   * before is of no use to either, and obgm/libcoap after a restart does not even answer it.
   */
  restart(from: "start" | "last message"): void {
    this.#echo = undefined;
    if (from === "start") this.#beginAnew();
  }

  #beginAnew(): void {
    this.#state = { kind: "asking", offset: 0 };
    this.#challenges = 0;
    this.#tag = undefined;
  }

  /** Takes the answer to the last message. Never throws. */
  take(answer: CoapContent): TransferStep {
    const echo = answer.code === CODE.unauthorized ? findOption(answer, OPTION.echo) : undefined;
    if (echo !== undefined && ++this.#challenges <= CHALLENGES_MAX) {
      this.#echo = echo;
      return "repeat";
    }
    return this.#state.kind === "asking"
      ? this.#takeAsked(this.#state.offset, answer)
      : this.#collect(answer);
  }

  /** True for a command, which its peer challenges in any case. */
  get changesSomething(): boolean {
    return changesSomething(this.#request.code);
  }

  get #isInBlocks(): boolean {
    return this.#request.payload.length > this.#wholeBytesMax;
  }

  #asking(offset: number): CoapContent {
    if (!this.#isInBlocks) return this.#request;
    const { payload } = this.#request;
    const block = blockAt(offset, payload.length, this.#sizeExponent);
    const size = { number: OPTION.size1, value: fromUint(payload.length) };
    const message = this.#tagged({ ...this.#request, payload: bytesOfBlock(payload, block) });
    return withOptions(message, blockOption(OPTION.block1, block), ...(offset === 0 ? [size] : []));
  }

  /** Later blocks are asked for without the request's body (RFC 7959 2.7), and register nobody (2.6). */
  #collecting({ bytes }: Extract<State, { kind: "collecting" }>): CoapContent {
    const number = bytes / blockBytes({ sizeExponent: this.#sizeExponent });
    const block = { number, more: false, sizeExponent: this.#sizeExponent };
    const request = { ...withoutOptions(this.#request, OPTION.observe), payload: EMPTY };
    const message = withOptions(request, blockOption(OPTION.block2, block));
    return this.#isInBlocks ? this.#tagged(message) : message;
  }

  #tagged(message: CoapContent): CoapContent {
    this.#tag ??= this.#newTag();
    return withOptions(message, { number: OPTION.requestTag, value: this.#tag });
  }

  #takeAsked(offset: number, answer: CoapContent): TransferStep {
    const block1 = readBlock(answer, OPTION.block1);
    const told = block1 !== undefined && "number" in block1 ? block1 : undefined;
    if (answer.code === CODE.entityTooLarge && told !== undefined) return this.#shrink(told, answer);
    if (this.#isInBlocks && answer.code === CODE.requestEntityIncomplete) return "again";
    const nextOffset = offset + blockBytes({ sizeExponent: this.#sizeExponent });
    if (answer.code !== CODE.continue || !this.#isInBlocks || nextOffset >= this.#request.payload.length) {
      return this.#takeFirst(answer);
    }
    this.#shrinkTo(told);
    this.#state = { kind: "asking", offset: nextOffset };
    this.#echo = undefined;
    return "next";
  }

  /** RFC 7959 2.9.3: a 4.13 that names a smaller block would take the body in such ones. */
  #shrink({ sizeExponent }: Block, answer: CoapContent): TransferStep {
    const size = this.#isInBlocks
      ? blockBytes({ sizeExponent: this.#sizeExponent })
      : this.#request.payload.length;
    if (blockBytes({ sizeExponent }) >= size) return whole(answer);
    this.#sizeExponent = sizeExponent;
    this.#wholeBytesMax = blockBytes({ sizeExponent });
    this.#isLong = true;
    this.#beginAnew();
    return "next";
  }

  /** No later block is larger than one of the other end's. */
  #shrinkTo(block: Block | undefined): void {
    if (block !== undefined) this.#sizeExponent = Math.min(this.#sizeExponent, block.sizeExponent);
  }

  #takeFirst(answer: CoapContent): TransferStep {
    const block = readBlock(answer, OPTION.block2);
    if (block === undefined) return whole(answer);
    if ("refusal" in block || block.number !== 0 || !hasBlockLength(answer.payload, block)) return "again";
    if (!block.more) return whole(answer);
    this.#isLong = true;
    this.#shrinkTo(block);
    const { payload } = answer;
    this.#state = { kind: "collecting", first: answer, parts: [payload], bytes: payload.length };
    this.#echo = undefined;
    return "next";
  }

  /** The next block of the same answer: of another one it is of no use (RFC 7959 2.4). */
  #collect(answer: CoapContent): TransferStep {
    if (this.#state.kind !== "collecting") return "again";
    const { first, parts, bytes } = this.#state;
    const block = readBlock(answer, OPTION.block2);
    const isNext = block !== undefined && "number" in block && blockOffset(block) === bytes;
    if (!isNext || !isOfSameAnswer(first, answer) || !hasBlockLength(answer.payload, block)) return "again";
    if (bytes + answer.payload.length > ANSWER_BYTES_MAX) return "again";
    parts.push(answer.payload);
    this.#state.bytes += answer.payload.length;
    if (!block.more) return whole({ ...first, payload: concat(...parts) });
    this.#shrinkTo(block);
    return "next";
  }
}

function isOfSameAnswer(first: CoapContent, answer: CoapContent): boolean {
  const etag = (content: CoapContent): Uint8Array => findOption(content, OPTION.etag) ?? EMPTY;
  return first.code === answer.code && equal(etag(first), etag(answer));
}

function whole(content: CoapContent): TransferStep {
  return { whole: withoutOptions(content, OPTION.block1, OPTION.block2) };
}

/** Makes the transfers of one end of a link, with Request-Tags that no two of them share for long. */
export function transfersOver(traits: LinkTraits, random: Random): (content: CoapContent) => Transfer {
  const sizes = bodySizes(traits);
  let nextTag = toUint(random.bytes(2));
  return (content) => new Transfer(content, sizes, () => fromUint(nextTag++));
}
