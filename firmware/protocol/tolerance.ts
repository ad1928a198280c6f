// How late an answer may be: what is said of it, and how long one try is waited for.
import type { LinkTraits } from "../../hal/ports/link.ts";
import type { PendingAsk } from "./asks.ts";
import { fromUint } from "./bytes.ts";
import { type CoapContent, OPTION, withOptions } from "./coap/message.ts";
import { transmitWaitMs } from "./coap/timing.ts";

/** Where each is acknowledged and none answered. */
const TRIES_OF_TOLERANCE = 4;

/** The request with the delay that its sender tolerates. */
export function tolerant(content: CoapContent, seconds: number | undefined): CoapContent {
  if (seconds === undefined) return content;
  return withOptions(content, { number: OPTION.delayTolerance, value: fromUint(seconds) });
}

/** What whoever forwards is told beside the peer, who is told what was tolerated at first: what is left of it. */
export function toleranceLeft(
  nowMs: number,
  { toleranceSeconds, isOperator, untilMs }: PendingAsk,
): number | undefined {
  if (toleranceSeconds === undefined || !isOperator) return undefined;
  return Math.min(toleranceSeconds, Math.ceil((untilMs - nowMs) / 1000));
}

/** A handshake that comes to nothing is begun anew while there is time: what comes of it later is of no use then. */
export function untilOfHandshakeMs(nowMs: number, traits: LinkTraits, ask: PendingAsk): number {
  const { untilMs, toleranceSeconds } = ask;
  return toleranceSeconds === undefined
    ? untilMs
    : Math.min(untilMs, nowMs + tryMs(traits, toleranceSeconds));
}

/**
 * How long the answer of whoever acknowledged is waited for before another request is made, where a delay is tolerated:
 * longer than CoAP repeats one, and so that who does hold it gets few.
 */
export function tryMs(traits: LinkTraits, toleranceSeconds: number): number {
  return Math.max(transmitWaitMs(traits), (1000 * toleranceSeconds) / TRIES_OF_TOLERANCE);
}
