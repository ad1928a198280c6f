// Whoever forwards requests to a peer: what tells him whom they are for, and what he says by himself.
import type { PendingAsk, Purpose } from "./asks.ts";
import { fromText } from "./bytes.ts";
import { CODE, type CoapContent, OPTION, withOptions } from "./coap/message.ts";
import { tolerant } from "./tolerance.ts";

/** No meter gives one of these without protection. */
const FORWARDERS_TROUBLES: ReadonlySet<number> = new Set([
  CODE.badGateway,
  CODE.serviceUnavailable,
  CODE.gatewayTimeout,
  CODE.hopLimitReached,
]);

/** What is sent of a request: who forwards it is told for whom it is, in an option that is not protected (RFC 8613 figure 5). */
export function routed(
  content: CoapContent,
  { host }: Pick<PendingAsk, "host">,
  toleranceSeconds?: number,
): CoapContent {
  if (host === undefined) return content;
  return tolerant(withOptions(content, { number: OPTION.uriHost, value: fromText(host) }), toleranceSeconds);
}

/** What somebody says by himself who forwards, of a peer that he cannot reach or does not know; else undefined. */
export function wordOfForwarder(
  purpose: Purpose,
  message: CoapContent | undefined,
): "unreachable" | "unrouted" | undefined {
  const [ask] = purpose.kind === "protected" ? [purpose.ask] : purpose.handshake.waiting;
  if (ask?.host === undefined || message === undefined) return undefined;
  if (message.code === CODE.notFound) return "unrouted";
  return FORWARDERS_TROUBLES.has(message.code) ? "unreachable" : undefined;
}
