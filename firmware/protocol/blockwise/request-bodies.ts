// The server's side of Block1: blocks of a request's body put together (RFC 7959 2.3 and 2.5).
import { concat, EMPTY, equal, fromUint, toUint } from "../bytes.ts";
import {
  type Block,
  blockOffset,
  blockOption,
  hasBlockLength,
  operationKey,
  readBlock,
} from "../coap/block.ts";
import { bareAnswer, CODE, type CoapContent, findOption, OPTION, withoutOptions } from "../coap/message.ts";
import { KeptAWhile } from "./kept.ts";

/** A request is whole, and `block` was its last; or there is something to answer first. */
export type Assembled =
  | { readonly kind: "whole"; readonly request: CoapContent; readonly block: Block | undefined }
  | { readonly kind: "answer"; readonly answer: CoapContent };

interface PartialBody {
  readonly parts: Uint8Array[];
  bytes: number;
}

/** A head-end sends one long body at a time, so this is as many programs as are likely to at once. */
const BODIES_MAX = 4;

/** Bodies that are under way, each of one sender and one operation. */
export class RequestBodies {
  readonly #bodies: KeptAWhile<PartialBody>;
  readonly #bytesMax: number;
  readonly #sizeExponent: number;

  /** A body has at most `bytesMax` bytes and is dropped when no block came for `forMs`. */
  constructor(limits: { readonly bytesMax: number; readonly sizeExponent: number; readonly forMs: number }) {
    this.#bodies = new KeptAWhile(BODIES_MAX, limits.forMs);
    this.#bytesMax = limits.bytesMax;
    this.#sizeExponent = limits.sizeExponent;
  }

  /** Takes a request of `owner` in, whole or one block of it. */
  take(nowMs: number, owner: object, request: CoapContent): Assembled {
    const block = readBlock(request, OPTION.block1);
    if (block === undefined) return { kind: "whole", request, block };
    if ("refusal" in block) return answered(bareAnswer(block.refusal));
    if (!hasBlockLength(request.payload, block)) {
      return answered(bareAnswer(CODE.badRequest, "a block of another length than it says"));
    }
    const key = operationKey(request);
    if (this.#isTooLong(request, block)) {
      this.#bodies.forget(owner, key);
      return answered(this.#tooLong());
    }
    if (block.number === 0) this.#bodies.set(nowMs, owner, key, { parts: [], bytes: 0 });
    const body = this.#bodies.use(nowMs, owner, key);
    if (body === undefined || !append(body, block, request.payload)) {
      return answered(bareAnswer(CODE.requestEntityIncomplete, "blocks before this one are missing"));
    }
    if (block.more) return answered(this.#goOn(block));
    this.#bodies.forget(owner, key);
    const whole = { ...withoutOptions(request, OPTION.block1), payload: concat(...body.parts) };
    return { kind: "whole", request: whole, block };
  }

  #isTooLong(request: CoapContent, block: Block): boolean {
    const announced = toUint((findOption(request, OPTION.size1) ?? EMPTY).subarray(0, 4));
    return Math.max(announced, blockOffset(block) + request.payload.length) > this.#bytesMax;
  }

  /** RFC 7959 2.9.3: told with how much would be taken. */
  #tooLong(): CoapContent {
    const options = [{ number: OPTION.size1, value: fromUint(this.#bytesMax) }];
    return { ...bareAnswer(CODE.entityTooLarge, "the body is too long"), options };
  }

  /** 2.31, with the size that suits our link where that is the smaller one. */
  #goOn(block: Block): CoapContent {
    const sizeExponent = Math.min(block.sizeExponent, this.#sizeExponent);
    const options = [blockOption(OPTION.block1, { ...block, sizeExponent })];
    return { code: CODE.continue, options, payload: EMPTY };
  }
}

/** False for a block out of turn. The last one again, by a sender that saw no answer, changes nothing. */
function append(body: PartialBody, block: Block, payload: Uint8Array): boolean {
  const offset = blockOffset(block);
  const last = body.parts.at(-1);
  if (offset !== body.bytes) {
    return last !== undefined && offset + last.length === body.bytes && equal(last, payload);
  }
  body.parts.push(payload);
  body.bytes += payload.length;
  return true;
}

function answered(answer: CoapContent): Assembled {
  return { kind: "answer", answer };
}
