import type { Clock } from "../ports/clock.ts";
import type { Station } from "../ports/link.ts";
import type { Random } from "../ports/random.ts";
import { BACKOFF_BITS, bitsMs, hopMs } from "./air-time.ts";
import { Medium } from "./link-end.ts";
import { integerBelow, uniform } from "./seeded-random.ts";

/** IEEE 802.15.4: the wait before a frame is 0 to 2^3 - 1 units. */
const BACKOFFS = 8;
/** As modules with DigiMesh come from the factory: RR is 10, MR is 1. */
const HOP_TRIES = 1 + 10;
const PACKET_TRIES = 1 + 1;
/** A search for a way to a station that is not there. */
const SEARCH_MS = 500;

export interface AirOptions {
  readonly bitsPerSecond: number;
  /** Probability that a frame is lost, 0 to 1; acknowledgements are frames too. 0 if not given. */
  readonly loss?: number;
  /** How many hops it is from one station to another; 1 if not given. */
  readonly hops?: (from: Station, to: Station) => number;
}

/** A station's receiver. */
export interface Radio {
  /** False while it hears nothing. */
  isAwake(): boolean;
  /** A packet, the first time that it arrives. */
  hear(from: Station, packet: Uint8Array): void;
}

/** What became of a packet, as far as its sender can tell: the acknowledgement alone may be lost. */
export type Carried = "delivered" | "no-network-ack" | "no-route";

/**
 * A radio mesh on one channel, where one frame at a time is on the air and stations wait for each other. A packet goes
 * hop by hop; each hop is acknowledged and tried up to eleven times, and the whole way is acknowledged by a packet back
 * and tried twice. Relays are always awake. Same clock, same seed, same losses.
 */
export class EmulatedAir {
  readonly #clock: Clock;
  readonly #random: { readonly loss: Random; readonly backoff: Random };
  readonly #options: AirOptions;
  readonly #channel = new Medium();
  readonly #radios = new Map<Station, Radio>();
  #frames = 0;
  #busyMs = 0;

  constructor(clock: Clock, random: Random, options: AirOptions) {
    this.#clock = clock;
    this.#random = { loss: random.fork("loss"), backoff: random.fork("backoff") };
    this.#options = options;
  }

  /** Frames that were sent, without acknowledgements of a hop, and how long the channel was taken in all. */
  get use(): { readonly frames: number; readonly busyMs: number } {
    return { frames: this.#frames, busyMs: this.#busyMs };
  }

  /** A station is there from now on, in place of any with the same address. */
  join(station: Station, radio: Radio): void {
    this.#radios.set(station, radio);
  }

  /** Carries a packet and tells `done`, later, what became of it. */
  send(from: Station, to: Station, packet: Uint8Array, done: (carried: Carried) => void): void {
    const radio = this.#radios.get(to);
    const sender = this.#radios.get(from);
    if (radio === undefined || sender === undefined) {
      this.#clock.after(SEARCH_MS, () => done("no-route"));
      return;
    }
    const way = { hops: this.#options.hops?.(from, to) ?? 1, bytes: packet.length };
    let hasArrived = false;
    const arrived = (): void => {
      if (!hasArrived) radio.hear(from, packet);
      hasArrived = true;
    };
    const back = { ...way, bytes: 0 };
    const attempt = (triesLeft: number): void => {
      const failed = (): void => (triesLeft === 0 ? done("no-network-ack") : attempt(triesLeft - 1));
      const answered = (isAcknowledged: boolean): void => (isAcknowledged ? done("delivered") : failed());
      this.#walk(way, radio, arrived, (isThere) =>
        isThere ? this.#walk(back, sender, () => {}, answered) : failed(),
      );
    };
    attempt(PACKET_TRIES - 1);
  }

  /** Goes hop by hop; `ended` hears whether the last station acknowledged. */
  #walk(
    { hops, bytes }: { readonly hops: number; readonly bytes: number },
    last: Radio,
    arrived: () => void,
    ended: (isThere: boolean) => void,
  ): void {
    const hop = (left: number): void => {
      const isLast = left === 1;
      const hears = (): boolean => !isLast || last.isAwake();
      const taken = (isTaken: boolean): void => {
        if (!isTaken || isLast) ended(isTaken);
        else hop(left - 1);
      };
      this.#hop(bytes, HOP_TRIES, hears, isLast ? arrived : () => {}, taken);
    };
    hop(hops);
  }

  #hop(
    bytes: number,
    triesLeft: number,
    hears: () => boolean,
    arrived: () => void,
    ended: (isTaken: boolean) => void,
  ): void {
    if (triesLeft === 0) return ended(false);
    this.#occupy(bytes, () => {
      const isHeard = !this.#isLost() && hears();
      if (isHeard) arrived();
      if (isHeard && !this.#isLost()) ended(true);
      else this.#hop(bytes, triesLeft - 1, hears, arrived, ended);
    });
  }

  /** A frame and the time of its acknowledgement, which its sender waits for in any case. */
  #occupy(bytes: number, over: () => void): void {
    const { bitsPerSecond } = this.#options;
    const backoffMs = bitsMs(bitsPerSecond, BACKOFF_BITS * integerBelow(this.#random.backoff, BACKOFFS));
    const frameMs = hopMs(bitsPerSecond, bytes);
    this.#frames++;
    this.#busyMs += frameMs;
    const nowMs = this.#clock.monotonicMs();
    this.#clock.after(this.#channel.occupy(nowMs, backoffMs + frameMs) - nowMs, over);
  }

  #isLost(): boolean {
    return uniform(this.#random.loss) < (this.#options.loss ?? 0);
  }
}
