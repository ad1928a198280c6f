// Requests for what anybody may have: they come without protection.
import { fromText } from "./bytes.ts";
import { CODE, type CoapContent, hasPath, isCritical, OPTION } from "./coap/message.ts";

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

/** True for a question for the links of .well-known/core. */
export function asksForLinks(message: CoapContent): boolean {
  return message.code === CODE.get && hasPath(message, LINKS_PATH);
}

/** True where a request has a critical option that none of these may have. */
export function hasUnknownCritical({ options }: CoapContent): boolean {
  return options.some(({ number }) => isCritical(number) && !OPEN_OPTIONS.has(number));
}
