// What a server must remember: the requests of late, so that copies of them are answered alike and
// handled once (RFC 7252 4.5).
import type { Station } from "../../../hal/ports/link.ts";
import { equal } from "../bytes.ts";
import type { CoapMessage } from "./message.ts";
import type { Transmission } from "./outbox.ts";

/** Names a request that came in, for the answer; never used twice. */
export type ExchangeId = number;

/**
 * `pending`: with the handler, and nothing was sent; `acknowledgeAtMs` for a CON. `acknowledged`: an
 * empty ACK was sent. `confirming`: the separate answer is under way. `done`: nothing more to do.
 */
export type ExchangePhase =
  | { readonly kind: "pending"; readonly acknowledgeAtMs: number | undefined }
  | { readonly kind: "acknowledged" }
  | { readonly kind: "confirming"; readonly transmission: Transmission }
  | { readonly kind: "done" };

/** One request that came in, and what its copies get. */
export interface Exchange {
  readonly id: ExchangeId;
  readonly from: Station;
  readonly header: Pick<CoapMessage, "type" | "messageId" | "token">;
  /** The request as it came: only the same bytes are a copy, for a restarted client may repeat a Message ID. */
  readonly datagram: Uint8Array;
  readonly receivedMs: number;
  phase: ExchangePhase;
  /** What a copy of the request gets; undefined for nothing. */
  reply: Uint8Array | undefined;
}

/** More than the stations of a line that can be inside one repetition at the same time. */
const EXCHANGES_MAX = 64;
/** 64 requests and answers of 512 bytes. */
const STORED_BYTES_MAX = 65536;

/** The requests of late: at most 64 and 64 KiB; settled ones are dropped before others, oldest first. */
export class Exchanges {
  readonly #lifetimeMs: number;
  readonly #byId = new Map<ExchangeId, Exchange>();
  #nextId = 1;
  #storedBytes = 0;

  /** A request is remembered for `lifetimeMs` (EXCHANGE_LIFETIME of RFC 7252 4.8.2), longer while unsettled. */
  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  /** The exchange that this datagram is a copy of. */
  find(nowMs: number, from: Station, messageId: number, datagram: Uint8Array): Exchange | undefined {
    for (const exchange of this.#byId.values()) {
      if (exchange.phase.kind === "done" && nowMs >= exchange.receivedMs + this.#lifetimeMs) {
        this.#remove(exchange);
      } else if (exchange.header.messageId === messageId && exchange.from === from) {
        if (equal(exchange.datagram, datagram)) return exchange;
      }
    }
    return undefined;
  }

  /** Remembers a new request, at the cost of others where there are too many. */
  add(exchange: Omit<Exchange, "id" | "reply">): Exchange {
    const { from, header, datagram, receivedMs, phase } = exchange;
    const added = { id: this.#nextId++, from, header, datagram, receivedMs, phase, reply: undefined };
    this.#byId.set(added.id, added);
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

  /** All that are remembered, oldest first. */
  values(): IterableIterator<Exchange> {
    return this.#byId.values();
  }

  #makeRoom(keep: Exchange): void {
    while (this.#byId.size > EXCHANGES_MAX || this.#storedBytes > STORED_BYTES_MAX) {
      const dropped = this.#leastNeeded(keep);
      if (dropped === undefined) return;
      this.#remove(dropped);
    }
  }

  /** The oldest settled one, or where none is, the oldest. */
  #leastNeeded(keep: Exchange): Exchange | undefined {
    let oldest: Exchange | undefined;
    for (const exchange of this.#byId.values()) {
      if (exchange === keep) continue;
      if (exchange.phase.kind === "done") return exchange;
      oldest ??= exchange;
    }
    return oldest;
  }

  #remove(exchange: Exchange): void {
    this.#byId.delete(exchange.id);
    this.#storedBytes -= exchange.datagram.length + (exchange.reply?.length ?? 0);
  }
}
