// The asking end: EDHOC as initiator on first need, then OSCORE, towards peers on a trust list.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { LinkTraits, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { Identity } from "../identity/identity.ts";
import { commonGround } from "../identity/proving.ts";
import type { TrustList } from "../identity/trust.ts";
import {
  type Ask,
  type AskFailure,
  type ClientEvent,
  type ClientSession,
  clientSession,
  combined,
  type Doubt,
  type FirstRequest,
  type Handshake,
  type HandshakeRequest,
  isMessage2,
  isProtectedAnswer,
  type PendingAsk,
  type ProtectedRequest,
  type Purpose,
  sizeOf,
} from "./asks.ts";
import { Transfer } from "./blockwise/transfer.ts";
import { concat, fromUint, toUint } from "./bytes.ts";
import { encodeCbor } from "./cbor.ts";
import { type BodySizes, bodySizes } from "./coap/block.ts";
import { CoapEndpoint, type CoapEvent } from "./coap/exchange.ts";
import {
  CODE,
  type CoapMessage,
  FORMAT,
  findOption,
  messageBytes,
  OPTION,
  resourceRequest,
} from "./coap/message.ts";
import { ackTimeoutMs } from "./coap/timing.ts";
import type { Credential } from "./cose/credential.ts";
import { EdhocInitiator } from "./edhoc/initiator.ts";
import type { Endpoint, OutgoingDatagram } from "./endpoint.ts";
import { KEY_LIMITS, type KeyLimits } from "./oscore/key-use.ts";
import { protectRequest } from "./oscore/protect.ts";
import { isOver, newSession, type PresetContext, presetSession } from "./sessions.ts";

export interface SecureClientParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly traits: LinkTraits;
  readonly identity: Identity;
  readonly trust: TrustList;
  /** A context that needs no EDHOC, in place of handshakes; development only. */
  readonly preset?: PresetContext;
  /** What a session's keys may do, where it is not {@link KEY_LIMITS}. */
  readonly keyLimits?: Partial<KeyLimits>;
}

/** Asks under way or waiting at once; a head-end that has more collects in turns. */
const ASKS_MAX = 256;
/** Fresh starts of one ask after a forged answer or a lost session. */
const TRIES_MAX = 3;
/** CoAP with message_2 by kid takes 53 bytes; a responder with a certificate a few more. */
const MESSAGE_2_BYTES = 64;
/**
 * What is not proved is believed after so many ACK timeouts without anything better: a genuine answer
 * that was on its way has arrived by then.
 */
const DOUBT_TIMEOUTS = 1;
/** NSTART (RFC 7252 4.7) towards one peer: one on a line, which carries one thing at a time. */
const OPEN_ON_LINE_MAX = 1;
/** A request further behind the newest than the peer's replay window would be refused (RFC 8613 3.2.2). */
const NEWER_REQUESTS_MAX = 31;

/** One party's asking half, for any number of peers. */
export class SecureClient implements Endpoint<ClientEvent> {
  readonly #parts: SecureClientParts;
  readonly #coap: CoapEndpoint;
  readonly #edhocRandom: Random;
  readonly #preset: ClientSession | undefined;
  readonly #sessions = new Map<string, ClientSession>();
  readonly #handshakes = new Map<string, Handshake>();
  readonly #purposes = new Map<number, Purpose>();
  readonly #doubts = new Map<number, Doubt>();
  readonly #asks = new Map<number, PendingAsk>();
  readonly #events: ClientEvent[] = [];
  readonly #sizes: BodySizes;
  #nextAsk = 1;
  #nextRequestTag: number;
  #nextConnectionId: number;

  constructor(parts: SecureClientParts) {
    this.#parts = parts;
    this.#coap = new CoapEndpoint({ random: parts.random.fork("coap"), traits: parts.traits });
    this.#edhocRandom = parts.random.fork("edhoc");
    this.#preset = parts.preset && clientSession(presetSession(parts.crypto, parts.preset), "");
    this.#sizes = bodySizes(parts.traits);
    this.#nextRequestTag = toUint(parts.random.fork("request-tag").bytes(2));
    this.#nextConnectionId = parts.random.fork("connection-id").bytes(1)[0] ?? 0;
  }

  /** Asks a peer, after a handshake where there is no session yet; undefined while 256 others are asked. */
  ask(nowMs: number, ask: Ask): number | undefined {
    if (this.#asks.size >= ASKS_MAX) return undefined;
    const { to, expect, content, untilMs, answerBytes } = ask;
    const pending = {
      id: this.#nextAsk++,
      to,
      expect,
      untilMs,
      answerBytes,
      tries: 0,
      transfer: new Transfer(content, this.#sizes, () => fromUint(this.#nextRequestTag++)),
      requestBytes: 0,
      responseBytes: 0,
    };
    this.#asks.set(pending.id, pending);
    this.#start(nowMs, pending);
    return pending.id;
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    this.#coap.receive(nowMs, from, datagram);
    this.#takeAll(nowMs);
  }

  wake(nowMs: number): void {
    this.#coap.wake(nowMs);
    this.#takeAll(nowMs);
    for (const [request, { believeAtMs, message }] of this.#doubts) {
      if (nowMs >= believeAtMs) this.#believe(nowMs, request, message);
    }
    for (const ask of this.#asks.values()) if (nowMs >= ask.untilMs) this.#fail(ask, "timeout");
  }

  nextDatagram(): OutgoingDatagram | undefined {
    return this.#coap.nextDatagram();
  }

  nextEvent(): ClientEvent | undefined {
    return this.#events.shift();
  }

  nextWakeMs(): number | undefined {
    let nextMs = this.#coap.nextWakeMs() ?? Number.POSITIVE_INFINITY;
    for (const { untilMs } of this.#asks.values()) nextMs = Math.min(nextMs, untilMs);
    for (const { believeAtMs } of this.#doubts.values()) nextMs = Math.min(nextMs, believeAtMs);
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs;
  }

  #start(nowMs: number, ask: PendingAsk): void {
    const key = `${ask.to} ${ask.expect ?? ""}`;
    if (this.#preset !== undefined && ask.expect !== undefined && ask.expect !== this.#preset.peer.id) {
      return this.#fail(ask, "not-proved");
    }
    const session = this.#preset ?? this.#sessions.get(key);
    const handshake = this.#handshakes.get(key);
    if (session !== undefined) this.#sendOrQueue(nowMs, ask, session);
    else if (handshake !== undefined) handshake.waiting.push(ask);
    else this.#beginHandshake(nowMs, key, ask);
  }

  #beginHandshake(nowMs: number, key: string, ask: PendingAsk, selectedSuite?: number): void {
    const initiator = this.#initiator(ask, selectedSuite);
    if (initiator === undefined) return this.#fail(ask, "not-proved");
    // RFC 9528 appendix A.2: `true` stands where later messages have a connection identifier.
    const payload = concat(encodeCbor(true), initiator.message1());
    const message = resourceRequest(CODE.post, "k", payload, FORMAT.connectionIdAndEdhoc);
    const handshake = { key, initiator, waiting: [ask] };
    const purpose: HandshakeRequest = { kind: "message-1", handshake, bytes: sizeOf(message) };
    const request = this.#coap.request(nowMs, ask.to, message, {
      untilMs: ask.untilMs,
      answerBytes: MESSAGE_2_BYTES,
      isGenuine: (answer) => isMessage2(purpose, answer),
    });
    if (request === undefined) return this.#fail(ask, "busy");
    this.#handshakes.set(key, handshake);
    this.#purposes.set(request, purpose);
  }

  /** Undefined where nobody is known that could answer, or no suite fits both keys. */
  #initiator(
    { expect }: PendingAsk,
    selectedSuite: number | undefined,
  ): EdhocInitiator<Credential> | undefined {
    const { crypto, identity, trust } = this.#parts;
    const isExpected = ({ id }: Credential): boolean => expect === undefined || id === expect;
    const peer = trust.credentials.find(isExpected);
    if (peer === undefined) return undefined;
    const ground = commonGround(identity.credential.key.kind, peer.key.kind, identity.suite);
    if (ground.suites.length === 0) return undefined;
    return new EdhocInitiator<Credential>({
      crypto,
      random: this.#edhocRandom,
      identity,
      resolve: (idCred) => trust.candidates(idCred).filter(isExpected),
      ...ground,
      ...(selectedSuite !== undefined && { selectedSuite }),
      connectionId: this.#takeConnectionId(),
    });
  }

  /** Our Recipient ID only marks answers, which their token finds: it may repeat among peers. */
  #takeConnectionId(): Uint8Array {
    const n = this.#nextConnectionId++ % 48;
    return encodeCbor(n < 24 ? n : 23 - n);
  }

  #sendOrQueue(nowMs: number, ask: PendingAsk, session: ClientSession): void {
    const { open, nextNumber, queue } = session;
    const [oldest = nextNumber] = open;
    const openMax = this.#parts.traits.bitsPerSecond === undefined ? NEWER_REQUESTS_MAX : OPEN_ON_LINE_MAX;
    const isFull = open.size >= openMax || nextNumber - oldest > NEWER_REQUESTS_MAX;
    if (isFull || !this.#hasTurn(ask, session)) queue.push(ask);
    else this.#sendProtected(nowMs, ask, session);
  }

  /** A long transfer waits until the one before it in this session has ended. */
  #hasTurn(ask: PendingAsk, { holder }: ClientSession): boolean {
    return !ask.transfer.isLong || holder === undefined || holder === ask || !this.#asks.has(holder.id);
  }

  #sendProtected(nowMs: number, ask: PendingAsk, session: ClientSession, first?: FirstRequest): void {
    if (first === undefined && isOver(session, nowMs)) {
      this.#dropSession(nowMs, session);
      return this.#start(nowMs, ask);
    }
    if (ask.transfer.isLong) session.holder = ask;
    const request = protectRequest(session.context, session.sequence, ask.transfer.next());
    // A context at its end is as good as none: the next handshake makes a new one.
    if (request === undefined) {
      this.#dropSession(nowMs, session);
      return this.#retry(nowMs, ask, "timeout");
    }
    const { content, binding, number } = request;
    const sent = first === undefined ? content : combined(content, first.message3);
    const { to, untilMs } = ask;
    const answerBytes = ask.transfer.answerBytes(ask.answerBytes);
    const requestBytes = sizeOf(content);
    const completes = first && {
      ...first,
      size: { ...first.size, message3AddedBytes: sizeOf(sent) - requestBytes },
    };
    const purpose: ProtectedRequest = {
      kind: "protected",
      ask,
      session,
      number,
      binding,
      requestBytes,
      completes,
      opened: undefined,
    };
    const id = this.#coap.request(nowMs, to, sent, {
      untilMs,
      answerBytes,
      isGenuine: (answer) => isProtectedAnswer(purpose, answer),
    });
    if (id === undefined) return this.#fail(ask, "busy");
    session.open.add(number);
    session.nextNumber = number + 1;
    this.#purposes.set(id, purpose);
  }

  #takeAll(nowMs: number): void {
    for (let event = this.#coap.nextEvent(); event !== undefined; event = this.#coap.nextEvent()) {
      if (event.kind === "request") this.#coap.silence(event.exchange);
      else this.#take(nowMs, event);
    }
  }

  #take(nowMs: number, event: Exclude<CoapEvent, { kind: "request" }>): void {
    const purpose = this.#purposes.get(event.request);
    if (purpose === undefined) return;
    if (event.kind === "doubt") {
      const believeAtMs = nowMs + DOUBT_TIMEOUTS * ackTimeoutMs(this.#parts.traits, MESSAGE_2_BYTES);
      this.#doubts.set(event.request, { believeAtMs, message: event.message });
      return;
    }
    this.#settle(event.request, purpose);
    if (event.kind === "ended") this.#startAgain(nowMs, purpose, "timeout");
    else if (purpose.kind === "message-1") this.#takeMessage2(nowMs, purpose, event.message);
    else this.#takeAnswer(nowMs, purpose, event.message);
    if (purpose.kind === "protected") this.#pump(nowMs, purpose.session);
  }

  /** Nothing more is expected of a request. */
  #settle(request: number, purpose: Purpose): void {
    this.#purposes.delete(request);
    this.#doubts.delete(request);
    if (purpose.kind === "protected") purpose.session.open.delete(purpose.number);
  }

  /**
   * Nothing better came than what nobody has proved: that the peer will not have us, or has lost the
   * session (RFC 8613 8.4). A first request is turned down so; another is tried from a new handshake.
   */
  #believe(nowMs: number, request: number, message: CoapMessage | undefined): void {
    const purpose = this.#purposes.get(request);
    if (purpose === undefined) return;
    this.#settle(request, purpose);
    this.#coap.cancel(request);
    const isProtected = message !== undefined && findOption(message, OPTION.oscore) !== undefined;
    if (purpose.kind === "message-1") this.#believeRefusal(nowMs, purpose.handshake, message);
    else if (isProtected) this.#startAgain(nowMs, purpose, "not-proved");
    else if (purpose.completes !== undefined) this.#endHandshake(purpose.completes.handshake, "refused");
    else {
      this.#dropSession(nowMs, purpose.session);
      this.#startAgain(nowMs, purpose, "refused");
    }
    if (purpose.kind === "protected") this.#pump(nowMs, purpose.session);
  }

  /** A responder that wants another suite may get it; any other refusal is one (RFC 9528 6.3). */
  #believeRefusal(nowMs: number, handshake: Handshake, message: CoapMessage | undefined): void {
    const first = this.#firstWaiting(handshake);
    if (first === undefined) return;
    if (message?.code === CODE.changed) return this.#endHandshake(handshake, "not-proved");
    const nextSuite = message && handshake.initiator.receiveError(message.payload)?.nextSuite;
    if (nextSuite === undefined || ++first.tries >= TRIES_MAX) {
      return this.#endHandshake(handshake, "refused");
    }
    this.#handshakes.delete(handshake.key);
    this.#beginHandshake(nowMs, handshake.key, first, nextSuite);
    this.#handshakes.get(handshake.key)?.waiting.push(...handshake.waiting.slice(1));
  }

  #startAgain(nowMs: number, purpose: Purpose, reason: AskFailure): void {
    const handshake = purpose.kind === "message-1" ? purpose.handshake : purpose.completes?.handshake;
    if (handshake !== undefined) this.#dropHandshake(nowMs, handshake, reason);
    else if (purpose.kind === "protected") this.#retry(nowMs, purpose.ask, reason);
  }

  /** The ask whose request carries message_3; a handshake that nobody waits for any more is forgotten. */
  #firstWaiting(handshake: Handshake): PendingAsk | undefined {
    handshake.waiting = handshake.waiting.filter((ask) => this.#asks.has(ask.id));
    if (handshake.waiting.length === 0) this.#handshakes.delete(handshake.key);
    return handshake.waiting[0];
  }

  #takeMessage2(nowMs: number, { handshake, bytes, proved }: HandshakeRequest, message: CoapMessage): void {
    const first = this.#firstWaiting(handshake);
    if (first === undefined || proved === undefined) return;
    const { message3, peer } = proved;
    const material = handshake.initiator.exportOscore();
    const { crypto, trust, keyLimits } = this.#parts;
    const terms = { limits: { ...KEY_LIMITS, ...keyLimits }, bornMs: nowMs, trust };
    const session = clientSession(newSession(crypto, peer, material, terms), handshake.key);
    const message2Bytes = messageBytes(message, message.token.length);
    const size = { message1Bytes: bytes, message2Bytes, message3AddedBytes: 0 };
    this.#sendProtected(nowMs, first, session, { handshake, message3, size, proved: peer });
  }

  #takeAnswer(nowMs: number, request: ProtectedRequest, message: CoapMessage): void {
    const { ask, session, requestBytes, completes, opened: content } = request;
    if (content === undefined) return;
    if (completes !== undefined) this.#completeHandshake(nowMs, session, completes.handshake, ask);
    ask.requestBytes += requestBytes;
    ask.responseBytes += messageBytes(message, message.token.length);
    const step = ask.transfer.take(content);
    if (step === "again") return this.#retry(nowMs, ask, "incomplete");
    if (step === "repeat") return this.#start(nowMs, ask);
    if (step === "next") return this.#goOn(ask, session);
    if (!this.#asks.delete(ask.id)) return;
    this.#events.push({
      kind: "answer",
      ask: ask.id,
      peer: session.peer,
      content: step.whole,
      requestBytes: ask.requestBytes,
      responseBytes: ask.responseBytes,
      ...(completes && { handshake: { ...completes.size, proved: completes.proved } }),
    });
  }

  /** The next message of a transfer takes its place behind what waits: a long one does not keep others off. */
  #goOn(ask: PendingAsk, session: ClientSession): void {
    ask.tries = 0;
    session.queue.push(ask);
  }

  #completeHandshake(nowMs: number, session: ClientSession, handshake: Handshake, first: PendingAsk): void {
    this.#handshakes.delete(handshake.key);
    this.#sessions.set(session.key, session);
    for (const ask of handshake.waiting) if (ask !== first) this.#start(nowMs, ask);
  }

  /** Ends a handshake for good: nobody who waits for it is served. */
  #endHandshake(handshake: Handshake, reason: AskFailure): void {
    this.#handshakes.delete(handshake.key);
    for (const ask of handshake.waiting) this.#fail(ask, reason);
  }

  /** Ends a handshake that came to nothing; who has time left waits for another. */
  #dropHandshake(nowMs: number, handshake: Handshake, reason: AskFailure): void {
    this.#handshakes.delete(handshake.key);
    for (const ask of handshake.waiting) this.#retry(nowMs, ask, reason);
  }

  /** Starts an ask afresh, or from its last message on; one that has had its tries or its time fails. */
  #retry(nowMs: number, ask: PendingAsk, reason: AskFailure): void {
    if (reason !== "timeout") ask.transfer.restart();
    if (nowMs >= ask.untilMs || ++ask.tries >= TRIES_MAX) this.#fail(ask, reason);
    else if (this.#asks.has(ask.id)) this.#start(nowMs, ask);
  }

  /** Ends a session; a newer one with the same peer stays. */
  #dropSession(nowMs: number, session: ClientSession): void {
    if (this.#sessions.get(session.key) === session) this.#sessions.delete(session.key);
    for (const ask of session.queue.splice(0)) this.#start(nowMs, ask);
  }

  /** Sends what waited for the peer's replay window to have room. */
  #pump(nowMs: number, session: ClientSession): void {
    for (const ask of session.queue.splice(0)) {
      if (this.#asks.has(ask.id)) this.#sendOrQueue(nowMs, ask, session);
    }
  }

  #fail(ask: PendingAsk, reason: AskFailure): void {
    if (this.#asks.delete(ask.id)) this.#events.push({ kind: "failed", ask: ask.id, reason });
  }
}
