// Stands between a head-end and a street's meters: gives a request that names a group to each member, the same sealed bytes,
// and hands all answers back as they come.
import { fromText, toHex } from "../../firmware/protocol/bytes.ts";
import { decodeMessage, encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import { type CoapMessage, codeKind, findOption, OPTION } from "../../firmware/protocol/coap/message.ts";
import type { Link, Station } from "../../hal/ports/link.ts";

export interface HandFanOutOptions {
  readonly north: Link;
  /** Meters are at stations of their ids. */
  readonly south: Link;
  groups: Readonly<Record<string, readonly string[]>>;
  /** What goes on to the head-end of a member's answer: nothing, more than one, or another's. */
  between?: (answer: CoapMessage, meter: string) => readonly CoapMessage[];
  /** False for a member that a request does not reach. */
  reaches?: (meter: string, request: CoapMessage) => boolean;
}

/** Tokens of two bytes that count. */
const NUMBERS = 2 ** 16;

export class HandFanOut {
  /** May be changed while it stands there. */
  options: HandFanOutOptions;
  /** What came from the head-end, with whom it named. */
  readonly requests: { readonly host: string; readonly message: CoapMessage }[] = [];
  /** What went to members. */
  readonly given: { readonly meter: string; readonly message: CoapMessage }[] = [];
  readonly #seen = new Set<string>();
  readonly #open = new Map<string, { readonly client: Station; readonly token: Uint8Array }>();
  #next = 1;

  constructor(options: HandFanOutOptions) {
    this.options = options;
    options.north.listen({ datagram: (from, bytes) => this.#fromNorth(from, bytes) });
    options.south.listen({ datagram: (from, bytes) => this.#fromSouth(from, bytes) });
  }

  /** Whoever is here may say anything to whom has asked. */
  say(to: Station, message: CoapMessage): void {
    this.options.north.send(to, encodeMessage(message));
  }

  #fromNorth(client: Station, bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if ("error" in message || codeKind(message.code) !== "request") return;
    const copy = `${client} ${message.messageId}`;
    if (this.#seen.has(copy)) return;
    this.#seen.add(copy);
    const host = new TextDecoder().decode(findOption(message, OPTION.uriHost));
    this.requests.push({ host, message });
    for (const meter of this.options.groups[host] ?? [host]) this.#give(client, message, meter);
  }

  #give(client: Station, message: CoapMessage, meter: string): void {
    if (this.options.reaches?.(meter, message) === false) return;
    const number = this.#next++ % NUMBERS;
    const token = Uint8Array.of(number >> 8, number & 0xff);
    const options = message.options.map((option) =>
      option.number === OPTION.uriHost ? { ...option, value: fromText(meter) } : option,
    );
    const given: CoapMessage = { ...message, type: "CON", messageId: number, token, options };
    this.given.push({ meter, message: given });
    this.#open.set(toHex(token), { client, token: message.token });
    this.options.south.send(meter, encodeMessage(given));
  }

  #fromSouth(meter: Station, bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if ("error" in message || codeKind(message.code) !== "response") return;
    const open = this.#open.get(toHex(message.token));
    if (open === undefined) return;
    for (const answer of this.options.between?.(message, meter) ?? [message])
      this.say(open.client, { ...answer, type: "NON", messageId: this.#next++ % NUMBERS, token: open.token });
  }
}
