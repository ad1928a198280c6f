// What an asking end keeps of handshakes under way, and of words that nobody has proved.
import type { LinkTraits } from "../../hal/ports/link.ts";
import { type Handshake, MESSAGE_2_BYTES, type PendingAsk } from "./asks.ts";
import type { CoapMessage } from "./coap/message.ts";
import { ackTimeoutMs } from "./coap/timing.ts";
import { HandshakeTurns } from "./handshake-turns.ts";

/** Handshakes by their key, each with the asks that wait for it. */
export class Handshakes {
  readonly #byKey = new Map<string, Handshake>();
  readonly #turns: HandshakeTurns;
  readonly #isAsked: (ask: PendingAsk) => boolean;

  /** `isAsked`: false for an ask that has ended meanwhile. */
  constructor(traits: LinkTraits, isAsked: (ask: PendingAsk) => boolean) {
    this.#turns = new HandshakeTurns(traits, isAsked);
    this.#isAsked = isAsked;
  }

  /** True where this ask may begin a handshake now; else it is kept until {@link due} gives it. */
  admits(nowMs: number, key: string, ask: PendingAsk): boolean {
    return this.#turns.admits(nowMs, key, ask);
  }

  /** False for a registration in a session that has to wait for a turn, as handshakes do; {@link due} gives it then. */
  registersNow(nowMs: number, ask: PendingAsk): boolean {
    return ask.watch === undefined || this.#turns.takeOnLine(nowMs, ask);
  }

  /** The registration that had a turn has its answer. */
  registered(ask: PendingAsk): void {
    this.#turns.end(`${ask.id}`);
  }

  /** Asks whose turn it is, each to be started before the next is taken. */
  due(nowMs: number): Iterable<PendingAsk> {
    return this.#turns.due(nowMs);
  }

  /** Infinity where nobody waits for a turn. */
  nextWakeMs(): number {
    return this.#turns.nextWakeMs();
  }

  get(key: string): Handshake | undefined {
    return this.#byKey.get(key);
  }

  add(nowMs: number, handshake: Handshake): void {
    this.#turns.begin(nowMs, handshake.key);
    this.#byKey.set(handshake.key, handshake);
  }

  /** The ask whose request carries message_3; a handshake that nobody waits for any more is forgotten. */
  firstWaiting(handshake: Handshake): PendingAsk | undefined {
    handshake.waiting = handshake.waiting.filter(this.#isAsked);
    if (handshake.waiting.length === 0) this.end(handshake);
    return handshake.waiting[0];
  }

  /** True for one that is under way. */
  has(handshake: Handshake): boolean {
    return this.#byKey.get(handshake.key) === handshake;
  }

  /** Forgets it, and gives those who waited: with so many tries behind them at the least. */
  end({ key, waiting }: Handshake, tries = 0): readonly PendingAsk[] {
    this.#byKey.delete(key);
    this.#turns.end(key);
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
