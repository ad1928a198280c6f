import type { Link, LinkCounters, LinkListener, LinkSend, LinkTraits, Station } from "../ports/link.ts";

/** More than a window of any protocol here; a sender that goes on without answers is told `busy`. */
const UNDER_WAY_MAX = 256;

/** A link that costs nothing: no rate, no delay. */
export const FREE: LinkTraits = {
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 0,
  halfDuplex: false,
  addressing: "station",
};

/** What one datagram at a time can be on. */
export class Medium {
  #freeAtMs = Number.NEGATIVE_INFINITY;

  /** Takes the medium for a while as soon as it is free; gives when that while ends. */
  occupy(nowMs: number, forMs: number): number {
    this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + forMs;
    return this.#freeAtMs;
  }
}

/** What an end asks of its line. */
interface Line {
  /** True for a station of this line, whether or not it is there now. */
  readonly knows: (to: Station) => boolean;
  /** `left` is called as the datagram arrives, or would. */
  readonly carry: (to: Station, bytes: Uint8Array, left: () => void) => void;
}

/** One end of a line in memory, which says where its datagrams go and how long they take. */
export class LinkEnd implements Link {
  readonly traits: LinkTraits;
  readonly #line: Line;
  #state: "open" | "closed" = "open";
  #listener: LinkListener | undefined;
  #underWay = 0;
  #sentDatagrams = 0;
  #receivedDatagrams = 0;

  constructor(traits: LinkTraits, line: Line) {
    this.traits = traits;
    this.#line = line;
  }

  get counters(): LinkCounters {
    return {
      sentDatagrams: this.#sentDatagrams,
      receivedDatagrams: this.#receivedDatagrams,
      rejected: {},
    };
  }

  send(to: Station, datagram: Uint8Array): LinkSend {
    if (this.#state === "closed" || !this.#line.knows(to)) return "down";
    if (datagram.length > this.traits.mtuBytes) return "too-long";
    if (this.#underWay === UNDER_WAY_MAX) return "busy";
    this.#underWay++;
    this.#sentDatagrams++;
    this.#line.carry(to, datagram.slice(), () => {
      this.#underWay--;
    });
    return "queued";
  }

  listen(listener: LinkListener): void {
    if (this.#listener !== undefined) throw new Error("a link has one listener");
    this.#listener = listener;
  }

  close(): void {
    this.#state = "closed";
  }

  receive(from: Station, datagram: Uint8Array): void {
    if (this.#state === "closed") return;
    this.#receivedDatagrams++;
    this.#listener?.datagram(from, datagram);
  }
}
