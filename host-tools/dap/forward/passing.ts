// What may pass a router and what it looks at: RFC 7252 5.7 and 5.10, RFC 8768.
import { fromUint, toUint } from "../../../firmware/protocol/bytes.ts";
import {
  CODE,
  type CoapContent,
  findOption,
  hasValidHopLimit,
  OPTION,
  withOptions,
  withoutOptions,
} from "../../../firmware/protocol/coap/message.ts";

/** Bit 1 of an option's number: whoever does not know it must not pass it on (RFC 7252 5.4.6). */
const UNSAFE = 2;

/** The unsafe options that a request may have here: those that are passed on, and those that are for the router. */
const KNOWN_IN_REQUESTS: ReadonlySet<number> = new Set([
  OPTION.uriHost,
  OPTION.observe,
  OPTION.uriPort,
  OPTION.uriPath,
  OPTION.uriQuery,
  OPTION.block1,
  OPTION.block2,
  OPTION.noResponse,
  OPTION.multicastTimeout,
]);

const KNOWN_IN_ANSWERS: ReadonlySet<number> = new Set([
  OPTION.observe,
  OPTION.maxAge,
  OPTION.block1,
  OPTION.block2,
]);

/** Whom a request is for, and what goes there; or the code that it is refused with. */
export type Passage =
  | { readonly alias: string; readonly content: CoapContent }
  | { readonly refusal: number };

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * What a request becomes on its way to the host that it names. It goes on without that name, which a line whose stations
 * are told apart by it is given back: so no two routers send one another the same request for ever.
 */
export function passageOf(request: CoapContent): Passage {
  let host: Uint8Array | undefined;
  for (const { number, value } of request.options) {
    if (number === OPTION.proxyUri || number === OPTION.proxyScheme)
      return { refusal: CODE.proxyingNotSupported };
    if ((number & UNSAFE) !== 0 && !KNOWN_IN_REQUESTS.has(number)) return { refusal: CODE.badOption };
    if (number !== OPTION.uriHost) continue;
    if (host !== undefined) return { refusal: CODE.badOption };
    host = value;
  }
  const alias = host && textOf(host);
  if (alias === undefined) return { refusal: CODE.badRequest };
  if (!hasValidHopLimit(request)) return { refusal: CODE.badRequest };
  const content = withoutOptions(
    request,
    ...[OPTION.uriHost, OPTION.uriPort, OPTION.multicastTimeout, OPTION.delayTolerance, OPTION.bundle],
  );
  return oneHopOn(alias, content);
}

/** RFC 8768 3: one less, and 5.08 where nothing is left. */
function oneHopOn(alias: string, content: CoapContent): Passage {
  const limit = findOption(content, OPTION.hopLimit);
  if (limit === undefined) return { alias, content };
  const left = toUint(limit) - 1;
  if (left === 0) return { refusal: CODE.hopLimitReached };
  const without = withoutOptions(content, OPTION.hopLimit);
  return { alias, content: withOptions(without, { number: OPTION.hopLimit, value: fromUint(left) }) };
}

/** The request as it goes to one host of a line whose stations are told apart by that name. */
export function namedFor(alias: Uint8Array, content: CoapContent): CoapContent {
  return withOptions(content, { number: OPTION.uriHost, value: alias });
}

/** True for an answer that may go back: what is unsafe and unknown in it may not (5.02 takes its place). */
export function mayGoBack(answer: CoapContent): boolean {
  return answer.options.every(({ number }) => (number & UNSAFE) === 0 || KNOWN_IN_ANSWERS.has(number));
}

/** A whole number of seconds that a request names; undefined where it names none, or not as RFC 7252 3.2 has it. */
export function secondsOf(request: CoapContent, option: number): number | undefined {
  const value = findOption(request, option);
  return value === undefined || value.length > 4 ? undefined : toUint(value);
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}
