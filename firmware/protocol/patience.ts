// Tries of an ask that came to nothing: whether there is another one, and when. One that tolerates a delay pauses, and its
// earlier requests may still be answered meanwhile.
import type { LinkTraits } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { AskingRequests } from "./asking-requests.ts";
import { type AskFailure, type PendingAsk, TRIES_MAX } from "./asks.ts";
import { toUint } from "./bytes.ts";
import { tryMs } from "./tolerance.ts";

/** The first pause after CoAP has given up; each is between half and one and a half of that, and the next twice as long. */
const PAUSE_MS = 5000;
const PAUSE_MAX_MS = 60_000;
/** What comes to an older request than these is dropped: each holds a token. */
const REQUESTS_MAX = 8;

interface Waiting {
  pauseMs: number;
  /** When the next request is to be made. */
  dueMs: number;
  /** Oldest first. */
  readonly requests: number[];
}

/** The patience of one end with its asks, while they are under way. */
export class Patience {
  readonly #random: Random;
  readonly #traits: LinkTraits;
  readonly #requests: Pick<AskingRequests, "abandon" | "passOver">;
  readonly #waiting = new Map<PendingAsk, Waiting>();

  /** `random` is for the pauses: asks that lost their peers at once do not come back at once. */
  constructor(random: Random, traits: LinkTraits, requests: Pick<AskingRequests, "abandon" | "passOver">) {
    this.#random = random;
    this.#traits = traits;
    this.#requests = requests;
  }

  /** A request of this ask has been sent. Whoever acknowledges it may lose it: then there is another one, much later. */
  sent(nowMs: number, ask: PendingAsk, request: number): void {
    const { toleranceSeconds } = ask;
    if (toleranceSeconds === undefined) return;
    const waiting = this.#of(ask);
    waiting.dueMs = nowMs + tryMs(this.#traits, toleranceSeconds);
    waiting.requests.push(request);
    if (waiting.requests.length > REQUESTS_MAX) this.#requests.abandon(waiting.requests.shift() ?? request);
  }

  /** What is to be done about an ask after a try that came to nothing: `pause` is over when it is {@link due}. */
  after(
    nowMs: number,
    ask: PendingAsk,
    reason: AskFailure,
  ): "try" | "pause" | { readonly failed: AskFailure } {
    const isSilence = reason === "timeout" || reason === "unreachable";
    ask.transfer.restart(isSilence ? "last message" : "start");
    if (reason === "unrouted") return { failed: reason };
    // What a forwarder said stays true until the meter is heard; after a refusal only what came of the next try counts.
    if (reason === "unreachable") ask.trouble = reason;
    if (nowMs >= ask.untilMs) return { failed: ask.trouble ?? reason };
    if (isSilence && ask.toleranceSeconds !== undefined) {
      this.#pause(nowMs, this.#of(ask));
      return "pause";
    }
    return ++ask.tries >= TRIES_MAX ? { failed: reason } : "try";
  }

  #pause(nowMs: number, waiting: Waiting): void {
    waiting.dueMs = nowMs + waiting.pauseMs * (0.5 + toUint(this.#random.bytes(2)) / 0x10000);
    waiting.pauseMs = Math.min(2 * waiting.pauseMs, PAUSE_MAX_MS);
  }

  /** An answer to this ask came, or it has ended: its other requests are of no use. */
  end(ask: PendingAsk): void {
    const requests = this.#waiting.get(ask)?.requests ?? [];
    this.#waiting.delete(ask);
    ask.trouble = undefined;
    for (const request of requests) this.#requests.abandon(request);
  }

  /** Those of which another request is to be made. */
  due(nowMs: number): readonly PendingAsk[] {
    const due = [...this.#waiting].filter(([, { dueMs }]) => nowMs >= dueMs);
    for (const [, waiting] of due) {
      waiting.dueMs = Number.POSITIVE_INFINITY;
      for (const request of waiting.requests) this.#requests.passOver(request);
    }
    return due.map(([ask]) => ask);
  }

  /** Infinity where there is none. */
  nextWakeMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#waiting.values()) nextMs = Math.min(nextMs, dueMs);
    return nextMs;
  }

  #of(ask: PendingAsk): Waiting {
    const waiting = this.#waiting.get(ask) ?? {
      pauseMs: PAUSE_MS,
      dueMs: Number.POSITIVE_INFINITY,
      requests: [],
    };
    this.#waiting.set(ask, waiting);
    return waiting;
  }
}
