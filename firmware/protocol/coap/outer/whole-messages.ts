// Between CoAP and protection, which sees whole messages only: what the link does not carry in one piece, and
// what others have cut, in the outer blocks of RFC 8613 4.1.3.4.2.
import type { LinkTraits, Station } from "../../../../hal/ports/link.ts";
import type { Endpoint, OutgoingDatagram } from "../../endpoint.ts";
import { type Block, hasBlock, operationsOf, readBlock } from "../block.ts";
import type { PieceEvent, RequestOptions } from "../client.ts";
import { decodeMessage, messageBytes } from "../codec.ts";
import type { ExchangeId } from "../duplicates.ts";
import { type CoapCounters, CoapEndpoint, type CoapEvent, type CoapParts } from "../exchange.ts";
import type { StationRecord } from "../line-turns.ts";
import { bareAnswer, CODE, type CoapContent, type CoapMessage, messageOf, OPTION } from "../message.ts";
import type { NotificationId } from "../notifications.ts";
import type { RequestId } from "../requests.ts";
import type { ServerSideEvent } from "../server.ts";
import { USUAL_SETTINGS } from "../settings.ts";
import { AnswersIn } from "./answers-in.ts";
import { AnswersOut, type AskedBlocks, asksForLater, type CameAs, type Hearer } from "./answers-out.ts";
import { RequestsIn, wholeRequest } from "./requests-in.ts";
import { RequestsOut } from "./requests-out.ts";

/** What is told of whole messages. */
export type WholeEvent = Exclude<CoapEvent, PieceEvent>;

/** The blocks of a request that is with its handler. */
interface Asked extends AskedBlocks {
  readonly from: Station;
  readonly last: CoapMessage;
}

const NO_BLOCKS: AskedBlocks = { block1: undefined, block2: undefined };

/** No message has a longer token. */
const TOKEN_BYTES_MAX = 8;

/** Both roles of CoAP on one link, as `CoapEndpoint` is, for messages of up to 2048 bytes whatever the MTU. */
export class WholeMessages implements Endpoint<WholeEvent> {
  readonly #coap: CoapEndpoint;
  readonly #traits: LinkTraits;
  readonly #requestsIn: RequestsIn;
  readonly #answersOut: AnswersOut;
  readonly #requestsOut: RequestsOut;
  readonly #answersIn: AnswersIn;
  readonly #asked = new Map<ExchangeId, Asked>();
  /** As many as the exchanges that are remembered; only a handler that never answers leaves any. */
  readonly #askedMax: number;
  readonly #events: WholeEvent[] = [];
  /** Of the last call that told it. */
  #nowMs = 0;

  constructor(parts: CoapParts) {
    const { random, traits } = parts;
    const settings = { ...USUAL_SETTINGS, ...parts.settings };
    const keyOf = operationsOf(settings.hosts);
    this.#askedMax = settings.exchanges;
    this.#coap = new CoapEndpoint(parts);
    this.#traits = traits;
    this.#requestsIn = new RequestsIn(traits, keyOf);
    this.#answersOut = new AnswersOut(traits, random.fork("outer etag"), settings.longAnswers, keyOf);
    this.#requestsOut = new RequestsOut(this.#coap, traits, random.fork("outer request-tag"));
    this.#answersIn = new AnswersIn(this.#coap, traits, settings.answerBytes);
  }

  /** Those of the messages that were sent and came in, blocks included. */
  get counters(): CoapCounters {
    return this.#coap.counters;
  }

  /** See `CoapEndpoint.stationRecords`. */
  get stationRecords(): readonly StationRecord[] {
    return this.#coap.stationRecords;
  }

  /** See `CoapEndpoint.request`. */
  request(nowMs: number, to: Station, content: CoapContent, options: RequestOptions): RequestId | undefined {
    this.#nowMs = nowMs;
    const { replaces, tokenBytes = 1 } = options;
    const own =
      replaces === undefined ? options : { ...options, replaces: this.#requestsOut.currentOf(replaces) };
    return messageBytes(content, tokenBytes) <= this.#traits.mtuBytes
      ? this.#coap.request(nowMs, to, content, own)
      : this.#requestsOut.begin(nowMs, to, content, own);
  }

  /** See `CoapEndpoint.cancel`. */
  cancel(request: RequestId): void {
    this.#coap.cancel(this.#requestsOut.currentOf(request));
  }

  /** See `CoapEndpoint.respond`: to somebody who has proved who he is. */
  respond(nowMs: number, exchange: ExchangeId, content: CoapContent): boolean {
    return this.#answer(nowMs, exchange, content, "proved");
  }

  /** The same to a stranger: each piece of the answer is at most three times as long as what asked for it. */
  greet(nowMs: number, exchange: ExchangeId, content: CoapContent): boolean {
    return this.#answer(nowMs, exchange, content, "stranger");
  }

  /** See `CoapEndpoint.refuse`. */
  refuse(nowMs: number, exchange: ExchangeId, content: CoapContent): void {
    this.#asked.delete(exchange);
    this.#coap.refuse(nowMs, exchange, content);
  }

  /** See `CoapEndpoint.acknowledge`. */
  acknowledge(exchange: ExchangeId): void {
    this.#coap.acknowledge(exchange);
  }

  /** See `CoapEndpoint.silence`. */
  silence(exchange: ExchangeId): void {
    this.#asked.delete(exchange);
    this.#coap.silence(exchange);
  }

  /** See `CoapEndpoint.notify`: a notification is never cut. */
  notify(nowMs: number, to: Station, token: Uint8Array, content: CoapContent): NotificationId {
    return this.#coap.notify(nowMs, to, token, content);
  }

  /** See `CoapEndpoint.notifyOnce`. */
  notifyOnce(to: Station, token: Uint8Array, content: CoapContent): void {
    this.#coap.notifyOnce(to, token, content);
  }

  /**
   * Sends the late answer to a request of before, by its token, as {@link notify} does; of a long one the first block,
   * whose others are asked for with what the request was.
   */
  deliver(
    nowMs: number,
    to: Station,
    token: Uint8Array,
    request: CoapContent,
    answer: CoapContent,
  ): NotificationId {
    const message = messageOf({ type: "CON", messageId: 0, token }, request);
    const first = this.#answersOut.begin(nowMs, { from: to, message, bytes: 0 }, answer, "proved", NO_BLOCKS);
    return this.#coap.notify(nowMs, to, token, first);
  }

  /** See `CoapEndpoint.withdraw`. */
  withdraw(notification: NotificationId): void {
    this.#coap.withdraw(notification);
  }

  /** What came from there was genuine: from now on no stranger takes the room of its blocks. */
  proved(from: Station): void {
    this.#requestsIn.proved(from);
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    this.#nowMs = nowMs;
    this.#coap.receive(nowMs, from, datagram);
    this.#takeAll();
  }

  wake(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#coap.wake(nowMs);
    this.#takeAll();
  }

  nextDatagram(): OutgoingDatagram | undefined {
    return this.#coap.nextDatagram();
  }

  nextEvent(): WholeEvent | undefined {
    this.#takeAll();
    return this.#events.shift();
  }

  nextWakeMs(): number | undefined {
    return this.#coap.nextWakeMs();
  }

  #takeAll(): void {
    for (let event = this.#coap.nextEvent(); event !== undefined; event = this.#coap.nextEvent()) {
      const told = this.#take(event);
      if (told !== undefined) this.#events.push(told);
    }
  }

  #take(event: CoapEvent): WholeEvent | undefined {
    switch (event.kind) {
      case "notified":
        return event;
      case "request":
        return hasBlock(event.message) ? this.#takeBlock(event) : event;
      case "piece":
        this.#answersIn.begin(this.#nowMs, event);
        return undefined;
      default:
        if (!this.#answersIn.isIdle && this.#answersIn.take(this.#nowMs, event)) return undefined;
        return this.#requestsOut.isIdle ? event : this.#requestsOut.take(this.#nowMs, event);
    }
  }

  /** A block of a request, or a question for a later block of an answer; undefined where it is answered here. */
  #takeBlock(event: ServerSideEvent): WholeEvent | undefined {
    const { from, message, exchange } = event;
    const [block1, block2] = [readBlock(message, OPTION.block1), readBlock(message, OPTION.block2)];
    for (const block of [block1, block2])
      if (block !== undefined && "refusal" in block)
        return this.#turnDown(exchange, bareAnswer(block.refusal));
    const [request, answer] = [block1 as Block | undefined, block2 as Block | undefined];
    if (asksForLater(answer)) return this.#takeLater(event, answer);
    if (request === undefined) {
      // What a GET is for is a resource's: who serves it cuts it.
      if (message.code === CODE.get) return event;
      this.#keep(exchange, { from, last: message, block1: undefined, block2: answer });
      return { ...event, message: wholeRequest(message, message.payload) };
    }
    const taken = this.#requestsIn.take(this.#nowMs, from, message, request);
    if ("code" in taken) return this.#turnDown(exchange, taken);
    this.#keep(exchange, { from, last: message, block1: request, block2: answer });
    return { ...event, message: wholeRequest(message, taken) };
  }

  #takeLater(event: ServerSideEvent, asked: Block): WholeEvent | undefined {
    const { exchange, message } = event;
    const request = this.#cameAs(exchange);
    const block = request && this.#answersOut.goOn(this.#nowMs, request, asked);
    if (block !== undefined) return this.#turnDown(exchange, block);
    if (message.code === CODE.get) return event;
    return this.#turnDown(exchange, bareAnswer(CODE.requestEntityIncomplete));
  }

  /** What a copy gets anew: it costs nothing to make. */
  #turnDown(exchange: ExchangeId, content: CoapContent): undefined {
    this.#coap.refuse(this.#nowMs, exchange, content);
  }

  #keep(exchange: ExchangeId, asked: Asked): void {
    const [oldest] = this.#asked.keys();
    if (oldest !== undefined && this.#asked.size >= this.#askedMax) this.#asked.delete(oldest);
    this.#asked.set(exchange, asked);
  }

  #answer(nowMs: number, exchange: ExchangeId, content: CoapContent, hearer: Hearer): boolean {
    const asked = this.#asked.get(exchange);
    const isShort = hearer === "proved" && messageBytes(content, TOKEN_BYTES_MAX) <= this.#traits.mtuBytes;
    if (asked === undefined && isShort) return this.#coap.respond(nowMs, exchange, content);
    this.#asked.delete(exchange);
    if (asked !== undefined) this.#requestsIn.forget(asked.from, asked.last);
    const request = this.#cameAs(exchange);
    if (request === undefined) return false;
    const answer = this.#answersOut.begin(nowMs, request, content, hearer, asked ?? NO_BLOCKS);
    return this.#coap.respond(nowMs, exchange, answer);
  }

  #cameAs(exchange: ExchangeId): CameAs | undefined {
    const request = this.#coap.requestOf(exchange);
    const message = request && decodeMessage(request.datagram);
    if (request === undefined || message === undefined || "error" in message) return undefined;
    return { from: request.from, message, bytes: request.datagram.length };
  }
}
