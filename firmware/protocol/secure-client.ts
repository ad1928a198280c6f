// The asking end: EDHOC as initiator on first need, then OSCORE, towards peers on a trust list.
import type { Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import { AskingRequests, type Outcome } from "./asking-requests.ts";
import { AskingSessions, keyOf } from "./asking-sessions.ts";
import {
  ASKS_MAX,
  type Ask,
  type AskFailure,
  answerEvent,
  type ClientEvent,
  type ClientSession,
  type FirstRequest,
  firstRequest,
  followed,
  type Handshake,
  type HandshakeRequest,
  isNext,
  type PendingAsk,
  type ProtectedRequest,
  type Purpose,
  pendingAsk,
  protectedRequest,
  queueNext,
  TRIES_MAX,
} from "./asks.ts";
import { type Transfer, transfersOver } from "./blockwise/transfer.ts";
import { messageBytes } from "./coap/codec.ts";
import { CODE, type CoapMessage, findOption, OPTION } from "./coap/message.ts";
import type { Endpoint, OutgoingDatagram } from "./endpoint.ts";
import { wordOfForwarder } from "./forwarders.ts";
import { connectionIdOf, handshakeRequest, type SecureClientParts } from "./initiating.ts";
import {
  ending,
  isRegistered,
  isWatched,
  newWatch,
  registering,
  registersBy,
  type Watch,
  Watches,
  watchOptions,
} from "./observe/watches.ts";
import { Handshakes } from "./open-handshakes.ts";
import { protectRequest } from "./oscore/protect.ts";
import { Patience } from "./patience.ts";
import { goesOn, type Peer } from "./sessions.ts";
import { tolerant } from "./tolerance.ts";

/** One party's asking half, for any number of peers. */
export class SecureClient implements Endpoint<ClientEvent> {
  readonly #parts: SecureClientParts;
  readonly #requests: AskingRequests;
  readonly #edhocRandom: Random;
  readonly #sessions: AskingSessions;
  readonly #handshakes: Handshakes;
  readonly #asks = new Map<number, PendingAsk>();
  readonly #watches: Watches;
  readonly #patience: Patience;
  readonly #events: ClientEvent[] = [];
  readonly #newTransfer: (content: Ask["content"]) => Transfer;
  #nextAsk = 1;
  #nextConnectionId: number;

  constructor(parts: SecureClientParts) {
    this.#parts = parts;
    this.#requests = new AskingRequests({ random: parts.random.fork("coap"), traits: parts.traits });
    this.#edhocRandom = parts.random.fork("edhoc");
    this.#sessions = new AskingSessions(parts);
    this.#handshakes = new Handshakes(parts.traits, (ask) => this.#asks.has(ask.id));
    this.#watches = new Watches({
      asks: this.#asks,
      random: parts.random.fork("watches"),
      start: (nowMs, ask) => this.#start(nowMs, ask),
      abandon: (nowMs, request) => this.#abandonWatch(nowMs, request),
      leave: (session) => this.#sessions.leave(session),
      registered: (ask) => this.#handshakes.registered(ask),
    });
    this.#patience = new Patience(parts.random.fork("patience"), parts.traits, this.#requests);
    this.#newTransfer = transfersOver(parts.traits, parts.random.fork("request-tag"));
    this.#nextConnectionId = parts.random.fork("connection-id").bytes(1)[0] ?? 0;
  }

  /** Asks a peer, after a handshake where there is no session yet; undefined while 256 others are asked. */
  ask(nowMs: number, ask: Ask): number | undefined {
    const pending = this.#newAsk(ask);
    const before = ask.needsNewSession ? this.#sessions.get(nowMs, pending) : undefined;
    if (before !== undefined) this.#dropSession(nowMs, before);
    return this.#begin(nowMs, pending);
  }

  /**
   * Asks for notifications until {@link unwatch}, an `answer` without any, or no word when one is due and none when
   * asked anew, for as long as there was for the first; undefined while 256 others are asked.
   */
  watch(nowMs: number, ask: Ask): number | undefined {
    const content = registering(ask.content);
    return this.#begin(nowMs, this.#newAsk({ ...ask, content }, newWatch(ask.content, ask.untilMs - nowMs)));
  }

  /** What a watch asks when it registers next: it goes on from what it was told. */
  renewWith(id: number, content: Ask["content"]): void {
    this.#watches.renewWith(id, content);
  }

  /** Ends a watch, without an event; the peer is told where it knows of it. */
  unwatch(nowMs: number, id: number): void {
    const ask = this.#asks.get(id);
    if (ask?.watch === undefined || !this.#asks.delete(id)) return;
    if (!isRegistered(ask.watch)) return this.#watches.close(nowMs, ask);
    const last = this.#newAsk(ending(nowMs, ask, ask.watch), ask.watch);
    this.#begin(nowMs, { ...last, tries: TRIES_MAX - 1 });
  }

  /** This end's one CoAP endpoint, for others that ask over it too; and what was noticed there. */
  get line(): Pick<AskingRequests, "share" | "stationRecords" | "lateAnswers"> {
    return this.#requests;
  }

  /** At an orderly end: writes down exactly how far kept sessions are used. */
  settle(): void {
    this.#sessions.settle();
  }

  #newAsk(ask: Ask, watch?: Watch): PendingAsk {
    const content = tolerant(ask.content, ask.toleranceSeconds);
    return pendingAsk(this.#nextAsk++, ask, this.#newTransfer(content), watch);
  }

  #begin(nowMs: number, ask: PendingAsk): number | undefined {
    if (this.#asks.size >= ASKS_MAX) return undefined;
    this.#asks.set(ask.id, ask);
    this.#start(nowMs, ask);
    return ask.id;
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    this.#requests.receive(nowMs, from, datagram);
    this.#takeAll(nowMs);
  }

  wake(nowMs: number): void {
    this.#requests.wake(nowMs);
    this.#takeAll(nowMs);
    for (const [request, message] of this.#requests.believed(nowMs)) this.#believe(nowMs, request, message);
    for (const ask of this.#asks.values())
      if (nowMs >= ask.untilMs) this.#fail(nowMs, ask, ask.trouble ?? "timeout");
    for (const ask of this.#patience.due(nowMs)) this.#start(nowMs, ask);
    this.#watches.wake(nowMs);
  }

  nextDatagram(): OutgoingDatagram | undefined {
    return this.#requests.nextDatagram();
  }

  nextEvent(): ClientEvent | undefined {
    return this.#events.shift();
  }

  nextWakeMs(): number | undefined {
    let nextMs = Math.min(this.#handshakes.nextWakeMs(), this.#watches.nextWakeMs());
    nextMs = Math.min(nextMs, this.#requests.nextWakeMs(), this.#patience.nextWakeMs());
    for (const { untilMs } of this.#asks.values()) nextMs = Math.min(nextMs, untilMs);
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs;
  }

  #start(nowMs: number, ask: PendingAsk): void {
    if (this.#sessions.isOther(ask)) return this.#fail(nowMs, ask, "not-proved");
    const session = this.#sessions.get(nowMs, ask);
    if (session !== undefined) return this.#sendOrQueue(nowMs, ask, session);
    const key = keyOf(ask);
    const handshake = this.#handshakes.get(key);
    if (handshake !== undefined) handshake.waiting.push(ask);
    else if (this.#handshakes.admits(nowMs, key, ask)) this.#beginHandshake(nowMs, key, ask);
  }

  #beginHandshake(nowMs: number, key: string, ask: PendingAsk, selectedSuite?: number): void {
    const { expect, nextKey } = ask;
    const connectionId = connectionIdOf(this.#nextConnectionId++);
    const own = { random: this.#edhocRandom, expect, nextKey, connectionId, selectedSuite };
    const first = handshakeRequest(nowMs, this.#parts, own, key, ask);
    if (first === undefined) return this.#fail(nowMs, ask, "not-proved");
    const { message, purpose, options } = first;
    const request = this.#requests.begin(nowMs, ask.to, message, purpose, options);
    if (request === undefined) return this.#fail(nowMs, ask, "busy");
    this.#handshakes.add(nowMs, purpose.handshake);
  }

  #sendOrQueue(nowMs: number, ask: PendingAsk, session: ClientSession): void {
    if (!isNext(ask, session, this.#parts.traits, this.#asks)) session.queue.push(ask);
    else if (this.#handshakes.registersNow(nowMs, ask)) this.#sendProtected(nowMs, ask, session);
  }

  #sendProtected(nowMs: number, ask: PendingAsk, session: ClientSession, first?: FirstRequest): void {
    if (first === undefined && !goesOn(session, nowMs)) {
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
    const { number } = request;
    const { sent, purpose } = protectedRequest(nowMs, ask, session, request, first);
    const own = followed(nowMs, this.#parts.traits, purpose);
    const options = ask.watch === undefined ? own : { ...own, ...watchOptions(ask.watch) };
    const id = this.#requests.begin(nowMs, ask.to, sent, purpose, options);
    if (id === undefined) return this.#fail(nowMs, ask, "busy");
    this.#patience.sent(nowMs, ask, id);
    registersBy(ask.watch, id, purpose);
    session.open.add(number);
    session.nextNumber = number + 1;
  }

  #takeAll(nowMs: number): void {
    for (let next = this.#requests.next(nowMs); next !== undefined; next = this.#requests.next(nowMs))
      this.#take(nowMs, next);
    for (const ask of this.#handshakes.due(nowMs)) this.#start(nowMs, ask);
  }

  #take(nowMs: number, { event, purpose }: Outcome): void {
    if (event.kind === "doubt") {
      // Whoever is registered waits for what is genuine, until it is due to renew.
      if (purpose.kind === "protected" && isRegistered(purpose.ask.watch)) return;
      return this.#requests.doubt(nowMs, event.request, event.message);
    }
    if (event.kind === "unacknowledged") return this.#takeSilence(nowMs, purpose);
    if (event.kind === "answer" && purpose.kind === "protected" && !this.#sessions.isCredible(purpose)) {
      return this.#endForgetful(nowMs, event.request, purpose);
    }
    if (event.kind === "answer" && purpose.kind === "protected" && isWatched(purpose)) {
      return this.#takeNotification(nowMs, event.request, purpose, event.message);
    }
    this.#requests.settle(event.request, purpose);
    // Only we cancel: where another request takes its place.
    if (event.kind === "ended" && event.reason === "cancelled") return;
    if (event.kind === "ended") this.#startAgain(nowMs, purpose, "timeout");
    else if (purpose.kind === "message-1") this.#takeMessage2(nowMs, purpose, event.message);
    else this.#takeAnswer(nowMs, purpose, event.message);
    if (purpose.kind === "protected") this.#pump(nowMs, purpose.session);
  }

  /** The answer to this request may still come: it is asked again meanwhile, under another number. */
  #takeSilence(nowMs: number, purpose: Purpose): void {
    if (purpose.kind !== "protected") return;
    purpose.session.open.delete(purpose.number);
    this.#retry(nowMs, purpose.ask, "timeout");
    this.#pump(nowMs, purpose.session);
  }

  /** Whoever has forgotten what it did and told is not believed, and seals under numbers that it has used before. */
  #endForgetful(nowMs: number, id: number, { session, ask, completes }: ProtectedRequest): void {
    this.#requests.abandon(id);
    const waiting = completes === undefined ? [ask] : this.#handshakes.end(completes.handshake);
    for (const one of [ask, ...waiting]) this.#fail(nowMs, one, "forgetful", session.peer);
    this.#dropSession(nowMs, session);
  }

  /** One of many answers: the request stays, and no longer counts as open to the session. */
  #takeNotification(nowMs: number, id: number, request: ProtectedRequest, message: CoapMessage): void {
    const { session, completes, ask, number } = request;
    const event = this.#watches.take(nowMs, request, message);
    if (event === undefined) return;
    if (completes && session.open.has(number)) {
      this.#completeHandshake(nowMs, session, completes.handshake, ask);
    }
    this.#requests.trust(id);
    session.open.delete(number);
    this.#events.push(event);
    this.#pump(nowMs, session);
  }

  /**
   * Nothing better came than what nobody has proved: that the peer will not have us, or has lost the
   * session (RFC 8613 8.4). A first request is turned down so; another is tried from a new handshake.
   */
  #believe(nowMs: number, request: number, message: CoapMessage | undefined): void {
    const purpose = this.#requests.purposeOf(request);
    if (purpose === undefined) return;
    this.#requests.abandon(request);
    const isProtected = message !== undefined && findOption(message, OPTION.oscore) !== undefined;
    const word = wordOfForwarder(purpose, message);
    if (word !== undefined) this.#startAgain(nowMs, purpose, word);
    else if (purpose.kind === "message-1") this.#believeRefusal(nowMs, purpose.handshake, message);
    else if (isProtected) this.#startAgain(nowMs, purpose, "not-proved");
    else if (purpose.completes !== undefined) {
      // A meter may have lost a handshake with its supply, and says no more to a stranger: it is begun anew once.
      this.#dropHandshake(nowMs, purpose.completes.handshake, "refused", TRIES_MAX - 2);
    } else {
      this.#dropSession(nowMs, purpose.session);
      this.#startAgain(nowMs, purpose, "refused");
    }
    if (purpose.kind === "protected") this.#pump(nowMs, purpose.session);
  }

  /** A responder that wants another suite may get it; any other refusal is one (RFC 9528 6.3). */
  #believeRefusal(nowMs: number, handshake: Handshake, message: CoapMessage | undefined): void {
    const first = this.#handshakes.firstWaiting(handshake);
    if (first === undefined) return;
    if (message?.code === CODE.changed) return this.#dropHandshake(nowMs, handshake, "not-proved", TRIES_MAX);
    const nextSuite = message && handshake.initiator.receiveError(message.payload)?.nextSuite;
    if (nextSuite === undefined || ++first.tries >= TRIES_MAX) {
      return this.#dropHandshake(nowMs, handshake, "refused", TRIES_MAX);
    }
    const [, ...others] = this.#handshakes.end(handshake);
    this.#beginHandshake(nowMs, handshake.key, first, nextSuite);
    this.#handshakes.get(handshake.key)?.waiting.push(...others);
  }

  #startAgain(nowMs: number, purpose: Purpose, reason: AskFailure): void {
    const handshake = purpose.kind === "message-1" ? purpose.handshake : purpose.completes?.handshake;
    if (handshake !== undefined) this.#dropHandshake(nowMs, handshake, reason);
    else if (purpose.kind === "protected") this.#retry(nowMs, purpose.ask, reason);
  }

  #takeMessage2(nowMs: number, request: HandshakeRequest, message: CoapMessage): void {
    const { handshake, proved } = request;
    const first = this.#handshakes.firstWaiting(handshake);
    if (first === undefined || proved === undefined) return;
    const session = this.#sessions.begin(nowMs, first, handshake, proved.peer);
    this.#sendProtected(nowMs, first, session, firstRequest(request, proved, message));
  }

  #takeAnswer(nowMs: number, request: ProtectedRequest, message: CoapMessage): void {
    const { ask, session, requestBytes, completes, opened: content } = request;
    if (content === undefined) return;
    this.#patience.end(ask);
    if (completes !== undefined) this.#completeHandshake(nowMs, session, completes.handshake, ask);
    ask.requestBytes += requestBytes;
    ask.responseBytes += messageBytes(message, message.token.length);
    const step = ask.transfer.take(content);
    if (step === "again") return this.#retry(nowMs, ask, "incomplete");
    // Only who has lost what it knew of the session challenges a question: its observers too.
    if (step === "repeat" && !ask.transfer.changesSomething) this.#watches.lost(nowMs, session);
    if (step === "repeat") return this.#start(nowMs, ask);
    // Behind what waits: a long transfer does not keep others off.
    if (step === "next") return queueNext(ask, session);
    if (!this.#asks.delete(ask.id)) return;
    this.#watches.close(nowMs, ask);
    this.#tell(ask, answerEvent(ask, session, step.whole, completes));
  }

  #completeHandshake(nowMs: number, session: ClientSession, handshake: Handshake, first: PendingAsk): void {
    this.#sessions.complete(session, first);
    for (const ask of this.#handshakes.end(handshake)) if (ask !== first) this.#start(nowMs, ask);
  }

  /** Ends a handshake that came to nothing; who has time and tries left waits for another. */
  #dropHandshake(nowMs: number, handshake: Handshake, reason: AskFailure, tries = 0): void {
    for (const ask of this.#handshakes.end(handshake, tries)) this.#retry(nowMs, ask, reason);
  }

  /** Starts an ask afresh, or from its last message on; one that has had its tries or its time fails. */
  #retry(nowMs: number, ask: PendingAsk, reason: AskFailure): void {
    if (!this.#asks.has(ask.id)) return;
    const next = this.#patience.after(nowMs, ask, reason);
    if (next === "try") this.#start(nowMs, ask);
    else if (next !== "pause") this.#fail(nowMs, ask, next.failed);
  }

  #dropSession(nowMs: number, session: ClientSession): void {
    this.#sessions.leave(session);
    this.#watches.lost(nowMs, session);
    for (const ask of session.queue.splice(0)) this.#start(nowMs, ask);
  }

  /** Sends what waited for the peer's replay window to have room. */
  #pump(nowMs: number, session: ClientSession): void {
    for (const ask of session.queue.splice(0))
      if (this.#asks.has(ask.id)) this.#sendOrQueue(nowMs, ask, session);
  }

  #fail(nowMs: number, ask: PendingAsk, reason: AskFailure, peer?: Peer): void {
    if (!this.#asks.delete(ask.id)) return;
    this.#patience.end(ask);
    this.#watches.close(nowMs, ask);
    this.#tell(ask, { kind: "failed", ask: ask.id, reason, ...(peer && { peer }) });
  }

  #tell({ watch }: PendingAsk, event: ClientEvent): void {
    if (!watch?.isEnding) this.#events.push(event);
  }

  /** Whoever waited for a handshake that a watch was to complete begins another. */
  #abandonWatch(nowMs: number, request: number): void {
    const purpose = this.#requests.purposeOf(request);
    this.#requests.abandon(request);
    const handshake = purpose?.kind === "protected" ? purpose.completes?.handshake : undefined;
    if (handshake !== undefined && this.#handshakes.has(handshake))
      this.#dropHandshake(nowMs, handshake, "timeout");
  }
}
