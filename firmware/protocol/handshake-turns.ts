// How many handshakes, and on a line registrations too, an asking end has under way: when the supply of a street comes
// back, all its meters are to be asked at the same time.
import type { LinkTraits } from "../../hal/ports/link.ts";
import { MESSAGE_2_BYTES, type PendingAsk } from "./asks.ts";
import { ackTimeoutMs } from "./coap/timing.ts";

/** A handshake takes some 300 bytes of a line, whose stations share it. */
const ON_LINE_MAX = 2;
/** Elsewhere each peer has a way of its own; this end computes some milliseconds for each. */
const ELSEWHERE_MAX = 16;
/** Who has not said a word after so many ACK timeouts is not there, and others need not wait for it. */
const HELD_TIMEOUTS = 2;
const NOBODY: readonly PendingAsk[] = [];

/** Turns, by the key of whom a handshake is with, or by the ask that registers. */
export class HandshakeTurns {
  readonly #isLine: boolean;
  readonly #most: number;
  readonly #heldMs: number;
  readonly #isAsked: (ask: PendingAsk) => boolean;
  /** Until when each turn is held. */
  readonly #taken = new Map<string, number>();
  /** In the order that they were asked. */
  readonly #waiting = new Map<string, PendingAsk[]>();

  /** `isAsked`: false for an ask that has ended meanwhile. */
  constructor(traits: LinkTraits, isAsked: (ask: PendingAsk) => boolean) {
    this.#isLine = traits.bitsPerSecond !== undefined;
    this.#most = this.#isLine ? ON_LINE_MAX : ELSEWHERE_MAX;
    this.#heldMs = HELD_TIMEOUTS * ackTimeoutMs(traits, MESSAGE_2_BYTES, MESSAGE_2_BYTES);
    this.#isAsked = isAsked;
  }

  /** True where this ask may begin a handshake now; else it waits until {@link due} gives it. */
  admits(nowMs: number, key: string, ask: PendingAsk): boolean {
    if (this.#hasRoom(nowMs)) return true;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#waiting.set(key, [ask]);
    else waiting.push(ask);
    return false;
  }

  /**
   * True where this ask needs no turn, or has one from now on, for as long as an answer may take; else it waits.
   * Elsewhere than on a line who asks in a session needs none.
   */
  takeOnLine(nowMs: number, ask: PendingAsk): boolean {
    if (!this.#isLine) return true;
    const key = `${ask.id}`;
    if (!this.admits(nowMs, key, ask)) return false;
    this.begin(nowMs, key);
    return true;
  }

  /** A handshake with this one has begun. */
  begin(nowMs: number, key: string): void {
    this.#taken.set(key, nowMs + this.#heldMs);
  }

  /** The handshake with this one has ended. */
  end(key: string): void {
    this.#taken.delete(key);
  }

  /** Asks whose turn it is, each to be started before the next is taken. */
  due(nowMs: number): Iterable<PendingAsk> {
    return this.#waiting.size === 0 ? NOBODY : this.#due(nowMs);
  }

  *#due(nowMs: number): Iterable<PendingAsk> {
    for (let key = this.#first(); key !== undefined && this.#hasRoom(nowMs); key = this.#first()) {
      const asks = this.#waiting.get(key) ?? NOBODY;
      this.#waiting.delete(key);
      // The others of this peer wait for the handshake that the first of them begins.
      yield* asks.filter(this.#isAsked);
    }
  }

  /** Infinity where nobody waits. */
  nextWakeMs(): number {
    if (this.#waiting.size === 0) return Number.POSITIVE_INFINITY;
    return this.#taken.size < this.#most ? 0 : Math.min(...this.#taken.values());
  }

  #hasRoom(nowMs: number): boolean {
    if (this.#taken.size < this.#most) return true;
    for (const [key, untilMs] of this.#taken) if (nowMs >= untilMs) this.#taken.delete(key);
    return this.#taken.size < this.#most;
  }

  /** A question is somebody's who waits for its answer; a watch can wait. */
  #first(): string | undefined {
    for (const [key, asks] of this.#waiting) if (asks.some(({ watch }) => watch === undefined)) return key;
    return this.#waiting.keys().next().value;
  }
}
