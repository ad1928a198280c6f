// Requests that are too long for the link: in blocks, one after the other (RFC 7959 2.5).
import type { LinkTraits, Station } from "../../../../hal/ports/link.ts";
import type { Random } from "../../../../hal/ports/random.ts";
import { EMPTY, fromUint, toUint } from "../../bytes.ts";
import {
  type Block,
  blockAt,
  blockBytes,
  blockOption,
  bytesOfBlock,
  exponentFor,
  readBlock,
} from "../block.ts";
import type { ClientSideEvent, RequestOptions } from "../client.ts";
import { messageBytes } from "../codec.ts";
import type { CoapEndpoint } from "../exchange.ts";
import { CODE, type CoapContent, OPTION, withOptions } from "../message.ts";
import type { RequestId } from "../requests.ts";

/** Block1, Size1, Request-Tag, a token and the payload's marker. */
const OPTIONS_BYTES = 24;
/** 2.31 with Block1. */
const CONTINUE_BYTES = 16;
/** A server that loses what it has, or is made to seem so, is sent all again so often. */
const RESTARTS_MAX = 2;

interface LongRequest {
  /** What its owner knows it by: its first message's. */
  readonly id: RequestId;
  readonly to: Station;
  readonly content: CoapContent;
  readonly options: RequestOptions;
  /** The message under way. */
  current: RequestId;
  tag: Uint8Array;
  sizeExponent: number;
  offset: number;
  restarts: number;
}

type Sent = Omit<LongRequest, "id" | "current">;

/** Long requests under way, each as one request to its owner. */
export class RequestsOut {
  readonly #coap: CoapEndpoint;
  readonly #traits: LinkTraits;
  readonly #byId = new Map<RequestId, LongRequest>();
  readonly #byCurrent = new Map<RequestId, LongRequest>();
  /** Messages that were followed by others: their ends are nobody's. */
  readonly #passed = new Set<RequestId>();
  #nextTag: number;

  /** `random` gives the first Request-Tag. */
  constructor(coap: CoapEndpoint, traits: LinkTraits, random: Random) {
    this.#coap = coap;
    this.#traits = traits;
    this.#nextTag = toUint(random.bytes(2));
  }

  /** True where no event is to be looked at. */
  get isIdle(): boolean {
    return this.#byId.size === 0 && this.#passed.size === 0;
  }

  /** See `CoapEndpoint.request`. */
  begin(nowMs: number, to: Station, content: CoapContent, options: RequestOptions): RequestId | undefined {
    const room = this.#traits.mtuBytes - messageBytes({ ...content, payload: EMPTY }, 0) - OPTIONS_BYTES;
    const sizeExponent = exponentFor(this.#traits, room);
    const sent = { to, content, options, tag: this.#newTag(), sizeExponent, offset: 0, restarts: 0 };
    const id = this.#send(nowMs, sent);
    if (id === undefined) return undefined;
    const long = { ...sent, id, current: id };
    this.#byId.set(id, long);
    this.#byCurrent.set(id, long);
    return id;
  }

  /** The message that a request is at. */
  currentOf(id: RequestId): RequestId {
    return this.#byId.get(id)?.current ?? id;
  }

  /** The event as the owner of the request should see it; undefined where it is none for him. */
  take(nowMs: number, event: ClientSideEvent): ClientSideEvent | undefined {
    const long = this.#byCurrent.get(event.request);
    if (long === undefined) {
      const isPassed = event.kind === "ended" ? this.#passed.delete(event.request) : false;
      return isPassed || this.#passed.has(event.request) ? undefined : event;
    }
    if (event.kind === "ended") return this.#end(long, event);
    if (event.kind === "answer" && !isLast(long)) return this.#goOn(nowMs, long, event.message);
    if (event.kind === "doubt" && event.message && isToBeginAgain(long, event.message))
      return this.#beginAgain(nowMs, long, event.message);
    return { ...event, request: long.id };
  }

  #newTag(): Uint8Array {
    return fromUint(this.#nextTag++);
  }

  #send(nowMs: number, sent: Sent): RequestId | undefined {
    const { to, content, options } = sent;
    const block = blockOf(sent);
    const tag = { number: OPTION.requestTag, value: sent.tag };
    const size = { number: OPTION.size1, value: fromUint(content.payload.length) };
    const piece = withOptions(
      { ...content, payload: bytesOfBlock(content.payload, block) },
      ...[blockOption(OPTION.block1, block), tag, ...(block.number === 0 ? [size] : [])],
    );
    if (!block.more) return this.#coap.request(nowMs, to, piece, options);
    const isGenuine = (answer: CoapContent): boolean => isContinue(answer, block);
    const { untilMs, confirmable = true } = options;
    return this.#coap.request(nowMs, to, piece, {
      ...{ untilMs, confirmable, isGenuine, answerBytes: CONTINUE_BYTES },
    });
  }

  #goOn(nowMs: number, long: LongRequest, answer: CoapContent): ClientSideEvent | undefined {
    long.offset += blockBytes(long);
    const told = readBlock(answer, OPTION.block1);
    // No later block is larger than one of the other end's.
    if (told !== undefined && "number" in told)
      long.sizeExponent = Math.min(long.sizeExponent, told.sizeExponent);
    return this.#sendNext(nowMs, long);
  }

  #sendNext(nowMs: number, long: LongRequest): ClientSideEvent | undefined {
    const before = long.current;
    this.#passed.add(before);
    this.#byCurrent.delete(before);
    const next = this.#send(nowMs, long);
    if (next === undefined) return this.#end(long, { kind: "ended", request: before, reason: "timeout" });
    long.current = next;
    this.#byCurrent.set(next, long);
    return undefined;
  }

  #beginAgain(nowMs: number, long: LongRequest, answer: CoapContent): ClientSideEvent | undefined {
    const smaller = smallerSize(long, answer);
    if (smaller === undefined) long.restarts++;
    else long.sizeExponent = smaller;
    long.offset = 0;
    long.tag = this.#newTag();
    const before = long.current;
    const ended = this.#sendNext(nowMs, long);
    this.#coap.cancel(before);
    return ended;
  }

  #end(long: LongRequest, event: Extract<ClientSideEvent, { kind: "ended" }>): ClientSideEvent {
    this.#byId.delete(long.id);
    this.#byCurrent.delete(long.current);
    return { ...event, request: long.id };
  }
}

function blockOf({ content, offset, sizeExponent }: Sent): Block {
  return blockAt(offset, content.payload.length, sizeExponent);
}

/** True where an answer says that all must be sent again, or in smaller blocks (RFC 7959 2.9.2, 2.9.3). */
function isToBeginAgain(long: LongRequest, answer: CoapContent): boolean {
  if (smallerSize(long, answer) !== undefined) return true;
  return answer.code === CODE.requestEntityIncomplete && long.restarts < RESTARTS_MAX;
}

/** The size that a 4.13 names, where it is smaller than ours. */
function smallerSize({ sizeExponent }: LongRequest, answer: CoapContent): number | undefined {
  const told = readBlock(answer, OPTION.block1);
  if (answer.code !== CODE.entityTooLarge || told === undefined || "refusal" in told) return undefined;
  return told.sizeExponent < sizeExponent ? told.sizeExponent : undefined;
}

function isLast(long: LongRequest): boolean {
  return !blockOf(long).more;
}

/** True for the word to go on after this block. */
function isContinue(answer: CoapContent, block: Block): boolean {
  const told = readBlock(answer, OPTION.block1);
  return (
    answer.code === CODE.continue && told !== undefined && "number" in told && told.number === block.number
  );
}
