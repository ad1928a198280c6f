import { EMPTY, fromText, toHex } from "../../../../../firmware/protocol/bytes.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  OPTION,
} from "../../../../../firmware/protocol/coap/message.ts";
import {
  type WholeEvent,
  WholeMessages,
} from "../../../../../firmware/protocol/coap/outer/whole-messages.ts";
import { SeededRandom } from "../../../../../hal/emulated/seeded-random.ts";
import { LINE, type LinkTraits } from "../../../../../hal/ports/link.ts";
import { Pair, type Path } from "../../../../support/pair.ts";
import { figure } from "../../blockwise/support.ts";
import { decoded, IP, message } from "../helpers.ts";

export { body } from "../../blockwise/support.ts";

/** A link that carries so many bytes at once. */
export function mtu(mtuBytes: number): LinkTraits {
  return { ...IP, mtuBytes };
}

/** A sealed message, as far as CoAP knows: POST, the OSCORE option of a number, and a payload. */
export function sealed(payload: Uint8Array, number = 1): CoapContent {
  const options = [{ number: OPTION.oscore, value: Uint8Array.of(9, number, 7) }];
  return { code: CODE.post, options, payload };
}

export function changed(payload: Uint8Array = EMPTY): CoapContent {
  return { code: CODE.changed, options: [{ number: OPTION.oscore, value: EMPTY }], payload };
}

/** A message of EDHOC. */
export function introduction(payload: Uint8Array): CoapContent {
  return { code: CODE.post, options: [{ number: OPTION.uriPath, value: fromText("k") }], payload };
}

export function ends(client: LinkTraits, server: LinkTraits, path: Path, seed: number | string = 1) {
  const asking = new WholeMessages({ random: new SeededRandom(`client ${seed}`), traits: client });
  const serving = new WholeMessages({ random: new SeededRandom(`server ${seed}`), traits: server });
  const pair = new Pair<WholeEvent, WholeEvent>(asking, serving, path);
  const told: WholeEvent[] = [];
  const served: CoapContent[] = [];
  pair.onFirst = (event) => told.push(event);
  return { asking, serving, pair, told, served };
}

/** What is told of one request: answers' payloads, and how it ended. */
export function story(told: readonly WholeEvent[], request: number | undefined): string[] {
  return told.flatMap((event) => {
    if (event.kind === "notified" || event.kind === "request" || event.request !== request) return [];
    if (event.kind === "answer") return [`${event.message.code} ${toHex(event.message.payload)}`];
    return [event.kind === "ended" ? event.reason : event.kind];
  });
}

/** One end, and whatever a test writes by hand as its peer. */
export class Alone {
  readonly half: WholeMessages;
  /** What was put together of requests. */
  readonly whole: CoapMessage[] = [];
  /** Answers each whole request. */
  answer: (exchange: number, whole: CoapMessage) => void = () => {};
  nowMs = 0;
  #nextMessageId = 1;

  constructor(traits: LinkTraits = IP) {
    this.half = new WholeMessages({ random: new SeededRandom(1), traits });
  }

  /** Sends a request as `from`; what it gets, as the figures of RFC 7959 write it. */
  send(content: CoapContent, from = LINE, token = "01"): string[] {
    return this.exchange(content, from, token).map(figure);
  }

  /** The same; the messages that it gets. */
  exchange(content: CoapContent, from = LINE, token = "01"): CoapMessage[] {
    this.half.receive(this.nowMs, from, message("CON", this.#nextMessageId++, token, content));
    for (let event = this.half.nextEvent(); event !== undefined; event = this.half.nextEvent())
      if (event.kind === "request") {
        this.whole.push(event.message);
        this.answer(event.exchange, event.message);
      }
    return this.sent();
  }

  /** All messages that wait to be sent. */
  sent(): CoapMessage[] {
    const sent: CoapMessage[] = [];
    for (let out = this.half.nextDatagram(); out !== undefined; out = this.half.nextDatagram())
      sent.push(decoded(out.bytes));
    return sent;
  }
}
