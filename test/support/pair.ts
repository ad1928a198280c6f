import type { Endpoint } from "../../firmware/protocol/endpoint.ts";
import { uniform } from "../../hal/emulated/seeded-random.ts";
import { LINE, type LinkTraits, serialisationMs } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";

export type Side = "first" | "second";

/** When the copies of a datagram arrive, in ms from now: none for a lost one. */
export type Path = (nowMs: number, from: Side, bytes: Uint8Array) => readonly number[];

/** One datagram as it was handed to the path. */
export interface Sent {
  readonly atMs: number;
  readonly from: Side;
  readonly bytes: Uint8Array;
}

/** Rounds at one instant after which the endpoints are held to be running in a circle. */
const ROUNDS_MAX = 10_000;

/** Two endpoints, each other's `LINE`, and a time that jumps to whatever comes next. */
export class Pair<First, Second> {
  nowMs = 0;
  readonly sent: Sent[] = [];
  onFirst: (event: First) => void = () => {};
  onSecond: (event: Second) => void = () => {};
  readonly #first: Endpoint<First>;
  readonly #second: Endpoint<Second>;
  readonly #path: Path;
  readonly #actions: { atMs: number; act: () => void }[] = [];

  constructor(first: Endpoint<First>, second: Endpoint<Second>, path: Path) {
    this.#first = first;
    this.#second = second;
    this.#path = path;
  }

  /** Does `act` in `delayMs`; what is due at the same time is done in the order given. */
  after(delayMs: number, act: () => void): void {
    const atMs = this.nowMs + delayMs;
    const later = this.#actions.findIndex((action) => action.atMs > atMs);
    this.#actions.splice(later < 0 ? this.#actions.length : later, 0, { atMs, act });
  }

  /** Runs until nothing is pending or `untilMs` is reached, whichever is first. */
  run(untilMs = Number.POSITIVE_INFINITY): void {
    let rounds = 0;
    for (;;) {
      while (
        this.#empty(this.#first, "first", this.onFirst) ||
        this.#empty(this.#second, "second", this.onSecond)
      );
      const nextMs = this.#nextMs();
      if (nextMs > untilMs || nextMs === Number.POSITIVE_INFINITY) break;
      rounds = nextMs > this.nowMs ? 0 : rounds + 1;
      if (rounds > ROUNDS_MAX) throw new Error(`no end at ${this.nowMs} ms`);
      this.nowMs = Math.max(this.nowMs, nextMs);
      this.#actOnce();
    }
    if (untilMs !== Number.POSITIVE_INFINITY) this.nowMs = untilMs;
  }

  #nextMs(): number {
    const wakes = [this.#actions[0]?.atMs, this.#first.nextWakeMs(), this.#second.nextWakeMs()];
    return Math.min(...wakes.map((ms) => ms ?? Number.POSITIVE_INFINITY));
  }

  #actOnce(): void {
    if ((this.#actions[0]?.atMs ?? Number.POSITIVE_INFINITY) <= this.nowMs) this.#actions.shift()?.act();
    for (const endpoint of [this.#first, this.#second]) {
      if ((endpoint.nextWakeMs() ?? Number.POSITIVE_INFINITY) <= this.nowMs) endpoint.wake(this.nowMs);
    }
  }

  #empty<Event>(endpoint: Endpoint<Event>, from: Side, tell: (event: Event) => void): boolean {
    let found = false;
    for (let out = endpoint.nextDatagram(); out !== undefined; out = endpoint.nextDatagram()) {
      this.#carry(from, out.bytes);
      found = true;
    }
    for (let event = endpoint.nextEvent(); event !== undefined; event = endpoint.nextEvent()) {
      tell(event);
      found = true;
    }
    return found;
  }

  #carry(from: Side, bytes: Uint8Array): void {
    this.sent.push({ atMs: this.nowMs, from, bytes });
    const other = from === "first" ? this.#second : this.#first;
    for (const delayMs of this.#path(this.nowMs, from, bytes)) {
      this.after(delayMs, () => other.receive(this.nowMs, LINE, bytes.slice()));
    }
  }
}

/** A line as its traits state it: one datagram after the other, half the round trip on top, some lost. */
export function serialLine(traits: LinkTraits, loss?: { random: Random; share: number }): Path {
  const freeAtMs = { first: 0, second: 0 };
  return (nowMs, from, bytes) => {
    const sentMs = Math.max(nowMs, freeAtMs[from]) + serialisationMs(traits, bytes.length);
    freeAtMs[from] = sentMs;
    if (loss !== undefined && uniform(loss.random) < loss.share) return [];
    return [sentMs - nowMs + traits.roundTripMs / 2];
  };
}
