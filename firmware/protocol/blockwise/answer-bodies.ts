// The server's side of Block2: long answers kept and handed out in blocks (RFC 7959 2.4 and 2.7).
import type { Random } from "../../../hal/ports/random.ts";
import { equal, toUint } from "../bytes.ts";
import { type Block, type BodySizes, blockBytes, blockOfAnswer, operationKey } from "../coap/block.ts";
import { bareAnswer, CODE, type CoapContent, OPTION, withOptions } from "../coap/message.ts";
import { KeptAWhile } from "./kept.ts";

interface KeptAnswer {
  readonly answer: CoapContent;
  /** Of the request that it answers. */
  readonly requestBody: Uint8Array;
}

/** More than the programs that fetch something long at once. */
const ANSWERS_MAX = 8;
const ETAGS = 0x10000;

/** Long answers of late. A block comes from the answer that was begun, never from a newer one. */
export class AnswerBodies {
  readonly #answers: KeptAWhile<KeptAnswer>;
  readonly #sizes: BodySizes;
  #nextEtag: number;

  /** An answer is kept for `forMs` after its last block was asked for; `random` gives the first ETag. */
  constructor(sizes: BodySizes, forMs: number, random: Random) {
    this.#answers = new KeptAWhile(ANSWERS_MAX, forMs);
    this.#sizes = sizes;
    this.#nextEtag = toUint(random.bytes(2));
  }

  /** The answer as it goes out: whole, or its first block where it fits neither the link nor what was `asked` for. */
  begin(nowMs: number, owner: object, request: CoapContent, answer: CoapContent, asked?: Block): CoapContent {
    const wanted = asked ?? { number: 0, more: false, sizeExponent: this.#sizes.sizeExponent };
    const sizeExponent = Math.min(wanted.sizeExponent, this.#sizes.sizeExponent);
    const bytesMax = asked === undefined ? this.#sizes.wholeBytesMax : blockBytes({ sizeExponent });
    if (answer.payload.length <= bytesMax)
      return asked === undefined ? answer : blockOfAnswer(answer, wanted);
    const marked = withOptions(answer, { number: OPTION.etag, value: this.#takeEtag() });
    const kept = { answer: marked, requestBody: request.payload };
    this.#answers.set(nowMs, owner, operationKey(request), kept);
    return blockOfAnswer(marked, wanted, sizeExponent);
  }

  /** A later block. The request may repeat its body or leave it out (RFC 7959 2.7). */
  goOn(nowMs: number, owner: object, request: CoapContent, asked: Block): CoapContent {
    const kept = this.#answers.use(nowMs, owner, operationKey(request));
    const isSame =
      request.payload.length === 0 || equal(request.payload, kept?.requestBody ?? request.payload);
    if (kept === undefined || !isSame) {
      return bareAnswer(CODE.requestEntityIncomplete, "that answer is not kept any more");
    }
    return blockOfAnswer(kept.answer, asked, this.#sizes.sizeExponent);
  }

  /** Differs from that of every other answer of late. */
  #takeEtag(): Uint8Array {
    const etag = this.#nextEtag++ % ETAGS;
    return Uint8Array.of(etag >> 8, etag & 0xff);
  }
}
