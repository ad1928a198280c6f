// Between a server's messages and its resources, which see whole bodies only: RFC 7959.
import type { LinkTraits } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { blockOption, bodySizes, readBlock } from "../coap/block.ts";
import { bareAnswer, type CoapContent, OPTION, withOptions, withoutOptions } from "../coap/message.ts";
import { transmitWaitMs } from "../coap/timing.ts";
import { AnswerBodies } from "./answer-bodies.ts";
import { RequestBodies } from "./request-bodies.ts";

export interface BlockwiseServerParts {
  readonly traits: LinkTraits;
  readonly random: Random;
  /** The longest body of a request. */
  readonly bodyBytesMax: number;
}

/** Long bodies in both directions, for any number of senders. */
export class BlockwiseServer {
  readonly #requests: RequestBodies;
  readonly #answers: AnswerBodies;

  constructor({ traits, random, bodyBytesMax }: BlockwiseServerParts) {
    const sizes = bodySizes(traits);
    // Whoever has not come back by then has given its request up.
    const forMs = transmitWaitMs(traits);
    this.#requests = new RequestBodies({ bytesMax: bodyBytesMax, sizeExponent: sizes.sizeExponent, forMs });
    this.#answers = new AnswerBodies(sizes, forMs, random);
  }

  /** The answer to one message of `owner`. `serve` is called with each whole request, which may get any answer. */
  answer(
    nowMs: number,
    owner: object,
    message: CoapContent,
    serve: (request: CoapContent) => CoapContent,
  ): CoapContent {
    const asked = readBlock(message, OPTION.block2);
    if (asked !== undefined && "refusal" in asked) return bareAnswer(asked.refusal);
    if (asked !== undefined && asked.number > 0) return this.#answers.goOn(nowMs, owner, message, asked);
    const assembled = this.#requests.take(nowMs, owner, message);
    if (assembled.kind === "answer") return assembled.answer;
    const { request, block } = assembled;
    const whole = serve(withoutOptions(request, OPTION.block2));
    const answer = this.#answers.begin(nowMs, owner, request, whole, asked);
    return block === undefined ? answer : withOptions(answer, blockOption(OPTION.block1, block));
  }
}

/** True for a message that goes on with what an earlier one began. */
export function isLaterBlock(message: CoapContent): boolean {
  const isLater = (number: number): boolean => {
    const block = readBlock(message, number);
    return block !== undefined && "number" in block && block.number > 0;
  };
  return isLater(OPTION.block1) || isLater(OPTION.block2);
}
