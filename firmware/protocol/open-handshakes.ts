// What an asking end keeps of handshakes under way, and of words that nobody has proved.
import type { LinkTraits } from "../../hal/ports/link.ts";
import { type Handshake, MESSAGE_2_BYTES, type PendingAsk } from "./asks.ts";
import type { CoapMessage } from "./coap/message.ts";
import { ackTimeoutMs } from "./coap/timing.ts";

/** Handshakes by their key, each with the asks that wait for it. */
export class Handshakes {
  readonly #byKey = new Map<string, Handshake>();
  readonly #isAsked: (ask: PendingAsk) => boolean;

  /** `isAsked`: false for an ask that has ended meanwhile. */
  constructor(isAsked: (ask: PendingAsk) => boolean) {
    this.#isAsked = isAsked;
  }

  get(key: string): Handshake | undefined {
    return this.#byKey.get(key);
  }

  add(handshake: Handshake): void {
    this.#byKey.set(handshake.key, handshake);
  }

  /** The ask whose request carries message_3; a handshake that nobody waits for any more is forgotten. */
  firstWaiting(handshake: Handshake): PendingAsk | undefined {
    handshake.waiting = handshake.waiting.filter(this.#isAsked);
    if (handshake.waiting.length === 0) this.#byKey.delete(handshake.key);
    return handshake.waiting[0];
  }

  /** True for one that is under way. */
  has(handshake: Handshake): boolean {
    return this.#byKey.get(handshake.key) === handshake;
  }

  /** Forgets it, and gives those who waited: with so many tries behind them at the least. */
  end({ key, waiting }: Handshake, tries = 0): readonly PendingAsk[] {
    this.#byKey.delete(key);
    for (const ask of waiting) ask.tries = Math.max(ask.tries, tries);
    return waiting;
  }
}

/**
 * What is not proved is believed after so many ACK timeouts without anything better: a genuine answer
 * that was on its way has arrived by then.
 */
const DOUBT_TIMEOUTS = 1;

/** What somebody said who has proved nothing, and when to believe it if nothing better comes. */
interface Doubt {
  readonly believeAtMs: number;
  /** Undefined for an RST. */
  readonly message: CoapMessage | undefined;
}

/** Doubts by the request that they are of. */
export class Doubts {
  readonly #byRequest = new Map<number, Doubt>();

  add(nowMs: number, request: number, traits: LinkTraits, message: CoapMessage | undefined): void {
    const believeAtMs = nowMs + DOUBT_TIMEOUTS * ackTimeoutMs(traits, MESSAGE_2_BYTES);
    this.#byRequest.set(request, { believeAtMs, message });
  }

  delete(request: number): void {
    this.#byRequest.delete(request);
  }

  /** What is to be believed by now. */
  due(nowMs: number): readonly (readonly [request: number, message: CoapMessage | undefined])[] {
    const due = [...this.#byRequest].filter(([, { believeAtMs }]) => nowMs >= believeAtMs);
    return due.map(([request, { message }]) => [request, message]);
  }

  nextWakeMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { believeAtMs } of this.#byRequest.values()) nextMs = Math.min(nextMs, believeAtMs);
    return nextMs;
  }
}
