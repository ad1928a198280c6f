// Answers that come in blocks: the rest is fetched, then the whole is looked at (RFC 7959 2.4).
import type { LinkTraits, Station } from "../../../../hal/ports/link.ts";
import { concat, EMPTY, equal } from "../../bytes.ts";
import {
  type Block,
  blockBytes,
  blockMessageBytes,
  blockOffset,
  blockOption,
  hasBlockLength,
  readBlock,
} from "../block.ts";
import type { ClientSideEvent, PieceEvent } from "../client.ts";
import { messageBytes } from "../codec.ts";
import type { CoapEndpoint } from "../exchange.ts";
import {
  type CoapContent,
  type CoapMessage,
  findOption,
  OPTION,
  withOptions,
  withoutOptions,
} from "../message.ts";
import type { RequestId } from "../requests.ts";
import { transmitWaitMs } from "../timing.ts";

/** Beginnings of one answer, of which at the most one is genuine: who forges has no more. */
const BEGINNINGS_MAX = 8;
/** The answers of 250 meters, each of a day's intervals. */
const BUNDLE_BYTES_MAX = 65_536;
/** A token of ours at its longest, and the option Block2 at its longest. */
const TOKEN_BYTES = 4;
const BLOCK_2_BYTES = 5;

interface Collection {
  readonly request: RequestId;
  readonly from: Station;
  /** For later blocks: what was asked, without what is of one message only. */
  readonly asked: CoapContent;
  readonly untilMs: number;
  readonly beginnings: number;
  readonly first: CoapMessage;
  bytes: Uint8Array;
  sizeExponent: number;
  /** The question for the next block. */
  followUp: RequestId;
}

/** Answers under way, of so many bytes at the most each; there is one at the most for an open request. */
export class AnswersIn {
  readonly #coap: CoapEndpoint;
  readonly #traits: LinkTraits;
  readonly #bytesMax: number;
  readonly #byRequest = new Map<RequestId, Collection>();
  /** Undefined for a question of before, whose end is nobody's. */
  readonly #byFollowUp = new Map<RequestId, Collection | undefined>();

  constructor(coap: CoapEndpoint, traits: LinkTraits, bytesMax: number) {
    this.#coap = coap;
    this.#traits = traits;
    this.#bytesMax = bytesMax;
  }

  /** True where no event is to be looked at. */
  get isIdle(): boolean {
    return this.#byRequest.size === 0 && this.#byFollowUp.size === 0;
  }

  /** A first block. The same one again changes nothing; another one is another beginning. */
  begin(nowMs: number, event: PieceEvent): void {
    const { request, from, message, asked, untilMs } = event;
    const block = readBlock(message, OPTION.block2);
    if (this.#byFollowUp.has(request) || !isBlock(block) || !hasBlockLength(message.payload, block)) return;
    const known = this.#byRequest.get(request);
    const beginnings = (known?.beginnings ?? 0) + 1;
    if (known !== undefined && (isSame(known.first, message) || beginnings > BEGINNINGS_MAX)) return;
    if (known !== undefined) this.#drop(known);
    const { payload: bytes } = message;
    const collection = {
      ...{ request, from, untilMs, beginnings, first: message, bytes },
      ...{ asked: followUpOf(asked, this.#traits.mtuBytes), sizeExponent: block.sizeExponent, followUp: -1 },
    };
    this.#byRequest.set(request, collection);
    this.#askNext(nowMs, collection);
  }

  /** True where an event is of a question of ours, and so nobody else's. */
  take(nowMs: number, event: ClientSideEvent): boolean {
    if (event.kind === "ended") this.#end(event.request);
    if (!this.#byFollowUp.has(event.request)) return false;
    const collection = this.#byFollowUp.get(event.request);
    if (event.kind === "answer" && collection !== undefined) this.#add(nowMs, collection, event.message);
    if (event.kind === "ended") {
      this.#byFollowUp.delete(event.request);
      if (collection?.followUp === event.request) this.#drop(collection);
    }
    return true;
  }

  #askNext(nowMs: number, collection: Collection): void {
    const { request, from, asked, bytes, sizeExponent } = collection;
    const number = bytes.length / blockBytes({ sizeExponent });
    const block = blockOption(OPTION.block2, { number, more: false, sizeExponent });
    const followUp = this.#coap.request(nowMs, from, withOptions(asked, block), {
      untilMs: Math.min(collection.untilMs, nowMs + transmitWaitMs(this.#traits)),
      answerBytes: blockMessageBytes({ sizeExponent }),
      isGenuine: (answer) => isNext(collection, answer, this.#bytesMaxOf(asked)),
    });
    if (followUp === undefined) return this.#drop(collection);
    collection.followUp = followUp;
    this.#byFollowUp.set(followUp, collection);
    this.#coap.postpone(nowMs, request);
  }

  #add(nowMs: number, collection: Collection, answer: CoapMessage): void {
    const block = readBlock(answer, OPTION.block2);
    if (!isBlock(block)) return;
    this.#byFollowUp.set(collection.followUp, undefined);
    collection.bytes = concat(collection.bytes, answer.payload);
    collection.sizeExponent = Math.min(collection.sizeExponent, block.sizeExponent);
    if (block.more) return this.#askNext(nowMs, collection);
    const { request, from, first, bytes } = collection;
    this.#byRequest.delete(request);
    this.#coap.supply(request, from, { ...first, ...withoutOptions(first, OPTION.block2), payload: bytes });
  }

  /** Whoever asks for the answers of many has room for them. */
  #bytesMaxOf(asked: CoapContent): number {
    return findOption(asked, OPTION.bundle) === undefined ? this.#bytesMax : BUNDLE_BYTES_MAX;
  }

  /** A request has ended: nobody waits for its answer. */
  #end(request: RequestId): void {
    const collection = this.#byRequest.get(request);
    if (collection !== undefined) this.#drop(collection);
  }

  #drop(collection: Collection): void {
    this.#byRequest.delete(collection.request);
    if (!this.#byFollowUp.has(collection.followUp)) return;
    this.#byFollowUp.set(collection.followUp, undefined);
    this.#coap.cancel(collection.followUp);
  }
}

/**
 * What later blocks are asked for with. A body goes again where nothing is protected, and there is room: who has
 * proved nothing is given no more than three times what he sends.
 */
function followUpOf(asked: CoapContent, mtuBytes: number): CoapContent {
  const hasRoom = messageBytes(asked, TOKEN_BYTES) + BLOCK_2_BYTES <= mtuBytes;
  const isRepeated = hasRoom && !findOption(asked, OPTION.oscore) && !findOption(asked, OPTION.block1);
  const content = isRepeated ? asked : { ...asked, payload: EMPTY };
  return withoutOptions(content, OPTION.observe, OPTION.block1, OPTION.block2, OPTION.size1);
}

/** True for the next block of the same answer: of another one it is of no use (RFC 7959 2.4). */
function isNext({ first, bytes }: Collection, answer: CoapContent, bytesMax: number): boolean {
  const block = readBlock(answer, OPTION.block2);
  if (!isBlock(block) || blockOffset(block) !== bytes.length) return false;
  const isOfSame = first.code === answer.code && equal(etagOf(first), etagOf(answer));
  return (
    isOfSame && hasBlockLength(answer.payload, block) && bytes.length + answer.payload.length <= bytesMax
  );
}

function isSame(one: CoapContent, other: CoapContent): boolean {
  return one.code === other.code && equal(etagOf(one), etagOf(other)) && equal(one.payload, other.payload);
}

function etagOf(content: CoapContent): Uint8Array {
  return findOption(content, OPTION.etag) ?? EMPTY;
}

function isBlock(block: ReturnType<typeof readBlock>): block is Block {
  return block !== undefined && "number" in block;
}
