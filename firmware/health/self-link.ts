// A meter's link, and beside it a line from the meter to itself.
import type { Clock } from "../../hal/ports/clock.ts";
import type {
  Link,
  LinkCounters,
  LinkListener,
  LinkSend,
  LinkTraits,
  Station,
} from "../../hal/ports/link.ts";

/** The station by which a meter reaches itself. No link has one of that name: what comes from a line as it is dropped. */
export const SELF: Station = "self";

/** Datagrams on their way on the line to itself: a handshake and one question have one at a time. */
const UNDER_WAY_MAX = 8;

const NOTHING_COUNTED: LinkCounters = { sentDatagrams: 0, receivedDatagrams: 0, rejected: {} };

/** The link as it is, with its own counters; what goes to {@link SELF} and comes from there never is on it. */
export class SelfLink implements Link {
  readonly traits: LinkTraits;
  readonly #link: Link;
  readonly #clock: Clock;
  #listener: LinkListener | undefined;
  #self: SelfEnd | undefined;

  constructor(link: Link, clock: Clock) {
    this.traits = link.traits;
    this.#link = link;
    this.#clock = clock;
  }

  get counters(): LinkCounters {
    return this.#link.counters;
  }

  /** The other end of the line to itself, where the meter is the station {@link SELF} too; one at a time. */
  reachSelf(): Link {
    this.#self?.close();
    this.#self = new SelfEnd(this.traits, this.#clock, (datagram) =>
      this.#listener?.datagram(SELF, datagram),
    );
    return this.#self;
  }

  send(to: Station, datagram: Uint8Array): LinkSend {
    return to === SELF ? (this.#self?.deliver(datagram) ?? "down") : this.#link.send(to, datagram);
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
    this.#link.listen({
      datagram: (from, datagram) => {
        if (from !== SELF) listener.datagram(from, datagram);
      },
    });
  }

  close(): void {
    this.#self?.close();
    this.#link.close();
  }
}

class SelfEnd implements Link {
  readonly traits: LinkTraits;
  readonly counters = NOTHING_COUNTED;
  readonly #clock: Clock;
  readonly #toMeter: (datagram: Uint8Array) => void;
  #listener: LinkListener | undefined;
  #state: "open" | "closed" = "open";
  #underWay = 0;

  constructor(traits: LinkTraits, clock: Clock, toMeter: (datagram: Uint8Array) => void) {
    this.traits = traits;
    this.#clock = clock;
    this.#toMeter = toMeter;
  }

  send(to: Station, datagram: Uint8Array): LinkSend {
    return to === SELF ? this.#carry(datagram, this.#toMeter) : "down";
  }

  /** What the meter sends to itself. */
  deliver(datagram: Uint8Array): LinkSend {
    return this.#carry(datagram, (bytes) => this.#listener?.datagram(SELF, bytes));
  }

  listen(listener: LinkListener): void {
    if (this.#listener !== undefined) throw new Error("a link has one listener");
    this.#listener = listener;
  }

  close(): void {
    this.#state = "closed";
  }

  #carry(datagram: Uint8Array, arrive: (bytes: Uint8Array) => void): LinkSend {
    if (this.#state === "closed") return "down";
    if (datagram.length > this.traits.mtuBytes) return "too-long";
    if (this.#underWay === UNDER_WAY_MAX) return "busy";
    this.#underWay++;
    this.#clock.after(0, () => {
      this.#underWay--;
      if (this.#state === "open") arrive(datagram.slice());
    });
    return "queued";
  }
}
