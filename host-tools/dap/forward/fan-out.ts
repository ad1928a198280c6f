// One request for many meters, each of whose answers goes to the client as it comes (draft-ietf-core-groupcomm-proxy).
import { bareAnswer, CODE, type CoapContent } from "../../../firmware/protocol/coap/message.ts";
import type { WholeEvent, WholeMessages } from "../../../firmware/protocol/coap/outer/whole-messages.ts";

type Arrived = Extract<WholeEvent, { kind: "request" }>;

/** Asks one member; one of the two is called once, `acknowledged` before that at the most once. */
export type AskMember = (
  acknowledged: () => void,
  answered: (answer: CoapContent) => void,
  failed: (nowMs: number) => void,
) => void;

/** Answers of many to one request: not repeated, as whoever misses one asks its meter again. */
export class FanOut {
  readonly #north: WholeMessages;

  constructor(north: WholeMessages) {
    this.#north = north;
  }

  /** Acknowledges with the first word of a member, and ends with 5.04 where there was none of any. */
  begin({ exchange, from, message }: Arrived, members: readonly AskMember[]): void {
    let left = members.length;
    let isHeard = false;
    const hear = (): void => {
      if (!isHeard) this.#settle(exchange);
      isHeard = true;
    };
    const answered = (answer: CoapContent): void => {
      hear();
      left--;
      this.#north.notifyOnce(from, message.token, answer);
    };
    const failed = (nowMs: number): void => {
      left--;
      if (left === 0 && !isHeard) this.#north.respond(nowMs, exchange, bareAnswer(CODE.gatewayTimeout));
    };
    for (const ask of members) ask(hear, answered, failed);
  }

  /** Copies of the request get its ACK again, and nothing more is owed to it. */
  #settle(exchange: Arrived["exchange"]): void {
    this.#north.acknowledge(exchange);
    this.#north.silence(exchange);
  }
}
