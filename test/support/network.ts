// Stations that all reach each other, as over UDP, and one that forwards what others ask: a stand-in for a stranger's proxy.
import { EMPTY, fromText, toHex } from "../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  bareAnswer,
  CODE,
  type CoapMessage,
  codeKind,
  findOption,
  OPTION,
} from "../../firmware/protocol/coap/message.ts";
import { FREE, LinkEnd } from "../../hal/emulated/link-end.ts";
import type { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import type { Link, LinkTraits, Station } from "../../hal/ports/link.ts";

/** A network in memory; a station that is off hears nothing. */
export class Network {
  readonly #clock: VirtualClock;
  readonly #traits: LinkTraits;
  readonly #ends = new Map<Station, LinkEnd>();
  readonly #off = new Set<Station>();
  /** Sees each datagram as it is sent. */
  tap: (from: Station, to: Station, bytes: Uint8Array) => void = () => {};

  constructor(clock: VirtualClock, traits: Partial<LinkTraits> = {}) {
    this.#clock = clock;
    this.#traits = { ...FREE, roundTripMs: 20, ...traits };
  }

  link(name: Station): Link {
    const end: LinkEnd = new LinkEnd(this.#traits, {
      knows: () => true,
      carry: (to, bytes, left) => {
        this.tap(name, to, bytes);
        this.#clock.after(this.#traits.roundTripMs / 2, () => {
          left();
          if (!this.#off.has(to) && !this.#off.has(name)) this.#ends.get(to)?.receive(name, bytes);
        });
      },
    });
    this.#ends.set(name, end);
    return end;
  }

  /** The line of a station is cut, or mended. */
  set(name: Station, is: "on" | "off"): void {
    if (is === "off") this.#off.add(name);
    else this.#off.delete(name);
  }
}

interface Forwarded {
  readonly from: Station;
  readonly messageId: number;
  readonly token: Uint8Array;
  readonly link: Link;
}

/** Tells each message apart by Message IDs and tokens of its own; keeps the type of what it forwards. */
export class ForwardingStation {
  readonly #north: Link;
  readonly #newSouth: () => Link;
  readonly #routes: Readonly<Record<string, Station>>;
  #south: Link;
  /** Requests that were forwarded, copies apart. */
  forwarded = 0;
  /** What it says by itself in place of forwarding, 0 for an empty acknowledgement: nothing, unless it is set. */
  word: number | undefined;
  /** Has what goes back north done later. */
  late: (send: () => void) => void = (send) => send();
  #next = 1;
  readonly #byToken = new Map<string, Forwarded>();
  readonly #byId = new Map<
    string,
    { readonly to: Station; readonly messageId: number; readonly link: Link }
  >();
  readonly #copies = new Map<string, number>();

  /** `south` gives a port each time that it is called; `routes`: where each name is. */
  constructor(north: Link, south: () => Link, routes: Readonly<Record<string, Station>>) {
    this.#routes = routes;
    this.#north = north;
    this.#north.listen({ datagram: (from, bytes) => this.#fromNorth(from, bytes) });
    this.#newSouth = () => {
      const link = south();
      link.listen({ datagram: (from, bytes) => this.#fromSouth(link, from, bytes) });
      return link;
    };
    this.#south = this.#newSouth();
  }

  /** What is forwarded from now on comes from another port. */
  changePort(theOld: "is open still" | "is closed" = "is closed"): void {
    if (theOld === "is closed") this.#south.close();
    this.#south = this.#newSouth();
  }

  #fromNorth(from: Station, bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if ("error" in message) return;
    if (codeKind(message.code) !== "request") return this.#settle("north", from, message);
    const host = new TextDecoder().decode(findOption(message, OPTION.uriHost) ?? fromText(""));
    const to = this.#routes[host];
    if (to === undefined) return;
    if (this.word !== undefined) {
      const { messageId } = message;
      const token = this.word === CODE.empty ? EMPTY : message.token;
      this.#north.send(from, encodeMessage({ ...bareAnswer(this.word), type: "ACK", messageId, token }));
      return;
    }
    const seen = `${from} ${message.messageId}`;
    if (!this.#copies.has(seen)) this.forwarded++;
    const number = this.#copies.get(seen) ?? this.#next++;
    this.#copies.set(seen, number);
    const token = Uint8Array.of(0xff, number >> 8, number);
    this.#byToken.set(toHex(token), {
      from,
      messageId: message.messageId,
      token: message.token,
      link: this.#south,
    });
    this.#byId.set(`south ${to} ${number}`, { to: from, messageId: message.messageId, link: this.#north });
    this.#south.send(to, encodeMessage({ ...message, messageId: number, token }));
  }

  #fromSouth(link: Link, from: Station, bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if ("error" in message) return;
    if (codeKind(message.code) !== "response") return this.#settle("south", from, message);
    const asked = this.#byToken.get(toHex(message.token));
    if (asked === undefined) return;
    const isAck = message.type === "ACK";
    const messageId = isAck ? asked.messageId : this.#next++;
    if (!isAck)
      this.#byId.set(`north ${asked.from} ${messageId}`, { to: from, messageId: message.messageId, link });
    const answer = encodeMessage({ ...message, messageId, token: asked.token });
    this.late(() => this.#north.send(asked.from, answer));
  }

  /** An empty ACK or RST goes back to whom it is for. */
  #settle(side: "north" | "south", from: Station, message: CoapMessage): void {
    const sent = this.#byId.get(`${side} ${from} ${message.messageId}`);
    sent?.link.send(sent.to, encodeMessage({ ...message, messageId: sent.messageId }));
  }
}
