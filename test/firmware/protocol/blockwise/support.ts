import { BlockwiseServer } from "../../../../firmware/protocol/blockwise/server.ts";
import { fromText } from "../../../../firmware/protocol/bytes.ts";
import { type Block, blockOption, readBlock } from "../../../../firmware/protocol/coap/block.ts";
import {
  CODE,
  type CoapContent,
  type CoapOption,
  codeText,
  OPTION,
  sortOptions,
} from "../../../../firmware/protocol/coap/message.ts";
import { SeededRandom } from "../../../../hal/emulated/seeded-random.ts";
import type { LinkTraits } from "../../../../hal/ports/link.ts";
import { IP } from "../coap/helpers.ts";

/** Bytes that tell where they stand, so that no two blocks are alike. */
export function body(length: number, salt = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) + salt) & 0xff);
}

/** `1:2/0/128` as the figures of RFC 7959 write a Block option: which, number, more, size. */
export function block(text: string): CoapOption {
  const [, which, number, more, size] = /^([12]):(\d+)\/([01])\/(\d+)$/.exec(text) ?? [];
  const parts: Block = {
    number: Number(number),
    more: more === "1",
    sizeExponent: Math.log2(Number(size)) - 4,
  };
  return blockOption(which === "1" ? OPTION.block1 : OPTION.block2, parts);
}

export interface RequestParts {
  readonly path?: string;
  readonly blocks?: readonly string[];
  readonly payload?: Uint8Array;
  readonly options?: readonly CoapOption[];
}

export function request(code: number, parts: RequestParts = {}): CoapContent {
  const { path = "t", blocks = [], payload = new Uint8Array(0), options = [] } = parts;
  const uriPath = { number: OPTION.uriPath, value: fromText(path) };
  return { code, options: sortOptions([uriPath, ...options, ...blocks.map(block)]), payload };
}

/** A message as the figures of RFC 7959 write it: code, then Block2 and Block1 where it has them. */
export function figure(content: CoapContent): string {
  const blocks = [OPTION.block1, OPTION.block2].map((number) => {
    const found = readBlock(content, number);
    if (found === undefined || "refusal" in found) return [];
    const { more, sizeExponent } = found;
    return [`${number === OPTION.block1 ? 1 : 2}:${found.number}/${more ? 1 : 0}/${16 << sizeExponent}`];
  });
  return [codeText(content.code), ...blocks.flat()].join(" ");
}

/** A link whose block size is `bytes`. */
export function linkOf(bytes: number): LinkTraits {
  return { ...IP, mtuBytes: bytes + 96 };
}

/** A server whose one resource answers with `answer`, and what it was asked. */
export function server({
  answer = new Uint8Array(0),
  traits = IP,
  bodyBytesMax = 16_384,
}: {
  answer?: Uint8Array;
  traits?: LinkTraits;
  bodyBytesMax?: number;
} = {}) {
  const half = new BlockwiseServer({ traits, random: new SeededRandom(1), bodyBytesMax });
  const served: CoapContent[] = [];
  const resource = { answer };
  const one = {};
  const ask = (message: CoapContent, { nowMs = 0, owner = one }: { nowMs?: number; owner?: object } = {}) =>
    half.answer(nowMs, owner, message, (whole) => {
      served.push(whole);
      const code = resource.answer.length === 0 ? CODE.changed : CODE.content;
      return { code, options: [], payload: resource.answer };
    });
  return { ask, served, resource };
}
