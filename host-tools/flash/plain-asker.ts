// Asks over a line that nobody protects: plain CoAP, long bodies in blocks, one question at a time.
import {
  type Transfer,
  type TransferStep,
  transfersOver,
} from "../../firmware/protocol/blockwise/transfer.ts";
import type { EndReason } from "../../firmware/protocol/coap/client.ts";
import { CoapEndpoint, type CoapEvent } from "../../firmware/protocol/coap/exchange.ts";
import type { CoapContent } from "../../firmware/protocol/coap/message.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import { LINE, type Link } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";

export interface PlainAskerParts {
  /** Of two stations. */
  readonly link: Link;
  readonly clock: Clock;
  readonly random: Random;
}

/** Why there is no answer: no word in time, turned away, or in parts that are not of one whole. */
export type PlainFailure = Exclude<EndReason, "answered" | "cancelled"> | "incomplete";

/** What is under way. */
interface Asked {
  readonly transfer: Transfer;
  readonly untilMs: number;
  readonly resolve: (outcome: CoapContent | PlainFailure) => void;
  /** Beginnings anew, after blocks that the other end knew nothing of. */
  tries: number;
}

const TRIES_MAX = 3;

/** A line's asking end, without any protection. */
export class PlainAsker {
  readonly #clock: Clock;
  readonly #coap: CoapEndpoint;
  readonly #drive: Drive<CoapEvent>;
  readonly #newTransfer: (content: CoapContent) => Transfer;
  #asked: Asked | undefined;

  constructor({ link, clock, random }: PlainAskerParts) {
    this.#clock = clock;
    this.#coap = new CoapEndpoint({ random: random.fork("coap"), traits: link.traits });
    this.#newTransfer = transfersOver(link.traits, random.fork("request-tag"));
    this.#drive = new Drive(this.#coap, link, clock, (event) => this.#take(event));
  }

  /** The whole answer, or why there is none. A question before the one before has its answer is a bug and throws. */
  ask(content: CoapContent, timeoutMs: number): Promise<CoapContent | PlainFailure> {
    if (this.#asked !== undefined) throw new Error("a line carries one question at a time");
    return new Promise((resolve) => {
      const untilMs = this.#clock.monotonicMs() + timeoutMs;
      this.#asked = { transfer: this.#newTransfer(content), untilMs, resolve, tries: 0 };
      this.#send(this.#asked);
      this.#drive.run();
    });
  }

  /** Ends what is under way, as if nobody had answered; the link is its owner's to close. */
  close(): void {
    this.#drive.stop();
    if (this.#asked !== undefined) this.#end(this.#asked, "timeout");
  }

  #send({ transfer, untilMs }: Asked): void {
    this.#coap.request(this.#clock.monotonicMs(), LINE, transfer.next(), { untilMs });
  }

  #take(event: CoapEvent): void {
    const asked = this.#asked;
    if (asked === undefined) return;
    if (event.kind === "answer") this.#follow(asked, asked.transfer.take(event.message));
    if (event.kind === "ended" && (event.reason === "timeout" || event.reason === "reset"))
      this.#end(asked, event.reason);
  }

  #follow(asked: Asked, step: TransferStep): void {
    if (typeof step === "object") return this.#end(asked, step.whole);
    if (step === "again") {
      if (++asked.tries === TRIES_MAX) return this.#end(asked, "incomplete");
      asked.transfer.restart("start");
    }
    this.#send(asked);
  }

  #end(asked: Asked, outcome: CoapContent | PlainFailure): void {
    this.#asked = undefined;
    asked.resolve(outcome);
  }
}
