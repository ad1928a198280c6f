// The serving end of a line between two stations that nobody protects: what it takes proves itself by a signature of its own.
import type { LinkTraits, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import { BlockwiseServer } from "./blockwise/server.ts";
import { CoapEndpoint } from "./coap/exchange.ts";
import {
  bareAnswer,
  CODE,
  type CoapContent,
  type CoapMessage,
  hasValidHopLimit,
  OPTION,
} from "./coap/message.ts";
import type { Endpoint, OutgoingDatagram } from "./endpoint.ts";
import { asksForLinks, linksFor } from "./open-requests.ts";
import type { Resources } from "./served-request.ts";
import type { Peer } from "./sessions.ts";

export interface PlainServerParts {
  readonly random: Random;
  readonly traits: LinkTraits;
  readonly resources: Resources;
  /** As whom the resources see whoever asks: nobody has proved anything. */
  readonly peer: Peer;
  /** The longest body of a request in bytes. */
  readonly bodyBytesMax: number;
}

/** One party's serving half, without any protection. Whatever comes in that is not right is refused, never thrown. */
export class PlainServer implements Endpoint<never> {
  readonly #parts: PlainServerParts;
  readonly #coap: CoapEndpoint;
  readonly #blockwise: BlockwiseServer;

  constructor(parts: PlainServerParts) {
    const { random, traits, bodyBytesMax } = parts;
    this.#parts = parts;
    this.#coap = new CoapEndpoint({ random: random.fork("coap"), traits });
    this.#blockwise = new BlockwiseServer({ traits, random: random.fork("etag"), bodyBytesMax });
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    this.#coap.receive(nowMs, from, datagram);
    this.#serveAll(nowMs);
  }

  wake(nowMs: number): void {
    this.#coap.wake(nowMs);
    this.#serveAll(nowMs);
  }

  nextDatagram(): OutgoingDatagram | undefined {
    return this.#coap.nextDatagram();
  }

  nextEvent(): undefined {
    return undefined;
  }

  nextWakeMs(): number | undefined {
    return this.#coap.nextWakeMs();
  }

  #serveAll(nowMs: number): void {
    for (let event = this.#coap.nextEvent(); event !== undefined; event = this.#coap.nextEvent()) {
      if (event.kind !== "request") continue;
      this.#coap.respond(nowMs, event.exchange, this.#answer(nowMs, event.from, event.message));
    }
  }

  #answer(nowMs: number, from: Station, message: CoapMessage): CoapContent {
    const isForProxy = message.options.some(
      ({ number }) => number === OPTION.proxyUri || number === OPTION.proxyScheme,
    );
    if (isForProxy) return bareAnswer(CODE.proxyingNotSupported);
    if (!hasValidHopLimit(message)) return bareAnswer(CODE.badRequest);
    const { resources, peer } = this.#parts;
    if (asksForLinks(message)) return linksFor("peer", resources.links, message);
    // There is one station at the other end, and so one owner of what comes in blocks.
    return this.#blockwise.answer(nowMs, this, message, (content) =>
      resources.serve({ peer, content, from }),
    );
  }
}
