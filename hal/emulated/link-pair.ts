import type { Clock } from "../ports/clock.ts";
import {
  LINE,
  type Link,
  type LinkCounters,
  type LinkListener,
  type LinkSend,
  type LinkTraits,
  type Station,
  serialisationMs,
} from "../ports/link.ts";

/** More than a window of any protocol here; a sender that goes on without answers is told `busy`. */
export const UNDER_WAY_MAX = 256;

/** A link that costs nothing: no rate, no delay. */
export const FREE: LinkTraits = {
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 0,
  halfDuplex: false,
};

/** One datagram as it was sent, for whoever taps the link. */
export interface SentDatagram {
  readonly from: "first" | "second";
  /** When it was handed to the link, on the monotonic clock. */
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/**
 * Two links joined in memory, each other's `LINE`. A datagram arrives when it has been serialised,
 * after those before it (of both ends, where the link is half duplex), and half the round trip has
 * passed. Traits that are not given cost nothing. `tap` is called at each send that is taken.
 */
export function linkPair(
  clock: Clock,
  traits: Partial<LinkTraits> = {},
  tap: (sent: SentDatagram) => void = () => {},
): [first: Link, second: Link] {
  const whole = { ...FREE, ...traits };
  const toSecond = new Medium();
  const toFirst = whole.halfDuplex ? toSecond : new Medium();
  const first = new PairedLink(clock, whole, toSecond, (atMs, bytes) => tap({ from: "first", atMs, bytes }));
  const second = new PairedLink(clock, whole, toFirst, (atMs, bytes) => tap({ from: "second", atMs, bytes }));
  first.join(second);
  second.join(first);
  return [first, second];
}

/** What one datagram at a time can be on. */
export class Medium {
  #freeAtMs = Number.NEGATIVE_INFINITY;

  /** Takes the medium for a while as soon as it is free; gives when that while ends. */
  occupy(nowMs: number, forMs: number): number {
    this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + forMs;
    return this.#freeAtMs;
  }
}

class PairedLink implements Link {
  readonly traits: LinkTraits;
  readonly #clock: Clock;
  readonly #medium: Medium;
  readonly #tap: (atMs: number, bytes: Uint8Array) => void;
  #peer: PairedLink = this;
  #state: "open" | "closed" = "open";
  #listener: LinkListener | undefined;
  #underWay = 0;
  #sentDatagrams = 0;
  #receivedDatagrams = 0;

  constructor(
    clock: Clock,
    traits: LinkTraits,
    medium: Medium,
    tap: (atMs: number, bytes: Uint8Array) => void,
  ) {
    this.traits = traits;
    this.#clock = clock;
    this.#medium = medium;
    this.#tap = tap;
  }

  /** Leads what this end sends to `peer`. */
  join(peer: PairedLink): void {
    this.#peer = peer;
  }

  get counters(): LinkCounters {
    return {
      sentDatagrams: this.#sentDatagrams,
      receivedDatagrams: this.#receivedDatagrams,
      rejected: {},
    };
  }

  send(to: Station, datagram: Uint8Array): LinkSend {
    if (this.#state === "closed" || to !== LINE) return "down";
    if (datagram.length > this.traits.mtuBytes) return "too-long";
    if (this.#underWay === UNDER_WAY_MAX) return "busy";
    this.#underWay++;
    this.#sentDatagrams++;
    this.#carry(datagram.slice());
    return "queued";
  }

  listen(listener: LinkListener): void {
    if (this.#listener !== undefined) throw new Error("a link has one listener");
    this.#listener = listener;
  }

  close(): void {
    this.#state = "closed";
  }

  #carry(datagram: Uint8Array): void {
    const nowMs = this.#clock.monotonicMs();
    const leftMs = this.#medium.occupy(nowMs, serialisationMs(this.traits, datagram.length));
    this.#clock.after(leftMs - nowMs + this.traits.roundTripMs / 2, () => {
      this.#underWay--;
      this.#peer.#receive(datagram);
    });
    this.#tap(nowMs, datagram.slice());
  }

  #receive(datagram: Uint8Array): void {
    if (this.#state === "closed") return;
    this.#receivedDatagrams++;
    this.#listener?.datagram(LINE, datagram);
  }
}
