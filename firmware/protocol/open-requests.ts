// Requests for what anybody may have: they come without protection.
import { fromText, toUint } from "./bytes.ts";
import { type Block, blockBytes, blockOfAnswer, readBlock } from "./coap/block.ts";
import { encodeLinkFormat, matchingLinks, type ResourceLink } from "./coap/link-format.ts";
import {
  answerWith,
  bareAnswer,
  CODE,
  type CoapContent,
  FORMAT,
  findOption,
  hasPath,
  isCritical,
  OPTION,
  queriesOf,
} from "./coap/message.ts";

const LINKS_PATH = [fromText(".well-known"), fromText("core")];
/** Critical options that requests for what anybody may have can carry (RFC 7252 5.4.1). */
const OPEN_OPTIONS: ReadonlySet<number> = new Set([
  OPTION.uriHost,
  OPTION.uriPort,
  OPTION.uriPath,
  OPTION.uriQuery,
  OPTION.accept,
  OPTION.block2,
]);

/** 32 bytes of links, which with what is around them answer a question of 21 bytes or more. */
const STRANGERS_BLOCK: Block = { number: 0, more: false, sizeExponent: 1 };

/** True for a question for the links of .well-known/core. */
export function asksForLinks(message: CoapContent): boolean {
  return message.code === CODE.get && hasPath(message, LINKS_PATH);
}

/** True where a request has a critical option that none of these may have. */
export function hasUnknownCritical({ options }: CoapContent): boolean {
  return options.some(({ number }) => isCritical(number) && !OPEN_OPTIONS.has(number));
}

/**
 * The answer to such a question; the same for a protected request: some clients protect all that they ask of a host. To a
 * stranger, who may ask in the name of somebody else, it goes in blocks so short that it is not three times his question.
 */
export function linksFor(
  asker: "stranger" | "peer",
  offered: readonly ResourceLink[],
  message: CoapContent,
): CoapContent {
  if (hasUnknownCritical(message)) return bareAnswer(CODE.badOption);
  const accept = findOption(message, OPTION.accept);
  if (accept !== undefined && toUint(accept) !== FORMAT.linkFormat) return bareAnswer(CODE.notAcceptable);
  const asked = queriesOf(message)?.reduce(matchingLinks, offered) ?? [];
  const links = answerWith(CODE.content, FORMAT.linkFormat, fromText(encodeLinkFormat(asked)));
  const isShort = asker === "peer" || links.payload.length <= blockBytes(STRANGERS_BLOCK);
  const block = readBlock(message, OPTION.block2) ?? (isShort ? undefined : STRANGERS_BLOCK);
  if (block === undefined) return links;
  if ("refusal" in block) return bareAnswer(block.refusal);
  return blockOfAnswer(links, block, asker === "peer" ? block.sizeExponent : STRANGERS_BLOCK.sizeExponent);
}
