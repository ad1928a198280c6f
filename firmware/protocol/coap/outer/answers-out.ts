// Answers that go out in blocks, and are kept until the last of them was asked for (RFC 7959 2.4).
import type { LinkTraits, Station } from "../../../../hal/ports/link.ts";
import type { Random } from "../../../../hal/ports/random.ts";
import { equal, toUint } from "../../bytes.ts";
import { type Block, blockBytes, blockOfAnswer, blockOffset, blockOption, exponentFor } from "../block.ts";
import { messageBytes } from "../codec.ts";
import {
  bareAnswer,
  CODE,
  type CoapContent,
  type CoapMessage,
  type CoapOption,
  OPTION,
  withOptions,
} from "../message.ts";
import type { CoapSettings } from "../settings.ts";
import { tableLimits } from "./requests-in.ts";
import { StationTable } from "./station-table.ts";

/** RFC 9000 8.1 has the same figure, and RFC 9175 2.6 the rule: who has proved nothing gets no more for a byte. */
const AMPLIFICATION_MAX = 3;
const ETAGS = 0x10000;
const ANY_FIRST: Block = { number: 0, more: false, sizeExponent: 6 };

/** Whether an answer is for somebody who has proved who he is. */
export type Hearer = "proved" | "stranger";

interface KeptAnswer {
  readonly answer: CoapContent;
  readonly requestPayload: Uint8Array;
  readonly hearer: Hearer;
}

/** A request as it came, and how long it was. */
export interface CameAs {
  readonly from: Station;
  readonly message: CoapMessage;
  readonly bytes: number;
}

/** The blocks that a request named: its own last one, and the size of which it would have its answer. */
export interface AskedBlocks {
  readonly block1: Block | undefined;
  readonly block2: Block | undefined;
}

/** Long answers of late, for strangers and for others apart. */
export class AnswersOut {
  readonly #traits: LinkTraits;
  readonly #keyOf: (request: CoapContent) => string;
  readonly #kept: Readonly<Record<Hearer, StationTable<KeptAnswer>>>;
  #nextEtag: number;

  /** `random` gives the first ETag, `keyOf` tells one operation from another. */
  constructor(
    traits: LinkTraits,
    random: Random,
    limits: CoapSettings["longAnswers"],
    keyOf: (request: CoapContent) => string,
  ) {
    this.#traits = traits;
    this.#keyOf = keyOf;
    const table = () => new StationTable<KeptAnswer>({ ...tableLimits(traits, limits.most), ...limits });
    this.#kept = { proved: table(), stranger: table() };
    this.#nextEtag = toUint(random.bytes(2));
  }

  /** The answer as it goes out: whole, or its first block where it fits neither the way there nor what was asked for. */
  begin(
    nowMs: number,
    request: CameAs,
    answer: CoapContent,
    hearer: Hearer,
    { block1, block2 }: AskedBlocks,
  ): CoapContent {
    const told = block1 === undefined ? [] : [blockOption(OPTION.block1, block1)];
    const whole = withOptions(answer, ...told);
    const isAskedFor = block2 === undefined || answer.payload.length <= blockBytes(block2);
    if (isAskedFor && this.#fits(request, whole, hearer)) return whole;
    const { from, message } = request;
    const marked = withOptions(answer, { number: OPTION.etag, value: this.#takeEtag() });
    const kept = { answer: marked, requestPayload: message.payload, hearer };
    if (!this.#kept[hearer].put(nowMs, from, this.#keyOf(message), kept))
      return bareAnswer(CODE.serviceUnavailable);
    return this.#block(request, kept, block2 ?? ANY_FIRST, told);
  }

  /** A later block; undefined where no such answer is kept. The request may repeat its payload or leave it out. */
  goOn(nowMs: number, request: CameAs, asked: Block): CoapContent | undefined {
    const { from, message } = request;
    const key = this.#keyOf(message);
    const kept = this.#kept.proved.use(nowMs, from, key) ?? this.#kept.stranger.use(nowMs, from, key);
    if (kept === undefined) return undefined;
    const isSame = message.payload.length === 0 || equal(message.payload, kept.requestPayload);
    return isSame ? this.#block(request, kept, asked) : undefined;
  }

  /** The largest block of at most the size asked for that the link, and what a stranger may have, allow. */
  #block(
    request: CameAs,
    { answer, hearer }: KeptAnswer,
    asked: Block,
    more: readonly CoapOption[] = [],
  ): CoapContent {
    const bytesMax = this.#bytesMax(request, hearer);
    let sizeExponent = exponentFor(this.#traits, bytesMax);
    for (; ; sizeExponent--) {
      const block = withOptions(blockOfAnswer(answer, asked, sizeExponent), ...more);
      if (this.#fits(request, block, hearer)) return block;
      if (sizeExponent === 0) return bareAnswer(CODE.requestEntityIncomplete);
    }
  }

  #fits(request: CameAs, answer: CoapContent, hearer: Hearer): boolean {
    return messageBytes(answer, request.message.token.length) <= this.#bytesMax(request, hearer);
  }

  #bytesMax({ bytes }: CameAs, hearer: Hearer): number {
    const { mtuBytes } = this.#traits;
    return hearer === "proved" ? mtuBytes : Math.min(mtuBytes, AMPLIFICATION_MAX * bytes);
  }

  /** Differs from that of every other answer of late. */
  #takeEtag(): Uint8Array {
    const etag = this.#nextEtag++ % ETAGS;
    return Uint8Array.of(etag >> 8, etag & 0xff);
  }
}

/** True where a request asks for a block after the first. */
export function asksForLater(block: Block | undefined): block is Block {
  return block !== undefined && blockOffset(block) > 0;
}
