// What an asking end keeps of its asks, sessions and handshakes, and the requests that it makes of them.
import type { LinkTraits, Station } from "../../hal/ports/link.ts";
import type { Transfer } from "./blockwise/transfer.ts";
import { concat, EMPTY, toUint } from "./bytes.ts";
import type { RequestOptions } from "./coap/client.ts";
import { messageBytes } from "./coap/codec.ts";
import { CODE, type CoapContent, type CoapMessage, findOption, OPTION, sortOptions } from "./coap/message.ts";
import type { Credential } from "./cose/credential.ts";
import type { EdhocInitiator } from "./edhoc/initiator.ts";
import { type Epoch, epochOf, withoutEpoch } from "./epochs.ts";
import { routed } from "./forwarders.ts";
import type { Watch } from "./observe/watches.ts";
import { readOscoreOption } from "./oscore/option.ts";
import { type BoundRequest, type RequestBinding, unprotectResponse } from "./oscore/protect.ts";
import { isBarred, type Peer, type Session } from "./sessions.ts";
import { toleranceLeft, untilOfHandshakeMs } from "./tolerance.ts";

/**
 * Why an ask ended without an answer: no word in time, turned away, a proof that did not hold, an answer in parts that are
 * not of one whole, a peer that has forgotten what it told before; or whoever forwards got no answer, or knows no such peer.
 */
export type AskFailure =
  | "timeout"
  | "refused"
  | "not-proved"
  | "busy"
  | "incomplete"
  | "forgetful"
  | "unreachable"
  | "unrouted";

/** What is asked of whom, and until when it is of use. */
export interface Ask {
  readonly to: Station;
  /** The name that whoever forwards for the peer knows it by: each request says it (Uri-Host). Without it, nobody does. */
  readonly host?: string | undefined;
  /** Only this peer's credential will do; without it, any on the trust list. */
  readonly expect?: string | undefined;
  /** The key that the peer is to take: it is asked to prove this one, in a session of its own. */
  readonly nextKey?: Credential | undefined;
  /** True where only a session will do that begins with this ask: the one before is left. */
  readonly needsNewSession?: boolean | undefined;
  readonly content: CoapContent;
  readonly untilMs: number;
  /**
   * How late the answer may be, which the peer is told: until `untilMs` it is asked again and again. Without it, CoAP's own
   * repetitions are all. At most a week.
   */
  readonly toleranceSeconds?: number | undefined;
  /** True where whoever forwards works for this end: he is told what is tolerated too, and may keep a request so long. */
  readonly isOperator?: boolean | undefined;
  /** How long the answer will be at the most, in bytes of CoAP, where it is known. */
  readonly answerBytes?: number | undefined;
}

/** What an asking end tells of its asks: of each its end once, and before that of a watch all its notifications. */
export type ClientEvent =
  | {
      readonly kind: "notification";
      readonly ask: number;
      readonly peer: Peer;
      readonly content: CoapContent;
      /** Of CoAP. */
      readonly bytes: number;
      /** Present where the registration completed a handshake. */
      readonly handshake?: Proved;
    }
  | {
      readonly kind: "answer";
      readonly ask: number;
      readonly peer: Peer;
      readonly content: CoapContent;
      /** CoAP bytes of all requests that were answered, without a handshake's part, and of their answers. */
      readonly requestBytes: number;
      readonly responseBytes: number;
      /** Present where this exchange completed a handshake. */
      readonly handshake?: HandshakeSize & Proved;
    }
  | {
      readonly kind: "failed";
      readonly ask: number;
      readonly reason: AskFailure;
      /** Who has forgotten, where that is the reason. */
      readonly peer?: Peer;
    };

/** Who proved its key in a handshake. */
export interface Proved {
  readonly proved: Credential;
  /** Its name at whoever forwarded for it; undefined where nobody did. */
  readonly host: string | undefined;
}

/** CoAP bytes of a handshake: its first two messages, and what the third added to the first request (RFC 9668). */
export interface HandshakeSize {
  readonly message1Bytes: number;
  readonly message2Bytes: number;
  readonly message3AddedBytes: number;
}

export interface PendingAsk extends Pick<Ask, "to"> {
  readonly id: number;
  readonly host: string | undefined;
  /** A watch has it only while it registers; else it is Infinity. */
  untilMs: number;
  /** Of one that stays open for notifications. */
  readonly watch: Watch | undefined;
  readonly expect: string | undefined;
  readonly nextKey: Credential | undefined;
  readonly answerBytes: number | undefined;
  readonly toleranceSeconds: number | undefined;
  readonly isOperator: boolean;
  /** What was in the way of the last try, where that was said. */
  trouble: AskFailure | undefined;
  tries: number;
  readonly transfer: Transfer;
  requestBytes: number;
  responseBytes: number;
}

export interface Handshake {
  readonly key: string;
  readonly initiator: EdhocInitiator<Credential>;
  /** In the order that they were asked; the first one's request carries message_3. */
  waiting: PendingAsk[];
}

export interface ClientSession extends Session {
  /** What it is found by: with whom it is, by which key. */
  readonly who: string;
  /** The highest of the peer's own numbers; -1 before the first. */
  heard: number;
  /** Numbers of the requests that have no answer yet, oldest first, and the number after the newest. */
  readonly open: Set<number>;
  nextNumber: number;
  readonly queue: PendingAsk[];
  /** The one whose long request or answer is under way; others of that kind wait, as the peer keeps little. */
  holder: PendingAsk | undefined;
}

/** What an answer to a first request completes. */
export interface Completion {
  readonly handshake: Handshake;
  readonly size: HandshakeSize;
  readonly proved: Credential;
}

/** A request for message_2 under way. */
export interface HandshakeRequest {
  readonly kind: "message-1";
  readonly handshake: Handshake;
  readonly bytes: number;
  /** Of the genuine message_2, once it came. */
  proved?: { readonly message3: Uint8Array; readonly peer: Credential };
}

/** A protected request under way. */
export interface ProtectedRequest {
  readonly kind: "protected";
  readonly ask: PendingAsk;
  readonly session: ClientSession;
  readonly number: number;
  readonly binding: RequestBinding;
  readonly requestBytes: number;
  readonly completes: Completion | undefined;
  /** The highest of the peer's own numbers when it was sent: whatever it numbers for this is above. */
  readonly heardBefore: number;
  /** The genuine answer, once it came, and what it tells of the peer. */
  opened: CoapContent | undefined;
  told: Epoch | undefined;
  ownNumber: number | undefined;
}

/** What a CoAP request of ours is for. */
export type Purpose = HandshakeRequest | ProtectedRequest;

export interface FirstRequest extends Completion {
  readonly message3: Uint8Array;
}

/** Asks under way or waiting at once; a head-end that has more collects in turns. */
export const ASKS_MAX = 256;
/** Fresh starts of one ask after a forged answer or a lost session. */
export const TRIES_MAX = 3;
/** NSTART (RFC 7252 4.7) towards one peer: one on a line, which carries one thing at a time. */
const OPEN_ON_LINE_MAX = 1;
/** A request further behind the newest than the peer's replay window would be refused (RFC 8613 3.2.2). */
const NEWER_REQUESTS_MAX = 31;

/** True where a message of this ask may be sent in the session now; else it waits in the queue there. */
export function isNext(
  ask: PendingAsk,
  session: ClientSession,
  traits: LinkTraits,
  asks: ReadonlyMap<number, PendingAsk>,
): boolean {
  return hasRoom(session, traits) && hasTurn(ask, session, asks);
}

function hasRoom({ open, nextNumber }: ClientSession, { bitsPerSecond }: LinkTraits): boolean {
  const [oldest = nextNumber] = open;
  const openMax = bitsPerSecond === undefined ? NEWER_REQUESTS_MAX : OPEN_ON_LINE_MAX;
  return open.size < openMax && nextNumber - oldest <= NEWER_REQUESTS_MAX;
}

/** A long transfer waits until the one before it in this session has ended. */
function hasTurn(
  { transfer, id }: PendingAsk,
  { holder }: ClientSession,
  asks: ReadonlyMap<number, PendingAsk>,
): boolean {
  return !transfer.isLong || holder === undefined || holder.id === id || !asks.has(holder.id);
}

/** CoAP with message_2 by kid takes 53 bytes; a responder with a certificate a few more. */
export const MESSAGE_2_BYTES = 64;
/** With a credential in it that an issuer has signed. */
export const MESSAGE_2_BY_VALUE_BYTES = 420;

export function pendingAsk(
  id: number,
  { to, host, expect, nextKey, untilMs, answerBytes, toleranceSeconds, isOperator = false }: Ask,
  transfer: Transfer,
  watch: Watch | undefined,
): PendingAsk {
  return {
    id,
    to,
    host,
    expect,
    nextKey,
    untilMs,
    answerBytes,
    toleranceSeconds,
    isOperator,
    watch,
    transfer,
    trouble: undefined,
    tries: 0,
    requestBytes: 0,
    responseBytes: 0,
  };
}

export function clientSession(session: Session, who: string): ClientSession {
  const state = { heard: -1, open: new Set<number>(), nextNumber: 0, queue: [], holder: undefined };
  return { ...session, who, ...state };
}

/** EDHOC message_3 and the first OSCORE request in one (RFC 9668 3.2.1). */
function combined(content: CoapContent, message3: Uint8Array): CoapContent {
  const options = sortOptions([...content.options, { number: OPTION.edhoc, value: EMPTY }]);
  return { ...content, options, payload: concat(message3, content.payload) };
}

/** CoAP bytes of a request with a token of one byte. */
export function sizeOf(content: CoapContent): number {
  return messageBytes(content, 1);
}

/** True for the message_2 of somebody who is welcome; what it led to is kept. */
export function isMessage2(request: HandshakeRequest, { code, payload }: CoapMessage): boolean {
  if (code !== CODE.changed) return false;
  const outcome = request.handshake.initiator.receiveMessage2(payload);
  if ("failed" in outcome) return false;
  request.proved = outcome;
  return true;
}

/** True for the peer's own answer; its content is kept. */
function isProtectedAnswer(request: ProtectedRequest, answer: CoapMessage): boolean {
  if (isBarred(request.session)) return false;
  const opened = unprotectResponse(request.session.context, request.binding, answer);
  if (opened === undefined) return false;
  const tells = findOption(opened, OPTION.epoch) !== undefined;
  request.told = tells ? epochOf(opened) : undefined;
  request.opened = tells ? withoutEpoch(opened) : opened;
  request.ownNumber = numberOf(answer);
  return true;
}

/** How a protected request is followed. */
export function followed(nowMs: number, traits: LinkTraits, request: ProtectedRequest): RequestOptions {
  const { ask, completes } = request;
  return {
    untilMs: completes === undefined ? ask.untilMs : untilOfHandshakeMs(nowMs, traits, ask),
    answerBytes: ask.transfer.answerBytes(ask.answerBytes),
    isGenuine: (answer) => isProtectedAnswer(request, answer),
    stays: ask.toleranceSeconds !== undefined && completes === undefined,
  };
}

/** The sender's own number of an answer; undefined where it has its request's nonce. */
function numberOf(answer: CoapMessage): number | undefined {
  // Most answers have nothing to read there.
  if (findOption(answer, OPTION.oscore)?.length === 0) return undefined;
  const option = readOscoreOption(answer);
  if (option === undefined || "refused" in option) return undefined;
  return option.partialIv && toUint(option.partialIv);
}

/** What the genuine message_2 makes of a handshake: its first request. */
export function firstRequest(
  { handshake, bytes }: HandshakeRequest,
  { message3, peer }: NonNullable<HandshakeRequest["proved"]>,
  message2: CoapMessage,
): FirstRequest {
  const message2Bytes = messageBytes(message2, message2.token.length);
  const size = { message1Bytes: bytes, message2Bytes, message3AddedBytes: 0 };
  return { handshake, message3, size, proved: peer };
}

/** What is sent of a request, with message_3 where it is a first one, and what its answer is to be judged by. */
export function protectedRequest(
  nowMs: number,
  ask: PendingAsk,
  session: ClientSession,
  { content, binding, number }: BoundRequest,
  first: FirstRequest | undefined,
): { readonly sent: CoapContent; readonly purpose: ProtectedRequest } {
  const whole = routed(content, ask, toleranceLeft(nowMs, ask));
  const sent = first === undefined ? whole : combined(whole, first.message3);
  const requestBytes = sizeOf(whole);
  const message3AddedBytes = sizeOf(sent) - requestBytes;
  const completes = first && { ...first, size: { ...first.size, message3AddedBytes } };
  const made = { ask, session, number, binding, requestBytes, completes, heardBefore: session.heard };
  const unheard = { opened: undefined, told: undefined, ownNumber: undefined };
  return { sent, purpose: { kind: "protected", ...made, ...unheard } };
}

export function answerEvent(
  { id, host, requestBytes, responseBytes }: PendingAsk,
  { peer }: ClientSession,
  content: CoapContent,
  completes: Completion | undefined,
): ClientEvent {
  const handshake = completes && { ...completes.size, proved: completes.proved, host };
  const sizes = { requestBytes, responseBytes };
  return { kind: "answer", ask: id, peer, content, ...sizes, ...(handshake && { handshake }) };
}

/** The next message of a transfer waits for its turn, with all tries before it. */
export function queueNext(ask: PendingAsk, session: ClientSession): void {
  ask.tries = 0;
  session.queue.push(ask);
}
