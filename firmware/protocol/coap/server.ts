// The server's side of RFC 7252 4 and 5: each request once, and its answer.
import type { LinkTraits, Station } from "../../../hal/ports/link.ts";
import { encodeMessage } from "./codec.ts";
import { type Exchange, type ExchangeId, Exchanges } from "./duplicates.ts";
import { type CoapContent, type CoapMessage, codeKind, codeText, messageOf } from "./message.ts";
import { emptyMessage, type Outbox } from "./outbox.ts";
import { exchangeLifetimeMs, processingDelayMs } from "./timing.ts";

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
  readonly #processingDelayMs: number;

  /** `tell` is called with each request, from inside the call that brought it. */
  constructor(outbox: Outbox, traits: LinkTraits, tell: (event: ServerSideEvent) => void) {
    this.#outbox = outbox;
    this.#tell = tell;
    this.#exchanges = new Exchanges(exchangeLifetimeMs(traits));
    this.#processingDelayMs = processingDelayMs(traits);
  }

  /** A CON or NON with a request: told if new, answered as before if a copy. */
  takeRequest(nowMs: number, from: Station, message: CoapMessage, datagram: Uint8Array): "taken" | "copy" {
    const copied = this.#exchanges.find(nowMs, from, message.messageId, datagram);
    if (copied !== undefined) {
      if (copied.reply !== undefined) this.#outbox.send({ to: from, bytes: copied.reply });
      return "copy";
    }
    const acknowledgeAtMs = message.type === "CON" ? nowMs + this.#processingDelayMs : undefined;
    const phase = { kind: "pending" as const, acknowledgeAtMs };
    const { type, messageId, token } = message;
    const header = { type, messageId, token };
    const { id } = this.#exchanges.add({ from, header, datagram, receivedMs: nowMs, phase });
    this.#tell({ kind: "request", from, exchange: id, message });
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
    exchange.phase = { kind: "done" };
    this.#reply(exchange, bytes);
  }

  #respondLater(nowMs: number, exchange: Exchange, content: CoapContent): void {
    const messageId = this.#outbox.takeMessageId();
    const bytes = encodeMessage(messageOf({ type: "CON", messageId, token: exchange.header.token }, content));
    const transmission = this.#outbox.transmit(nowMs, messageId, { to: exchange.from, bytes });
    exchange.phase = { kind: "confirming", transmission };
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
    this.#reply(exchange, emptyMessage("ACK", exchange.header.messageId));
  }

  /** See `CoapEndpoint.silence`. */
  silence(id: ExchangeId): void {
    const exchange = this.#exchanges.get(id);
    if (exchange !== undefined) exchange.phase = { kind: "done" };
  }

  /** An ACK or RST for a separate answer: either ends its retransmission. */
  takeSettlement(from: Station, messageId: number): "taken" | "unknown" {
    for (const exchange of this.#exchanges.values()) {
      if (exchange.phase.kind !== "confirming" || exchange.from !== from) continue;
      if (exchange.phase.transmission.messageId !== messageId) continue;
      exchange.phase = { kind: "done" };
      return "taken";
    }
    return "unknown";
  }

  /** Acknowledges, repeats and gives up what is due by `nowMs`. */
  wake(nowMs: number): void {
    for (const exchange of this.#exchanges.values()) {
      const { phase } = exchange;
      if (phase.kind === "pending") {
        if (nowMs >= (phase.acknowledgeAtMs ?? Number.POSITIVE_INFINITY)) this.acknowledge(exchange.id);
      } else if (phase.kind === "confirming") {
        const state = this.#outbox.retransmit(nowMs, phase.transmission);
        if (state === "failed") exchange.phase = { kind: "done" };
      }
    }
  }

  /** Infinity when nothing is pending. */
  nextWakeMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { phase } of this.#exchanges.values()) {
      if (phase.kind === "pending") nextMs = Math.min(nextMs, phase.acknowledgeAtMs ?? nextMs);
      if (phase.kind === "confirming") nextMs = Math.min(nextMs, phase.transmission.dueMs);
    }
    return nextMs;
  }

  #reply(exchange: Exchange, bytes: Uint8Array): void {
    this.#exchanges.setReply(exchange, bytes);
    this.#outbox.send({ to: exchange.from, bytes });
  }
}
