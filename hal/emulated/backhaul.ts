import type { Clock } from "../ports/clock.ts";
import { type Link, type LinkTraits, type Station, serialisationMs } from "../ports/link.ts";
import { FREE, LinkEnd, Medium } from "./link-end.ts";

/** What the stations of a backhaul call its other end. */
export const FAR_END: Station = "far end";

/** One datagram as it was sent, for whoever taps the line. */
export interface CarriedDatagram {
  /** The one of the two that is not the far end. */
  readonly station: Station;
  readonly from: "far end" | "station";
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/**
 * One line that a far end and any number of stations share: in each direction (in both together, where it is half
 * duplex) one datagram after the other, whomever it is of. What goes to a station that is off takes its time on the line
 * all the same.
 */
export class Backhaul {
  /** The far end's; each station is known there by its name. */
  readonly farEnd: Link;
  readonly #clock: Clock;
  readonly #traits: LinkTraits;
  readonly #tap: (carried: CarriedDatagram) => void;
  readonly #toStations = new Medium();
  readonly #toFarEnd: Medium;
  readonly #stations = new Map<Station, LinkEnd>();
  readonly #far: LinkEnd;

  constructor(
    clock: Clock,
    traits: Partial<LinkTraits> = {},
    tap: (carried: CarriedDatagram) => void = () => {},
  ) {
    this.#clock = clock;
    this.#traits = { ...FREE, ...traits };
    this.#tap = tap;
    this.#toFarEnd = this.#traits.halfDuplex ? this.#toStations : new Medium();
    this.#far = new LinkEnd(this.#traits, {
      knows: (to) => this.#stations.has(to),
      carry: (to, bytes, left) => this.#carry({ station: to, from: "far end", bytes }, left),
    });
    this.farEnd = this.#far;
  }

  /** A station's end. One of before with the same name is off the line from then on. */
  station(name: Station): Link {
    this.#stations.get(name)?.close();
    const end = new LinkEnd(this.#traits, {
      knows: (to) => to === FAR_END,
      carry: (_, bytes, left) => this.#carry({ station: name, from: "station", bytes }, left),
    });
    this.#stations.set(name, end);
    return end;
  }

  #carry(datagram: Omit<CarriedDatagram, "atMs">, left: () => void): void {
    const { station, from, bytes } = datagram;
    const nowMs = this.#clock.monotonicMs();
    const medium = from === "far end" ? this.#toStations : this.#toFarEnd;
    const leavesMs = medium.occupy(nowMs, serialisationMs(this.#traits, bytes.length));
    this.#clock.after(leavesMs - nowMs + this.#traits.roundTripMs / 2, () => {
      left();
      if (from === "far end") this.#stations.get(station)?.receive(FAR_END, bytes);
      else this.#far.receive(station, bytes);
    });
    this.#tap({ ...datagram, atMs: nowMs });
  }
}
