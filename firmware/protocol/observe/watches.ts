// The asking end's side of RFC 7641: asks that stay open, and when each is renewed.
import type { Random } from "../../../hal/ports/random.ts";
import type { Ask, ClientEvent, ClientSession, PendingAsk, ProtectedRequest } from "../asks.ts";
import { EMPTY, toUint } from "../bytes.ts";
import { readBlock } from "../coap/block.ts";
import type { RequestOptions } from "../coap/client.ts";
import { messageBytes } from "../coap/codec.ts";
import { type CoapContent, type CoapMessage, findOption, OPTION, withOptions } from "../coap/message.ts";
import type { RequestId } from "../coap/requests.ts";
import { readOscoreOption } from "../oscore/option.ts";
import { unprotectResponse } from "../oscore/protect.ts";
import { isBarred } from "../sessions.ts";

/** What an ask for notifications has beside another one. */
export interface Watch {
  /** How long it may take to register, and to renew. */
  readonly withinMs: number;
  /** What is asked when it registers next, without the option. */
  content: CoapContent;
  /** True for the one request that ends it at the peer; nobody hears of its answer. */
  isEnding: boolean;
  /** The request that holds the token; notifications come to it. */
  request: RequestId | undefined;
  /** What opens them. */
  registration: Pick<ProtectedRequest, "session" | "binding"> | undefined;
  /** The peer's number of the newest notification to this request, or one of those below. */
  newest: number;
  registeredMs: number;
  /** Of the newest notification: at the peer, a registration ends with its session. */
  session: ClientSession | undefined;
  /** True once the registration is to be made anew, in another session. */
  isOutworn: boolean;
  /** Infinity while it registers. */
  renewAtMs: number;
}

/** What the asking end does for its watches. */
export interface WatchHost {
  readonly asks: ReadonlyMap<number, PendingAsk>;
  /** For when to renew: many watches that lost their peers at once do not come back at once. */
  readonly random: Random;
  /** Begins an ask, afresh where it was begun before. */
  readonly start: (nowMs: number, ask: PendingAsk) => void;
  /** Expects nothing more of a request, and rejects what comes to it. */
  readonly abandon: (nowMs: number, request: RequestId) => void;
  /** Takes another session for what is asked from now on. */
  readonly leave: (session: ClientSession) => void;
  /** Told when a registration, or one of its notifications, has come. */
  readonly registered: (ask: PendingAsk) => void;
}

/** Before the first notification. */
const NONE_YET = -2;
/** The first one may do without a number; it is then older than any other (RFC 8613 7.4.1). */
const UNNUMBERED = -1;
/** RFC 7641 2: the values of the option in a request. */
const REGISTER = EMPTY;
const DEREGISTER = Uint8Array.of(1);
/** RFC 7252 5.10.5: how long an answer holds that does not say it. */
const MAX_AGE_SECONDS = 60;
/** Half of the life of a registration, and of a session's keys: none comes to its end between two notifications. */
const RENEW_MS = 12 * 3_600_000;
/** A notification may be repeated for a while; a share of its period is more than that takes. */
const LATE_SHARE = 0.5;
const LATE_MIN_MS = 5000;
/** Registrations that a peer has lost with a session are made anew within this time, each at another moment. */
const LOST_SPREAD_MS = 10_000;

/** The request that registers, RFC 7641 3.1. */
export function registering(content: CoapContent): CoapContent {
  return withOptions(content, { number: OPTION.observe, value: REGISTER });
}

/** Ends a watch: the ask that says so to the peer, RFC 7641 3.6. */
export function ending(nowMs: number, { to, host, expect }: PendingAsk, watch: Watch): Ask {
  watch.isEnding = true;
  const content = withOptions(watch.content, { number: OPTION.observe, value: DEREGISTER });
  return { to, host, expect, content, untilMs: nowMs + watch.withinMs };
}

export function newWatch(content: CoapContent, withinMs: number): Watch {
  const never = Number.POSITIVE_INFINITY;
  const times = { registeredMs: 0, renewAtMs: never };
  const state = { isEnding: false, request: undefined, registration: undefined, newest: NONE_YET };
  return { content, withinMs, ...state, ...times, session: undefined, isOutworn: false };
}

/**
 * What a watch's request has beside that of another ask: it stays, in place of the one before, whose notifications may
 * still be on their way.
 */
export function watchOptions(watch: Watch | undefined): Partial<RequestOptions> {
  if (watch === undefined) return {};
  const { isEnding, request: replaces, registration } = watch;
  const isLate = (answer: CoapMessage): boolean =>
    registration !== undefined &&
    !isBarred(registration.session) &&
    unprotectResponse(registration.session.context, registration.binding, answer) !== undefined;
  const options = { replaces, isLate };
  return isEnding ? options : { ...options, answers: "many", untilMs: Number.POSITIVE_INFINITY };
}

/** Registers by this request from now on. Its notifications have an order of their own. */
export function registersBy(
  watch: Watch | undefined,
  request: RequestId,
  registration: Watch["registration"],
): void {
  if (watch === undefined) return;
  watch.request = request;
  watch.registration = registration;
  watch.newest = NONE_YET;
  watch.renewAtMs = Number.POSITIVE_INFINITY;
}

/** True where the peer has answered with a notification. */
export function isRegistered(watch: Watch | undefined): boolean {
  return watch !== undefined && watch.newest > NONE_YET;
}

/**
 * True for a notification to a watch that has not ended. One in blocks is the answer that ends it: its first block is
 * never told for the whole.
 */
export function isWatched({ ask: { watch }, opened }: ProtectedRequest): boolean {
  if (watch === undefined || watch.isEnding || opened === undefined) return false;
  return findOption(opened, OPTION.observe) !== undefined && isWhole(opened);
}

function isWhole(content: CoapContent): boolean {
  const block = readBlock(content, OPTION.block2);
  return block === undefined || ("number" in block && block.number === 0 && !block.more);
}

/** The watches among the asks of one end. */
export class Watches {
  readonly #host: WatchHost;

  constructor(host: WatchHost) {
    this.#host = host;
  }

  /** See `SecureClient.renewWith`. */
  renewWith(id: number, content: CoapContent): void {
    const watch = this.#host.asks.get(id)?.watch;
    if (watch !== undefined) watch.content = content;
  }

  /** Registers anew where it is time: the peer may have lost the registration, or the session. */
  wake(nowMs: number): void {
    for (const ask of this.#host.asks.values()) {
      const { watch } = ask;
      if (watch === undefined || nowMs < watch.renewAtMs) continue;
      watch.renewAtMs = Number.POSITIVE_INFINITY;
      ask.untilMs = nowMs + watch.withinMs;
      if (watch.isOutworn && watch.session !== undefined) this.#host.leave(watch.session);
      watch.isOutworn = false;
      ask.tries = 0;
      ask.transfer.restartWith(registering(watch.content));
      this.#host.start(nowMs, ask);
    }
  }

  /** The peer knows this session no more, nor who registered in it: that is made anew before it would be due. */
  lost(nowMs: number, session: ClientSession): void {
    for (const { watch } of this.#host.asks.values()) {
      if (watch?.session !== session || !isRegistered(watch)) continue;
      watch.renewAtMs = Math.min(watch.renewAtMs, nowMs + LOST_SPREAD_MS * fraction(this.#host.random));
    }
  }

  /** Infinity where nothing is to be renewed. */
  nextWakeMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { watch } of this.#host.asks.values()) nextMs = Math.min(nextMs, watch?.renewAtMs ?? nextMs);
    return nextMs;
  }

  /** Nothing more comes to an ask that has ended: whatever does is rejected, which tells the peer. */
  close(nowMs: number, { watch }: PendingAsk): void {
    if (watch?.request !== undefined) this.#host.abandon(nowMs, watch.request);
  }

  /** What there is to tell of a genuine notification; undefined for one that is not newer than those before. */
  take(nowMs: number, request: ProtectedRequest, message: CoapMessage): ClientEvent | undefined {
    const { ask, session, opened: content, completes } = request;
    const { watch } = ask;
    if (watch === undefined || content === undefined) return undefined;
    const proved = isRegistered(watch) ? undefined : completes?.proved;
    if (!takesNewer(nowMs, watch, message)) return undefined;
    this.#host.registered(ask);
    watch.session = session;
    watch.isOutworn = isOutworn(nowMs, watch, content);
    watch.renewAtMs = nowMs + untilRenewalMs(watch, content, this.#host.random);
    ask.untilMs = Number.POSITIVE_INFINITY;
    ask.tries = 0;
    const bytes = messageBytes(message, message.token.length);
    return {
      kind: "notification",
      ask: ask.id,
      peer: session.peer,
      content,
      bytes,
      ...(proved && { handshake: { proved, host: ask.host } }),
    };
  }
}

/** Their numbers, which nobody can forge, give notifications their order (RFC 8613 7.4.1). */
function takesNewer(nowMs: number, watch: Watch, message: CoapContent): boolean {
  const option = readOscoreOption(message);
  const partialIv = option && "partialIv" in option ? option.partialIv : undefined;
  const number = partialIv === undefined ? UNNUMBERED : toUint(partialIv);
  if (number <= watch.newest) return false;
  if (!isRegistered(watch)) watch.registeredMs = nowMs;
  watch.newest = number;
  return true;
}

function untilRenewalMs(watch: Watch, content: CoapContent, random: Random): number {
  const ageMs = maxAgeMs(content);
  // Between two notifications: one on its way meanwhile would be of the registration before, and lost.
  if (watch.isOutworn) return ageMs / 2;
  return ageMs + Math.max(LATE_MIN_MS, ageMs * LATE_SHARE) * (1 + fraction(random) / 2);
}

/** True where the registration is at its end before the next notification but one. */
function isOutworn(nowMs: number, { registeredMs }: Watch, content: CoapContent): boolean {
  return nowMs + maxAgeMs(content) >= registeredMs + RENEW_MS;
}

function maxAgeMs(content: CoapContent): number {
  const maxAge = findOption(content, OPTION.maxAge);
  return 1000 * (maxAge === undefined ? MAX_AGE_SECONDS : toUint(maxAge.subarray(0, 4)));
}

/** From 0 up to but not 1. */
function fraction(random: Random): number {
  return toUint(random.bytes(2)) / 0x10000;
}
