import type { Cancel, Clock } from "../../ports/clock.ts";
import type { Link, LinkCounters, LinkListener, LinkSend, LinkTraits, Station } from "../../ports/link.ts";
import { bitsPerCharacter, type Uart } from "../../ports/uart.ts";
import { addressOf, type FromModule, fromModule, transmitRequest } from "./frames.ts";
import { Introduction, type ModuleFacts, type XbeeRefusal } from "./introduction.ts";
import { XbeeLine } from "./line.ts";
import { type Delivery, FRAME, TRANSMIT_HEADER_BYTES } from "./registers.ts";

/** A window of a protocol, and an answer beside it: more would only wait until nobody wants it. */
const QUEUE_MAX = 8;
/** A module that looks for a station in vain has said so long before: two rounds of eleven tries. */
const STATUS_MS = 5000;
/** Between two introductions of a module that does not answer. */
const REST_MS = 5000;
/** Several hops there and back with a try or two again, and the time that a meter takes to answer. */
const ROUND_TRIP_MS = 400;
/** A datagram passes the UARTs of both modules, one after the other. */
const UARTS = 2;

/** What becomes of a datagram that is not delivered. `no-status`: the module never said. */
type Undelivered = Exclude<Delivery, "delivered"> | "unknown" | "no-status";
/** Frames of the module that are dropped: of a type that is not looked at, or meant for everybody. */
type Dropped = "type" | "broadcast";

type State =
  | { readonly is: "ready" }
  | { readonly is: "introducing"; readonly introduction: Introduction }
  | { readonly is: "resting"; readonly cancel: Cancel }
  | { readonly is: "down" }
  | { readonly is: "closed" };

/** The link that a module gives, or why it gives none. */
export type XbeeStart = XbeeLink | XbeeRefusal;

/**
 * Asks the module at `uart` in which mode it is and what it can, and tells `started`, later, what has come of it.
 * The UART is owned from now on, and closed where the module is refused.
 */
export function startXbee(uart: Uart, clock: Clock, started: (start: XbeeStart) => void): void {
  const line = new XbeeLine(uart, clock);
  const introduction = new Introduction(line, clock, (end) => {
    if (typeof end === "string") line.close();
    started(typeof end === "string" ? end : new XbeeLink(line, clock, end));
  });
  line.listener = {
    frame(data) {
      const frame = fromModule(data);
      if (frame.kind === "at") introduction.take(frame);
    },
    state: () => {},
  };
}

/**
 * Datagrams by an XBee module, each in one packet of a DigiMesh network; stations are the modules' 64-bit addresses in
 * 16 lower-case hexadecimal digits. One packet is under way at a time. What the module could not deliver is counted by
 * the reason it gives, as are frames that are dropped. After a gap of the line, a restart of the module or a status
 * that never came the module is asked anew, and the link is down until it has answered. {@link startXbee} makes it.
 */
export class XbeeLink implements Link {
  readonly traits: LinkTraits;
  readonly #line: XbeeLine;
  readonly #clock: Clock;
  #facts: ModuleFacts;
  #state: State = { is: "ready" };
  readonly #queue: { readonly to: Uint8Array; readonly datagram: Uint8Array }[] = [];
  #underWay: { readonly id: number; readonly cancel: Cancel } | undefined;
  #lastId = 0;
  #listener: LinkListener | undefined;
  #sentDatagrams = 0;
  #receivedDatagrams = 0;
  readonly #rejected: Partial<Record<Undelivered | Dropped, number>> = {};

  constructor(line: XbeeLine, clock: Clock, facts: ModuleFacts) {
    const { settings } = line.uart;
    this.traits = {
      mtuBytes: facts.maxPayloadBytes,
      bitsPerSecond: settings.baud,
      bitsPerByte: UARTS * bitsPerCharacter(settings),
      framingBytes: TRANSMIT_HEADER_BYTES + FRAME.overheadBytes,
      roundTripMs: ROUND_TRIP_MS,
      halfDuplex: false,
      addressing: "station",
    };
    this.#line = line;
    this.#clock = clock;
    this.#facts = facts;
    line.listener = {
      frame: (data) => this.#receive(fromModule(data)),
      state: (state) => this.#lineIs(state),
    };
  }

  /** The address of the module itself, by which others reach it. */
  get station(): Station {
    return this.#facts.station;
  }

  get counters(): LinkCounters {
    return {
      sentDatagrams: this.#sentDatagrams,
      receivedDatagrams: this.#receivedDatagrams,
      rejected: { ...this.#line.rejected, ...this.#rejected },
    };
  }

  /** A module that came in place of another may carry less than the link's MTU: too long it is then, too. */
  send(to: Station, datagram: Uint8Array): LinkSend {
    const address = to === this.station ? undefined : addressOf(to);
    if (this.#state.is !== "ready" || address === undefined) return "down";
    if (datagram.length > Math.min(this.traits.mtuBytes, this.#facts.maxPayloadBytes)) return "too-long";
    if (this.#queue.length === QUEUE_MAX) return "busy";
    this.#queue.push({ to: address, datagram: datagram.slice() });
    this.#sentDatagrams++;
    this.#sendNext();
    return "queued";
  }

  listen(listener: LinkListener): void {
    if (this.#listener !== undefined) throw new Error("a link has one listener");
    this.#listener = listener;
  }

  close(): void {
    this.#leave({ is: "closed" });
    this.#line.close();
  }

  #sendNext(): void {
    if (this.#underWay !== undefined) return;
    const next = this.#queue.shift();
    if (next === undefined) return;
    // 0 would ask for no status.
    this.#lastId = (this.#lastId % 0xff) + 1;
    const cancel = this.#clock.after(STATUS_MS, () => this.#ended("no-status"));
    this.#underWay = { id: this.#lastId, cancel };
    this.#line.send(transmitRequest(this.#lastId, next.to, next.datagram));
  }

  #ended(delivery: Delivery | Undelivered): void {
    this.#underWay?.cancel();
    this.#underWay = undefined;
    if (delivery !== "delivered") this.#count(delivery);
    if (delivery === "no-status" || delivery === "payload-too-large") this.#introduce();
    else this.#sendNext();
  }

  #receive(frame: FromModule): void {
    switch (frame.kind) {
      case "packet":
        return this.#packet(frame);
      case "status":
        return frame.id === this.#underWay?.id ? this.#ended(frame.delivery) : undefined;
      case "at":
        return this.#state.is === "introducing" ? this.#state.introduction.take(frame) : undefined;
      case "restarted":
        return this.#introduce();
      case "other":
        return this.#count("type");
    }
  }

  #packet({ from, to, datagram }: FromModule & { readonly kind: "packet" }): void {
    if (to === "all") return this.#count("broadcast");
    this.#receivedDatagrams++;
    this.#listener?.datagram(from, datagram);
  }

  #lineIs(state: "open" | "down"): void {
    if (state === "open") this.#introduce();
    else this.#leave({ is: "down" });
  }

  /** What waits to be sent is lost, as is what the module had. */
  #introduce(): void {
    this.#leave({ is: "down" });
    const introduction = new Introduction(this.#line, this.#clock, (end) => {
      if (typeof end === "string") return this.#rest();
      this.#facts = end;
      this.#state = { is: "ready" };
    });
    this.#state = { is: "introducing", introduction };
  }

  #rest(): void {
    this.#state = { is: "resting", cancel: this.#clock.after(REST_MS, () => this.#introduce()) };
  }

  #leave(to: State & { readonly is: "down" | "closed" }): void {
    if (this.#state.is === "introducing") this.#state.introduction.cancel();
    if (this.#state.is === "resting") this.#state.cancel();
    this.#underWay?.cancel();
    this.#underWay = undefined;
    this.#queue.length = 0;
    this.#state = to;
  }

  #count(kind: Undelivered | Dropped): void {
    this.#rejected[kind] = (this.#rejected[kind] ?? 0) + 1;
  }
}
