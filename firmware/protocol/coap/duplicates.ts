// What a server must remember: the requests of late, so that copies of them are answered alike and
// handled once (RFC 7252 4.5).
import type { Station } from "../../../hal/ports/link.ts";
import { equal } from "../bytes.ts";
import type { Timed } from "./due-queue.ts";
import type { CoapMessage } from "./message.ts";
import type { Transmission } from "./outbox.ts";
import type { CoapSettings } from "./settings.ts";

/** Names a request that came in, for the answer; never used twice. */
export type ExchangeId = number;

/**
 * `pending`: with the handler, and nothing was sent. `acknowledged`: an empty ACK was sent. `confirming`: the separate answer is under way. `done`: nothing more to do.
 */
export type ExchangePhase =
  | { readonly kind: "pending" }
  | { readonly kind: "acknowledged" }
  | { readonly kind: "confirming"; readonly transmission: Transmission }
  | { readonly kind: "done" };

/** One request that came in, and what its copies get. */
export interface Exchange extends Timed {
  readonly id: ExchangeId;
  readonly from: Station;
  readonly header: Pick<CoapMessage, "type" | "messageId" | "token">;
  /** The request as it came: only the same bytes are a copy, for a restarted client may repeat a Message ID. */
  readonly datagram: Uint8Array;
  readonly receivedMs: number;
  phase: ExchangePhase;
  /** What a copy of the request gets; undefined for nothing. */
  reply: Uint8Array | undefined;
  /** Another one with the same Message ID. */
  older: Exchange | undefined;
  /** The one that came before it, and the one after. */
  before: Exchange | undefined;
  after: Exchange | undefined;
}

type NewExchange = Pick<Exchange, "from" | "header" | "datagram" | "receivedMs" | "phase">;

/** The requests of late, so many and of so many bytes at the most; settled ones are dropped before others, oldest first. */
export class Exchanges {
  readonly #lifetimeMs: number;
  readonly #settings: CoapSettings;
  readonly #leave: (exchange: Exchange) => void;
  readonly #byId = new Map<ExchangeId, Exchange>();
  /** Of different stations, or of a client before and after it was started anew. */
  readonly #byMessageId = new Map<number, Exchange>();
  /** A chain from the oldest on: to find the first of a Map takes time for each that was taken out before it. */
  #oldest: Exchange | undefined;
  #newest: Exchange | undefined;
  #nextId = 1;
  #storedBytes = 0;

  /**
   * A request is remembered for `lifetimeMs` (EXCHANGE_LIFETIME of RFC 7252 4.8.2), longer while unsettled; `leave` is
   * told of each that is not any more.
   */
  constructor(lifetimeMs: number, settings: CoapSettings, leave: (exchange: Exchange) => void) {
    this.#lifetimeMs = lifetimeMs;
    this.#settings = settings;
    this.#leave = leave;
  }

  /** The exchange that this datagram is a copy of. */
  find(nowMs: number, from: Station, messageId: number, datagram: Uint8Array): Exchange | undefined {
    this.#dropOutlived(nowMs);
    let exchange = this.#byMessageId.get(messageId);
    while (exchange !== undefined && !(exchange.from === from && equal(exchange.datagram, datagram)))
      exchange = exchange.older;
    if (exchange === undefined || !this.#isOutlived(nowMs, exchange)) return exchange;
    this.#remove(exchange);
    return undefined;
  }

  /** From the oldest on to one that is still needed: what is behind it goes after it, or when it is asked for. */
  #dropOutlived(nowMs: number): void {
    while (this.#oldest !== undefined && this.#isOutlived(nowMs, this.#oldest)) this.#remove(this.#oldest);
  }

  #isOutlived(nowMs: number, { phase, receivedMs }: Exchange): boolean {
    return phase.kind === "done" && nowMs >= receivedMs + this.#lifetimeMs;
  }

  /** Remembers a new request, at the cost of others where there are too many. */
  add(exchange: NewExchange): Exchange {
    const { from, header, datagram, receivedMs, phase } = exchange;
    // Written out: each request that a router passes on makes one.
    const added: Exchange = {
      id: this.#nextId++,
      from,
      header,
      datagram,
      receivedMs,
      phase,
      reply: undefined,
      older: this.#byMessageId.get(header.messageId),
      before: this.#newest,
      after: undefined,
      dueMs: Number.POSITIVE_INFINITY,
      place: -1,
    };
    this.#byId.set(added.id, added);
    this.#byMessageId.set(header.messageId, added);
    if (this.#newest === undefined) this.#oldest = added;
    else this.#newest.after = added;
    this.#newest = added;
    this.#storedBytes += added.datagram.length;
    this.#makeRoom(added);
    return added;
  }

  /** A copy of it is a new request from now on; nothing where it is forgotten already. */
  forget(id: ExchangeId): void {
    const exchange = this.#byId.get(id);
    if (exchange !== undefined) this.#remove(exchange);
  }

  /** Undefined also for an exchange that had to make room for others. */
  get(id: ExchangeId): Exchange | undefined {
    return this.#byId.get(id);
  }

  /** Stores what copies of the request get from now on; once for an exchange. */
  setReply(exchange: Exchange, reply: Uint8Array): void {
    this.#storedBytes += reply.length;
    exchange.reply = reply;
    this.#makeRoom(exchange);
  }

  #makeRoom(keep: Exchange): void {
    const { exchanges, exchangeBytes } = this.#settings;
    while (this.#byId.size > exchanges || this.#storedBytes > exchangeBytes) {
      const dropped = this.#leastNeeded(keep);
      if (dropped === undefined) return;
      this.#remove(dropped);
    }
  }

  /** The oldest settled one, or where none is, the oldest. */
  #leastNeeded(keep: Exchange): Exchange | undefined {
    let oldest: Exchange | undefined;
    for (let exchange = this.#oldest; exchange !== undefined; exchange = exchange.after) {
      if (exchange === keep) continue;
      if (exchange.phase.kind === "done") return exchange;
      oldest ??= exchange;
    }
    return oldest;
  }

  #remove(exchange: Exchange): void {
    this.#byId.delete(exchange.id);
    this.#unlink(exchange);
    this.#leave(exchange);
    this.#storedBytes -= exchange.datagram.length + (exchange.reply?.length ?? 0);
  }

  #unlink(exchange: Exchange): void {
    const { before, after, header } = exchange;
    if (before === undefined) this.#oldest = after;
    else before.after = after;
    if (after === undefined) this.#newest = before;
    else after.before = before;
    this.#unlinkAlike(exchange, header.messageId);
  }

  #unlinkAlike(exchange: Exchange, messageId: number): void {
    const newest = this.#byMessageId.get(messageId);
    if (newest === exchange) {
      if (exchange.older === undefined) this.#byMessageId.delete(messageId);
      else this.#byMessageId.set(messageId, exchange.older);
      return;
    }
    let newer = newest;
    while (newer !== undefined && newer.older !== exchange) newer = newer.older;
    if (newer !== undefined) newer.older = exchange.older;
  }
}
