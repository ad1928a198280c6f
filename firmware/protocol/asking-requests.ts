// The requests that an asking end has under way: what each is for, and who else asks over the same CoAP.
import type { LinkTraits, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { Purpose } from "./asks.ts";
import type { ClientSideEvent, RequestOptions } from "./coap/client.ts";
import type { StationRecord } from "./coap/line-turns.ts";
import type { CoapContent, CoapMessage } from "./coap/message.ts";
import { WholeMessages } from "./coap/outer/whole-messages.ts";
import type { RequestId } from "./coap/requests.ts";
import type { OutgoingDatagram } from "./endpoint.ts";
import { Doubts } from "./open-handshakes.ts";

/**
 * Who asks over the same CoAP beside a `SecureClient`, as a group's reader does: a link has one endpoint, whose tokens
 * and Message IDs count on for all that ask.
 */
export interface OtherAsker {
  /** What came of a request that is none of the client's; it may be nobody's any more. */
  take(nowMs: number, event: ClientSideEvent): void;
  /** Does what was due by now. */
  wake(nowMs: number): void;
  /** Infinity when nothing is pending. */
  nextWakeMs(): number;
}

/** What another asker does with the CoAP that it shares. */
export type SharedCoap = Pick<WholeMessages, "request" | "cancel">;

export interface AskingRequestsParts {
  /** A stream of its own. */
  readonly random: Random;
  readonly traits: LinkTraits;
}

/** What came of a request, and what that was for. */
export interface Outcome {
  readonly event: ClientSideEvent;
  readonly purpose: Purpose;
}

/** Requests by what they are for. */
export class AskingRequests {
  readonly #coap: WholeMessages;
  readonly #traits: LinkTraits;
  readonly #purposes = new Map<RequestId, Purpose>();
  readonly #doubts = new Doubts();
  readonly #others: OtherAsker[] = [];

  constructor({ random, traits }: AskingRequestsParts) {
    this.#coap = new WholeMessages({ random, traits });
    this.#traits = traits;
  }

  /** Answers that came to what had been given up: nobody is told them. */
  get lateAnswers(): number {
    return this.#coap.counters.refused.late;
  }

  /** Lets another asker use this CoAP; what comes of requests that are not this end's goes to it. */
  share(other: OtherAsker): SharedCoap {
    this.#others.push(other);
    return this.#coap;
  }

  /** See `CoapEndpoint.stationRecords`. */
  get stationRecords(): readonly StationRecord[] {
    return this.#coap.stationRecords;
  }

  /** Sends a request, of which {@link next} tells; undefined while 256 others are open. */
  begin(
    nowMs: number,
    to: Station,
    content: CoapContent,
    purpose: Purpose,
    options: RequestOptions,
  ): RequestId | undefined {
    const id = this.#coap.request(nowMs, to, content, options);
    if (id !== undefined) this.#purposes.set(id, purpose);
    return id;
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    this.#coap.receive(nowMs, from, datagram);
  }

  wake(nowMs: number): void {
    this.#coap.wake(nowMs);
    for (const other of this.#others) other.wake(nowMs);
  }

  nextDatagram(): OutgoingDatagram | undefined {
    return this.#coap.nextDatagram();
  }

  /** Infinity when nothing is pending. */
  nextWakeMs(): number {
    const nextMs = Math.min(this.#coap.nextWakeMs() ?? Number.POSITIVE_INFINITY, this.#doubts.nextWakeMs());
    return Math.min(nextMs, ...this.#others.map((other) => other.nextWakeMs()));
  }

  /** The next thing that came of a request of this end; what is not for it goes to the others. */
  next(nowMs: number): Outcome | undefined {
    for (let event = this.#coap.nextEvent(); event !== undefined; event = this.#coap.nextEvent()) {
      if (event.kind === "request") this.#coap.silence(event.exchange);
      if (event.kind === "request" || event.kind === "notified") continue;
      const purpose = this.#purposes.get(event.request);
      if (purpose !== undefined) return { event, purpose };
      for (const other of this.#others) other.take(nowMs, event);
    }
    return undefined;
  }

  /** Undefined for one of which nothing more is expected. */
  purposeOf(request: RequestId): Purpose | undefined {
    return this.#purposes.get(request);
  }

  /** Keeps what nobody has proved, to be believed if nothing better comes. */
  doubt(nowMs: number, request: RequestId, message: CoapMessage | undefined): void {
    this.#doubts.add(nowMs, request, this.#traits, message);
  }

  /** Something better came. */
  trust(request: RequestId): void {
    this.#doubts.delete(request);
  }

  /** What is to be believed by now. */
  believed(nowMs: number): ReturnType<Doubts["due"]> {
    return this.#doubts.due(nowMs);
  }

  /** Nothing more is expected of a request. */
  settle(request: RequestId, purpose: Purpose): void {
    this.#purposes.delete(request);
    this.#doubts.delete(request);
    if (purpose.kind === "protected") purpose.session.open.delete(purpose.number);
  }

  /** Another request is to take the place of this one, whose answer may still come. */
  passOver(request: RequestId): void {
    const purpose = this.#purposes.get(request);
    if (purpose?.kind === "protected") purpose.session.open.delete(purpose.number);
  }

  /** Ends a request, and rejects what comes to it from now on. */
  abandon(request: RequestId): void {
    const purpose = this.#purposes.get(request);
    if (purpose !== undefined) this.settle(request, purpose);
    this.#coap.cancel(request);
  }
}
