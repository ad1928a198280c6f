// The server's side of RFC 7252 4 and 5: each request once, and its answer.
import type { LinkTraits, Station } from "../../../hal/ports/link.ts";
import { encodeMessage } from "./codec.ts";
import { DueQueue } from "./due-queue.ts";
import { type Exchange, type ExchangeId, Exchanges } from "./duplicates.ts";
import { type CoapContent, type CoapMessage, codeKind, codeText, messageOf } from "./message.ts";
import { emptyMessage, type Outbox } from "./outbox.ts";
import type { CoapSettings } from "./settings.ts";
import { exchangeLifetimeMs, processingDelayMs } from "./timing.ts";

const PENDING = { kind: "pending" } as const;
const DONE = { kind: "done" } as const;

/** A request to be handled, told once; `respond`, `acknowledge` or `silence` is then called with its exchange. */
export interface ServerSideEvent {
  readonly kind: "request";
  readonly from: Station;
  readonly exchange: ExchangeId;
  readonly message: CoapMessage;
}

/** The server half of an endpoint: tells each request once and answers its copies alike. */
export class ServerSide {
  readonly #outbox: Outbox;
  readonly #tell: (event: ServerSideEvent) => void;
  readonly #exchanges: Exchanges;
  /** Infinity where nothing is acknowledged by itself. */
  readonly #processingDelayMs: number;
  /** Those that are acknowledged or repeated by themselves. */
  readonly #due = new DueQueue<Exchange>();
  /** Those whose separate answers are under way, by the Message IDs of these. */
  readonly #confirming = new Map<number, Exchange>();

  /** `tell` is called with each request, from inside the call that brought it. */
  constructor(
    outbox: Outbox,
    traits: LinkTraits,
    settings: CoapSettings,
    tell: (event: ServerSideEvent) => void,
  ) {
    this.#outbox = outbox;
    this.#tell = tell;
    this.#exchanges = new Exchanges(exchangeLifetimeMs(traits), settings, (exchange) =>
      this.#settle(exchange),
    );
    // On a line that all share nobody may speak later, and so an empty ACK promises nothing.
    const isPromised = settings.acknowledges === "in time" && traits.addressing === "station";
    this.#processingDelayMs = isPromised ? processingDelayMs(traits) : Number.POSITIVE_INFINITY;
  }

  /** A CON or NON with a request: told if new, answered as before if a copy. */
  takeRequest(nowMs: number, from: Station, message: CoapMessage, datagram: Uint8Array): "taken" | "copy" {
    const copied = this.#exchanges.find(nowMs, from, message.messageId, datagram);
    if (copied !== undefined) {
      if (copied.reply !== undefined) this.#outbox.send({ to: from, bytes: copied.reply });
      return "copy";
    }
    const { type, messageId, token } = message;
    const header = { type, messageId, token };
    const exchange = this.#exchanges.add({ from, header, datagram, receivedMs: nowMs, phase: PENDING });
    if (type === "CON") this.#due.set(exchange, nowMs + this.#processingDelayMs);
    this.#tell({ kind: "request", from, exchange: exchange.id, message });
    return "taken";
  }

  /** See `CoapEndpoint.requestOf`. */
  requestOf(id: ExchangeId): Pick<Exchange, "from" | "header" | "datagram"> | undefined {
    return this.#exchanges.get(id);
  }

  /** See `CoapEndpoint.respond`. */
  respond(nowMs: number, id: ExchangeId, content: CoapContent): boolean {
    if (codeKind(content.code) !== "response") throw new Error(`${codeText(content.code)} is no response`);
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return false;
    if (exchange.phase.kind === "pending") this.#respondAtOnce(exchange, content);
    else if (exchange.phase.kind === "acknowledged") this.#respondLater(nowMs, exchange, content);
    else throw new Error(`exchange ${id} has its answer`);
    return true;
  }

  #respondAtOnce(exchange: Exchange, content: CoapContent): void {
    const { type, messageId, token } = exchange.header;
    const bytes =
      type === "CON"
        ? encodeMessage(messageOf({ type: "ACK", messageId, token }, content))
        : encodeMessage(messageOf({ type: "NON", messageId: this.#outbox.takeMessageId(), token }, content));
    this.#finish(exchange);
    this.#reply(exchange, bytes);
  }

  #respondLater(nowMs: number, exchange: Exchange, content: CoapContent): void {
    const messageId = this.#outbox.takeMessageId();
    const bytes = encodeMessage(messageOf({ type: "CON", messageId, token: exchange.header.token }, content));
    const transmission = this.#outbox.transmit(nowMs, messageId, { to: exchange.from, bytes });
    exchange.phase = { kind: "confirming", transmission };
    this.#confirming.set(messageId, exchange);
    this.#due.set(exchange, transmission.dueMs);
  }

  /** See `CoapEndpoint.refuse`. */
  forget(id: ExchangeId): void {
    this.#exchanges.forget(id);
  }

  /** See `CoapEndpoint.acknowledge`. */
  acknowledge(id: ExchangeId): void {
    const exchange = this.#exchanges.get(id);
    if (exchange?.phase.kind !== "pending" || exchange.header.type !== "CON") return;
    exchange.phase = { kind: "acknowledged" };
    this.#due.remove(exchange);
    this.#reply(exchange, emptyMessage("ACK", exchange.header.messageId));
  }

  /** See `CoapEndpoint.silence`. */
  silence(id: ExchangeId): void {
    const exchange = this.#exchanges.get(id);
    if (exchange !== undefined) this.#finish(exchange);
  }

  /** An ACK or RST for a separate answer: either ends its retransmission. */
  takeSettlement(from: Station, messageId: number): "taken" | "unknown" {
    const exchange = this.#confirming.get(messageId);
    if (exchange?.from !== from) return "unknown";
    this.#finish(exchange);
    return "taken";
  }

  /** Acknowledges, repeats and gives up what is due by `nowMs`. */
  wake(nowMs: number): void {
    for (let exchange = this.#due.due(nowMs); exchange !== undefined; exchange = this.#due.due(nowMs)) {
      const { phase } = exchange;
      if (phase.kind === "pending") this.acknowledge(exchange.id);
      else if (phase.kind !== "confirming") this.#due.remove(exchange);
      else if (this.#outbox.retransmit(nowMs, phase.transmission) === "failed") this.#finish(exchange);
      else this.#due.set(exchange, phase.transmission.dueMs);
    }
  }

  /** Infinity when nothing is pending. */
  nextWakeMs(): number {
    return this.#due.nextMs;
  }

  #finish(exchange: Exchange): void {
    this.#settle(exchange);
    exchange.phase = DONE;
  }

  /** Nothing is sent for it by itself any more. */
  #settle(exchange: Exchange): void {
    this.#due.remove(exchange);
    const { phase } = exchange;
    if (phase.kind === "confirming") this.#confirming.delete(phase.transmission.messageId);
  }

  #reply(exchange: Exchange, bytes: Uint8Array): void {
    this.#exchanges.setReply(exchange, bytes);
    this.#outbox.send({ to: exchange.from, bytes });
  }
}
