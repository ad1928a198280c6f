// The timers of RFC 7252 4.8, derived from the link in place of the Internet's 2 seconds: a serial
// line answers in a fraction of that, and a slow one needs more for a single datagram.
import { type LinkTraits, serialisationMs } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { toUint } from "../bytes.ts";

/** RFC 7252 4.8. */
const ACK_RANDOM_FACTOR = 1.5;
/** RFC 7252 4.8. */
export const MAX_RETRANSMIT = 4;

/** An answer as long as most of ours, while nobody knows how long it will be. */
const PRESUMED_BYTES = 256;
/** For queues and slow handlers; makes 1 s of the 500 ms that an IP link states. */
const MARGIN = 2;
/** Two computers that share their processors with others can be late by this without any loss. */
const ACK_TIMEOUT_MIN_MS = 100;
/** RFC 7252 4.8.2 sets MAX_LATENCY to 100 s where ACK_TIMEOUT is 2 s; the proportion is kept. */
const LATENCY_TIMEOUTS = 50;
/** A quarter leaves the empty ACK the way back before the other side's timer ends. */
const PROCESSING_SHARE = 1 / 4;

/**
 * ACK_TIMEOUT (RFC 7252 4.8) in ms for a datagram of `bytes` bytes that is answered with `answerBytes`:
 * there and back, times a margin.
 */
export function ackTimeoutMs(traits: LinkTraits, bytes: number, answerBytes = PRESUMED_BYTES): number {
  const answerMs = serialisationMs(traits, Math.min(answerBytes, traits.mtuBytes));
  const thereAndBackMs = serialisationMs(traits, bytes) + traits.roundTripMs + answerMs;
  return Math.max(ACK_TIMEOUT_MIN_MS, MARGIN * thereAndBackMs);
}

/** The first wait for an acknowledgement in ms: ACK_TIMEOUT to ACK_RANDOM_FACTOR times that (RFC 7252 4.2). */
export function firstTimeoutMs(
  traits: LinkTraits,
  random: Random,
  bytes: number,
  answerBytes?: number,
): number {
  const fraction = toUint(random.bytes(2)) / 0x10000;
  return ackTimeoutMs(traits, bytes, answerBytes) * (1 + fraction * (ACK_RANDOM_FACTOR - 1));
}

/**
 * How long after the start of a datagram of `bytes` bytes its answer may still be on the line, in
 * ms: on a half-duplex link nothing is repeated before that, as it would destroy the answer.
 */
export function answerWindowMs(traits: LinkTraits, bytes: number): number {
  return serialisationMs(traits, bytes) + traits.roundTripMs + serialisationMs(traits, traits.mtuBytes);
}

/** How long the longest datagrams there and back take in ms. */
export function longestRoundTripMs(traits: LinkTraits): number {
  return 2 * serialisationMs(traits, traits.mtuBytes) + traits.roundTripMs;
}

/** PROCESSING_DELAY (RFC 7252 4.8.2) in ms: a request unanswered for that long gets an empty ACK. */
export function processingDelayMs(traits: LinkTraits): number {
  return ackTimeoutMs(traits, 0) * PROCESSING_SHARE;
}

/** MAX_TRANSMIT_WAIT (RFC 7252 4.8.2) in ms: after so long a client has given up whatever it asked. */
export function transmitWaitMs(traits: LinkTraits): number {
  return ackTimeoutMs(traits, PRESUMED_BYTES) * (2 ** (MAX_RETRANSMIT + 1) - 1) * ACK_RANDOM_FACTOR;
}

/** EXCHANGE_LIFETIME (RFC 7252 4.8.2) in ms: how long a copy of a message may still turn up. */
export function exchangeLifetimeMs(traits: LinkTraits): number {
  const timeoutMs = ackTimeoutMs(traits, PRESUMED_BYTES);
  const maxTransmitSpanMs = timeoutMs * (2 ** MAX_RETRANSMIT - 1) * ACK_RANDOM_FACTOR;
  return maxTransmitSpanMs + 2 * LATENCY_TIMEOUTS * timeoutMs + processingDelayMs(traits);
}
