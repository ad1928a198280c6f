// What a stranger can send to a meter to learn something from how, and how fast, it is turned away.
import { TrustList } from "../../firmware/identity/trust.ts";
import { decodeMessage, encodeMessage } from "../../firmware/protocol/coap/codec.ts";
import {
  answerWith,
  CODE,
  type CoapMessage,
  FORMAT,
  findOption,
  OPTION,
  resourceRequest,
} from "../../firmware/protocol/coap/message.ts";
import { SecureClient } from "../../firmware/protocol/secure-client.ts";
import { SecureServer } from "../../firmware/protocol/secure-server.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import { LINE, type LinkTraits } from "../../hal/ports/link.ts";
import { identity } from "../support/secured-line.ts";

/** Why a protected request is refused: what a stranger must not be able to tell. */
export const CAUSES = ["wrong tag", "unknown kid", "replay"] as const;
export type Cause = (typeof CAUSES)[number];

/** As many of either: a processor is quicker with what it has seen more often, whatever it is. */
const RECORDED = 30;
const TRAITS: LinkTraits = {
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  roundTripMs: 0,
  halfDuplex: false,
  addressing: "station",
};

/** A meter with one session, and datagrams of a stranger who has listened to it. */
export class RefusingMeter {
  readonly server: SecureServer;
  readonly #random = new SeededRandom("refusals");
  readonly #served: CoapMessage[] = [];
  readonly #unsent: CoapMessage[] = [];
  #nowMs = 0;

  constructor(crypto: CryptoEngine) {
    const [meter, headEnd] = [identity("meter", "M1"), identity("head-end", "H")];
    const ends = { crypto, random: this.#random, traits: TRAITS };
    const body = Uint8Array.of(0x81, 0);
    this.server = new SecureServer({
      ...ends,
      identity: meter,
      trust: new TrustList([headEnd.credential]),
      // The keys must last for all that is measured.
      keyLimits: { forgeries: Number.POSITIVE_INFINITY },
      resources: { links: [{ path: "r" }], serve: () => answerWith(CODE.content, FORMAT.cbor, body) },
    });
    const client = new SecureClient({
      ...ends,
      identity: headEnd,
      trust: new TrustList([meter.credential]),
    });
    // The first request carries message_3 too, and is none of either.
    for (let i = 0; i < 1 + 2 * RECORDED; i++) {
      client.ask(0, { to: LINE, content: resourceRequest(CODE.fetch, "r", body), untilMs: 1e9 });
      this.#converse(client, i <= RECORDED ? "deliver" : "keep");
    }
  }

  /** A datagram that will be refused for this cause, unlike any before. */
  datagram(cause: Cause): Uint8Array {
    const from = cause === "replay" ? this.#served : this.#unsent;
    const recorded = from[integerBelow(this.#random, RECORDED)] as CoapMessage;
    const messageId = integerBelow(this.#random, 0x10000);
    const token = this.#random.bytes(1);
    return encodeMessage({ ...recorded, ...this.#change(cause, recorded), messageId, token });
  }

  /** Puts a datagram in; its reply. */
  reply(datagram: Uint8Array): Uint8Array | undefined {
    this.server.receive(++this.#nowMs, LINE, datagram);
    return this.server.nextDatagram()?.bytes;
  }

  #change(cause: Cause, { options, payload }: CoapMessage): Partial<CoapMessage> {
    if (cause === "replay") return {};
    if (cause === "wrong tag") {
      const forged = payload.slice();
      forged.set(this.#random.bytes(8), payload.length - 8);
      return { payload: forged };
    }
    const other = (value: Uint8Array) => value.map((byte, i) => (i < value.length - 1 ? byte : byte ^ 0x80));
    const isOscore = (number: number) => number === OPTION.oscore;
    return { options: options.map((o) => (isOscore(o.number) ? { ...o, value: other(o.value) } : o)) };
  }

  /** What the client sends reaches the meter, or is kept by who listens once it would be a plain request. */
  #converse(client: SecureClient, what: "deliver" | "keep"): void {
    for (let out = client.nextDatagram(); out !== undefined; out = client.nextDatagram()) {
      const message = decodeMessage(out.bytes);
      if ("error" in message) throw new Error(message.error);
      const isPlain = findOption(message, OPTION.oscore) && !findOption(message, OPTION.edhoc);
      if (isPlain) (what === "keep" ? this.#unsent : this.#served).push(message);
      const answer = what === "deliver" ? this.reply(out.bytes) : undefined;
      if (answer !== undefined) client.receive(this.#nowMs, LINE, answer);
    }
  }
}
