// Bodies in blocks: the options of RFC 7959 section 2, and the sizes that suit a link.
import { type LinkTraits, serialisationMs } from "../../../hal/ports/link.ts";
import { EMPTY, fromUint, toHex, toUint } from "../bytes.ts";
import {
  bareAnswer,
  CODE,
  type CoapContent,
  type CoapOption,
  findOption,
  OPTION,
  withOptions,
} from "./message.ts";

/** One block of a body: RFC 7959 2.2. */
export interface Block {
  /** Counted in blocks of its own size, so that it tells where the block begins. */
  readonly number: number;
  /** More blocks follow. */
  readonly more: boolean;
  /** SZX, 0 to 6: a block has 2^(4 + SZX) bytes. */
  readonly sizeExponent: number;
}

/** A request with an option that cannot be: what to answer. */
export interface BlockRefusal {
  readonly refusal: number;
}

/** How much fits a link. */
export interface BodySizes {
  /** A body of up to so many bytes goes in one piece. */
  readonly wholeBytesMax: number;
  /** The block size for longer ones, as SZX. */
  readonly sizeExponent: number;
}

const VALUE_BYTES_MAX = 3;
const EXPONENT_MAX = 6;
const MORE = 0x08;
/**
 * What a message has beside its body: headers, tokens and tags of any length, and the options of a proxy. The
 * MTU of 1152 bytes that RFC 7252 4.6 advises leaves room for a block of 1024.
 */
const OVERHEAD_BYTES = 96;
/** A line that is busy with one block for longer is no use to others, and loses too much with each. */
const BLOCK_MS_MAX = 1000;

/** Bytes of a block of this size. */
export function blockBytes({ sizeExponent }: Pick<Block, "sizeExponent">): number {
  return 16 << sizeExponent;
}

/** Where in the body the block begins. */
export function blockOffset(block: Block): number {
  return block.number * blockBytes(block);
}

/** The block of this size that begins at `offset` in a body of `length` bytes. */
export function blockAt(offset: number, length: number, sizeExponent: number): Block {
  const size = blockBytes({ sizeExponent });
  return { number: offset / size, more: offset + size < length, sizeExponent };
}

/** The bytes of a body that a block stands for. */
export function bytesOfBlock(body: Uint8Array, block: Block): Uint8Array {
  const start = blockOffset(block);
  return body.slice(start, start + blockBytes(block));
}

/** True where a payload is as long as its block must be: only the last may be shorter. */
export function hasBlockLength(payload: Uint8Array, block: Block): boolean {
  return block.more ? payload.length === blockBytes(block) : payload.length <= blockBytes(block);
}

/** The option Block1 or Block2. */
export function blockOption(number: number, block: Block): CoapOption {
  const value = block.number * 16 + (block.more ? MORE : 0) + block.sizeExponent;
  return { number, value: value === 0 ? EMPTY : fromUint(value) };
}

/**
 * The option's block, undefined where there is none. One that no block is told by is refused with 4.00
 * (RFC 7959 2.2), a repeated one like an unknown one with 4.02 (RFC 7252 5.4.5). Never throws.
 */
export function readBlock(content: CoapContent, number: number): Block | BlockRefusal | undefined {
  const found = content.options.filter((option) => option.number === number);
  const [only] = found;
  if (only === undefined) return undefined;
  if (found.length > 1) return { refusal: CODE.badOption };
  return decodeBlock(only.value) ?? { refusal: CODE.badRequest };
}

/** True for the first block of an answer of which more follow. */
export function isFirstOfMore({ options }: CoapContent): boolean {
  for (const { number, value } of options)
    if (number === OPTION.block2) {
      const block = decodeBlock(value);
      return block?.number === 0 && block.more;
    }
  return false;
}

/** True for a request that has to do with blocks. */
export function hasBlock({ options }: CoapContent): boolean {
  for (const { number } of options) if (number === OPTION.block1 || number === OPTION.block2) return true;
  return false;
}

function decodeBlock(bytes: Uint8Array): Block | undefined {
  const value = toUint(bytes.subarray(0, VALUE_BYTES_MAX));
  const sizeExponent = value & 0x07;
  if (bytes.length > VALUE_BYTES_MAX || sizeExponent > EXPONENT_MAX) return undefined;
  return { number: value >> 4, more: (value & MORE) !== 0, sizeExponent };
}

/**
 * The block that begins where the one that was asked for does, of at most `sizeExponent`; 4.00 beyond the end of
 * the answer.
 */
export function blockOfAnswer(
  answer: CoapContent,
  asked: Block,
  sizeExponent = asked.sizeExponent,
): CoapContent {
  const offset = blockOffset(asked);
  if (offset > 0 && offset >= answer.payload.length) return bareAnswer(CODE.badRequest, "no such block");
  const block = blockAt(offset, answer.payload.length, Math.min(asked.sizeExponent, sizeExponent));
  const payload = bytesOfBlock(answer.payload, block);
  return withOptions({ ...answer, payload }, blockOption(OPTION.block2, block));
}

/** The sizes for a link: its MTU bounds them, and on a slow line the time that a block takes. */
export function bodySizes(traits: LinkTraits): BodySizes {
  const wholeBytesMax = Math.max(blockBytes({ sizeExponent: 0 }), traits.mtuBytes - OVERHEAD_BYTES);
  return { wholeBytesMax, sizeExponent: exponentFor(traits, wholeBytesMax) };
}

/** The largest blocks for a link, as SZX, where a message leaves so many bytes for one. */
export function exponentFor(traits: LinkTraits, roomBytes: number): number {
  let sizeExponent = EXPONENT_MAX;
  while (sizeExponent > 0) {
    const size = blockBytes({ sizeExponent });
    if (size <= roomBytes && serialisationMs(traits, size) <= BLOCK_MS_MAX) break;
    sizeExponent--;
  }
  return sizeExponent;
}

/**
 * Options in which requests for blocks of the same body may differ: the blocks themselves, what is of one
 * message only, and what a proxy may change on the way.
 */
const OF_ONE_MESSAGE: ReadonlySet<number> = new Set([
  OPTION.uriHost,
  OPTION.uriPort,
  OPTION.observe,
  OPTION.hopLimit,
  OPTION.block1,
  OPTION.block2,
  OPTION.size1,
  OPTION.echo,
  OPTION.noResponse,
]);

/** Equal for the requests of one operation, which its Request-Tag sets apart from others (RFC 9175 3.3). */
export function operationKey({ code, options }: CoapContent): string {
  const kept = options.filter(({ number }) => !OF_ONE_MESSAGE.has(number));
  return [code, ...kept.map(({ number, value }) => `${number}:${toHex(value)}`)].join(" ");
}

/** What tells operations apart where requests to one host come in, or to many: those of each are its own. */
export function operationsOf(hosts: "one" | "many"): (content: CoapContent) => string {
  if (hosts === "one") return operationKey;
  return (content) => `${toHex(findOption(content, OPTION.uriHost) ?? EMPTY)} ${operationKey(content)}`;
}

/** How long a message with this block in it is at the most. */
export function blockMessageBytes(block: Pick<Block, "sizeExponent">): number {
  return OVERHEAD_BYTES + blockBytes(block);
}
