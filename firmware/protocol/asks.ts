// What an asking end keeps of its asks, sessions and handshakes, and the requests that it makes of them.
import type { Station } from "../../hal/ports/link.ts";
import type { Transfer } from "./blockwise/transfer.ts";
import { concat, EMPTY } from "./bytes.ts";
import {
  CODE,
  type CoapContent,
  type CoapMessage,
  messageBytes,
  OPTION,
  sortOptions,
} from "./coap/message.ts";
import type { Credential } from "./cose/credential.ts";
import type { EdhocInitiator } from "./edhoc/initiator.ts";
import { type RequestBinding, unprotectResponse } from "./oscore/protect.ts";
import { isBarred, type Peer, type Session } from "./sessions.ts";

/**
 * Why an ask ended without an answer: no word in time, turned away, a proof that did not hold, or an answer in
 * parts that are not of one whole.
 */
export type AskFailure = "timeout" | "refused" | "not-proved" | "busy" | "incomplete";

/** What is asked of whom, and until when it is of use. */
export interface Ask {
  readonly to: Station;
  /** Only this peer's credential will do; without it, any on the trust list. */
  readonly expect?: string;
  readonly content: CoapContent;
  readonly untilMs: number;
  /** How long the answer will be at the most, in bytes of CoAP, where it is known. */
  readonly answerBytes?: number;
}

/** What an asking end tells of its asks; each is told once. */
export type ClientEvent =
  | {
      readonly kind: "answer";
      readonly ask: number;
      readonly peer: Peer;
      readonly content: CoapContent;
      /** CoAP bytes of all requests that were answered, without a handshake's part, and of their answers. */
      readonly requestBytes: number;
      readonly responseBytes: number;
      /** Present where this exchange completed a handshake, in which `proved` proved its key. */
      readonly handshake?: HandshakeSize & { readonly proved: Credential };
    }
  | { readonly kind: "failed"; readonly ask: number; readonly reason: AskFailure };

/** CoAP bytes of a handshake: its first two messages, and what the third added to the first request (RFC 9668). */
export interface HandshakeSize {
  readonly message1Bytes: number;
  readonly message2Bytes: number;
  readonly message3AddedBytes: number;
}

export interface PendingAsk extends Pick<Ask, "to" | "untilMs"> {
  readonly id: number;
  readonly expect: string | undefined;
  readonly answerBytes: number | undefined;
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
  readonly key: string;
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
  /** The genuine answer, once it came. */
  opened: CoapContent | undefined;
}

/** What a CoAP request of ours is for. */
export type Purpose = HandshakeRequest | ProtectedRequest;

/** What somebody said who has proved nothing, and when to believe it if nothing better comes. */
export interface Doubt {
  readonly believeAtMs: number;
  /** Undefined for an RST. */
  readonly message: CoapMessage | undefined;
}

export interface FirstRequest extends Completion {
  readonly message3: Uint8Array;
}

export function clientSession(session: Session, key: string): ClientSession {
  return { ...session, key, open: new Set(), nextNumber: 0, queue: [], holder: undefined };
}

/** EDHOC message_3 and the first OSCORE request in one (RFC 9668 3.2.1). */
export function combined(content: CoapContent, message3: Uint8Array): CoapContent {
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
export function isProtectedAnswer(request: ProtectedRequest, answer: CoapMessage): boolean {
  if (isBarred(request.session)) return false;
  const opened = unprotectResponse(request.session.context, request.binding, answer);
  if (opened !== undefined) request.opened = opened;
  return opened !== undefined;
}
