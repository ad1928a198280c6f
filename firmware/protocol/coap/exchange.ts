// CoAP over datagrams, client and server in one: RFC 7252 sections 4 and 5.
import type { LinkTraits, Station } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import type { Endpoint, OutgoingDatagram } from "../endpoint.ts";
import {
  ClientSide,
  type ClientSideEvent,
  type Outcome,
  type PieceEvent,
  type RequestOptions,
} from "./client.ts";
import { type CoapFormatError, decodeMessage } from "./codec.ts";
import type { Exchange, ExchangeId } from "./duplicates.ts";
import type { StationRecord } from "./line-turns.ts";
import { type CoapContent, type CoapMessage, codeKind } from "./message.ts";
import { type NotificationEvent, type NotificationId, Notifications } from "./notifications.ts";
import { Outbox } from "./outbox.ts";
import type { RequestId } from "./requests.ts";
import { ServerSide, type ServerSideEvent } from "./server.ts";
import { type CoapSettings, USUAL_SETTINGS } from "./settings.ts";

/**
 * What an endpoint tells: requests to handle, ends of notifications, and answers, first blocks of answers and ends
 * of its own requests.
 */
export type CoapEvent = ServerSideEvent | NotificationEvent | ClientSideEvent | PieceEvent;

/**
 * Why a datagram was refused: a format error; a code that has no place in its message type; an
 * answer, ACK or RST to nothing of ours; an answer to what was given up; or too much waits to be taken out.
 */
export type CoapRefusal = CoapFormatError["error"] | "code" | "unknown" | "late" | "overload";

/** Since the start; numbers only grow. */
export interface CoapCounters {
  /** Copies of messages of ours that were sent because no acknowledgement came. */
  readonly retransmissions: number;
  /** Copies of requests and separate answers that came in. */
  readonly duplicates: number;
  /** Empty confirmable messages that came in (RFC 7252 4.3). */
  readonly pings: number;
  readonly refused: Readonly<Record<CoapRefusal, number>>;
}

/** More than one call can make; whoever takes nothing out gets nothing more. */
const WAITING_MAX = 1024;

const NOTHING_REFUSED: Readonly<Record<CoapRefusal, number>> = {
  "too-short": 0,
  version: 0,
  token: 0,
  option: 0,
  payload: 0,
  empty: 0,
  code: 0,
  unknown: 0,
  late: 0,
  overload: 0,
};

/** What an endpoint stands on. */
export interface CoapParts {
  /** A stream of its own, for tokens, Message IDs and the jitter of timers. */
  readonly random: Random;
  readonly traits: LinkTraits;
  /** Where they are not the {@link USUAL_SETTINGS}. */
  readonly settings?: Partial<CoapSettings>;
}

/** Both roles of CoAP on one link, without I/O. */
export class CoapEndpoint implements Endpoint<CoapEvent> {
  readonly #outbox: Outbox;
  readonly #client: ClientSide;
  readonly #server: ServerSide;
  readonly #notifications: Notifications;
  readonly #events: CoapEvent[] = [];
  readonly #refused = { ...NOTHING_REFUSED };
  #duplicates = 0;
  #pings = 0;

  constructor({ random, traits, settings }: CoapParts) {
    const all = { ...USUAL_SETTINGS, ...settings };
    const tell = (event: CoapEvent) => this.#events.push(event);
    this.#outbox = new Outbox(random, traits);
    this.#client = new ClientSide(this.#outbox, traits, random, all, tell);
    this.#server = new ServerSide(this.#outbox, traits, all, tell);
    this.#notifications = new Notifications(this.#outbox, tell);
  }

  /** A copy of the numbers as they are now. */
  get counters(): CoapCounters {
    return {
      retransmissions: this.#outbox.retransmissions,
      duplicates: this.#duplicates,
      pings: this.#pings,
      refused: { ...this.#refused },
    };
  }

  /** What has been noticed of the stations of a line that all share; none on other links. */
  get stationRecords(): readonly StationRecord[] {
    return this.#client.stationRecords;
  }

  /**
   * Sends a request and follows it until its `ended` event; undefined while too many others are open.
   * A code that is no request's is a bug and throws.
   */
  request(nowMs: number, to: Station, content: CoapContent, options: RequestOptions): RequestId | undefined {
    return this.#client.request(nowMs, to, content, options);
  }

  /** Gives an open request up, with an `ended` event; one that has ended is left alone. */
  cancel(request: RequestId): void {
    this.#client.cancel(request);
  }

  /** Brings the whole answer of which a block came; it is looked at like one that came in one piece. */
  supply(request: RequestId, from: Station, whole: CoapMessage): void {
    this.#client.supply(request, from, whole);
  }

  /** An open request is repeated later, as more of its answer is coming. */
  postpone(nowMs: number, request: RequestId): void {
    this.#client.postpone(nowMs, request);
  }

  /** A request that came in, for as long as it is remembered. */
  requestOf(exchange: ExchangeId): Pick<Exchange, "from" | "header" | "datagram"> | undefined {
    return this.#server.requestOf(exchange);
  }

  /**
   * Answers a request: within the ACK where that is still to be sent, else in a message of its own
   * that is as reliable as the request was. False where the exchange had to make room for others.
   * A second answer, or a code that is no response's, is a bug and throws.
   */
  respond(nowMs: number, exchange: ExchangeId, content: CoapContent): boolean {
    return this.#server.respond(nowMs, exchange, content);
  }

  /**
   * Answers a request and forgets it: a copy is handled anew. For answers that cost nothing to make, so
   * that strangers do not push out what is remembered of others.
   */
  refuse(nowMs: number, exchange: ExchangeId, content: CoapContent): void {
    this.#server.respond(nowMs, exchange, content);
    this.#server.forget(exchange);
  }

  /** Tells the client that its request arrived and that the answer will take longer (RFC 7252 5.2.2). */
  acknowledge(exchange: ExchangeId): void {
    this.#server.acknowledge(exchange);
  }

  /** Sends one more answer to a request of before, by its token, and follows it until its `notified` event. */
  notify(nowMs: number, to: Station, token: Uint8Array, content: CoapContent): NotificationId {
    return this.#notifications.send(nowMs, to, token, content);
  }

  /** Sends one more answer as {@link notify} does, once: whether it arrives is not followed. */
  notifyOnce(to: Station, token: Uint8Array, content: CoapContent): void {
    this.#notifications.sendOnce(to, token, content);
  }

  /** Gives a notification up without an event; one that has ended is left alone. */
  withdraw(notification: NotificationId): void {
    this.#notifications.cancel(notification);
  }

  /** Leaves a request, and copies of it, without any sign: it was meant for another station of the line. */
  silence(exchange: ExchangeId): void {
    this.#server.silence(exchange);
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    if (this.#outbox.waiting + this.#events.length >= WAITING_MAX) {
      this.#refused.overload++;
      return;
    }
    const message = decodeMessage(datagram);
    const outcome = "error" in message ? message.error : this.#take(nowMs, from, message, datagram);
    if (outcome === "taken") return this.#client.takeTurns(nowMs);
    if (outcome === "copy") {
      this.#duplicates++;
      return;
    }
    if (outcome === "ping") this.#pings++;
    else this.#refused[outcome]++;
    if (!("error" in message)) this.#client.noteUnknown(message);
    const rejectedId = confirmableId(message);
    if (rejectedId !== undefined) this.#outbox.reset(nowMs, from, rejectedId);
  }

  wake(nowMs: number): void {
    this.#client.wake(nowMs);
    this.#server.wake(nowMs);
    this.#notifications.wake(nowMs);
  }

  nextDatagram(): OutgoingDatagram | undefined {
    return this.#outbox.take();
  }

  nextEvent(): CoapEvent | undefined {
    return this.#events.shift();
  }

  nextWakeMs(): number | undefined {
    const nextMs = Math.min(
      this.#client.nextWakeMs(),
      this.#server.nextWakeMs(),
      this.#notifications.nextWakeMs(),
    );
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs;
  }

  /** Which code has a place in which type: RFC 7252 table 1. */
  #take(nowMs: number, from: Station, message: CoapMessage, datagram: Uint8Array): Outcome | "ping" | "code" {
    const { type, messageId } = message;
    const isOwn = type === "CON" || type === "NON";
    switch (codeKind(message.code)) {
      case "request":
        return isOwn ? this.#server.takeRequest(nowMs, from, message, datagram) : "code";
      case "response":
        if (isOwn) return this.#client.takeSeparateAnswer(nowMs, from, message);
        return type === "ACK" ? this.#client.takePiggybackedAnswer(from, message) : "code";
      case "empty":
        if (isOwn) return type === "CON" ? "ping" : "code";
        return this.#takeSettlement(from, type, messageId);
      case "reserved":
        return "code";
    }
  }

  /** An empty ACK or RST: for a request of ours, else for a separate answer, else for a notification. */
  #takeSettlement(from: Station, type: "ACK" | "RST", messageId: number): Outcome {
    const outcome =
      type === "ACK"
        ? this.#client.takeAcknowledgement(from, messageId)
        : this.#client.takeReset(from, messageId);
    if (outcome !== "unknown") return outcome;
    const answered = this.#server.takeSettlement(from, messageId);
    return answered === "unknown" ? this.#notifications.takeSettlement(from, type, messageId) : answered;
  }
}

/** What an RST to this message would name: only a CON is rejected that way (RFC 7252 4.2, 4.3). */
function confirmableId(message: CoapMessage | CoapFormatError): number | undefined {
  if ("error" in message) return message.confirmableId;
  return message.type === "CON" ? message.messageId : undefined;
}
