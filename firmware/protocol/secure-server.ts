// The serving end: EDHOC as responder, then OSCORE, for the few peers on a trust list.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { LinkTraits, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { Identity } from "../identity/identity.ts";
import { responderMethods, suitesOf } from "../identity/proving.ts";
import type { TrustList } from "../identity/trust.ts";
import { BlockwiseServer, isLaterBlock } from "./blockwise/server.ts";
import { EMPTY, equal, fromText, toUint } from "./bytes.ts";
import { decodeCbor, firstItemLength } from "./cbor.ts";
import { blockOfAnswer, bodySizes, readBlock } from "./coap/block.ts";
import { encodeLinkFormat, matchingLinks, type ResourceLink } from "./coap/link-format.ts";
import {
  answerWith,
  bareAnswer,
  CODE,
  type CoapContent,
  type CoapMessage,
  FORMAT,
  findOption,
  hasValidHopLimit,
  OPTION,
  pathOf,
  queriesOf,
  withoutOptions,
} from "./coap/message.ts";
import { type WholeEvent, WholeMessages } from "./coap/outer/whole-messages.ts";
import { freeConnectionId } from "./connection-ids.ts";
import type { Credential } from "./cose/credential.ts";
import { changesSomething, EchoChallenges } from "./echo.ts";
import { decodeIdentifier } from "./edhoc/identifiers.ts";
import { encodeUnspecifiedError } from "./edhoc/messages.ts";
import { EdhocResponder } from "./edhoc/responder.ts";
import type { Endpoint, OutgoingDatagram } from "./endpoint.ts";
import { type Asker, asObserved, type Observed, Observers } from "./observe/observers.ts";
import { asksForLinks, hasUnknownCritical } from "./open-requests.ts";
import { KEY_LIMITS, type KeyLimits } from "./oscore/key-use.ts";
import { readOscoreOption } from "./oscore/option.ts";
import { type BoundRequest, protectNumberedResponse, unprotectRequest } from "./oscore/protect.ts";
import { ReplayWindow } from "./oscore/replay-window.ts";
import { afterMessage3, protectedAnswer, type Reply, refusal, staysUnsaid } from "./replies.ts";
import {
  Budget,
  decoySession,
  HalfOpenTable,
  newSession,
  type Peer,
  type PresetContext,
  presetSession,
  type Session,
  SessionTable,
} from "./sessions.ts";

/** A request whose sender has proved who it is. */
export interface ServedRequest {
  readonly peer: Peer;
  readonly content: CoapContent;
}

/** What a server serves. */
export interface Resources {
  /** The links of .well-known/core (RFC 6690), which anybody may read. */
  readonly links: readonly ResourceLink[];
  serve(request: ServedRequest): CoapContent;
  /** What an observer with this request is told from then on; undefined where nothing is. */
  observe?(request: ServedRequest): Observed | undefined;
}

/**
 * `session`: a peer completed a handshake; `refused`: a message was, for the reason given; `forgeries`: so many
 * messages came in the name of a peer that its key did not open, told once for a session.
 */
export type ServerEvent =
  | { readonly kind: "session"; readonly from: Station; readonly peer: Credential }
  | { readonly kind: "refused"; readonly from: Station; readonly reason: string }
  | { readonly kind: "forgeries"; readonly from: Station; readonly peer: Peer; readonly count: number };

export interface SecureServerParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly traits: LinkTraits;
  readonly identity: Identity;
  readonly trust: TrustList;
  readonly resources: Resources;
  /** The longest body of a request in bytes, as far as it comes in blocks; 16384 unless given. */
  readonly bodyBytesMax?: number;
  /** Contexts that need no EDHOC; development only. */
  readonly presets?: readonly PresetContext[];
  /** What a session's keys may do, where it is not {@link KEY_LIMITS}. */
  readonly keyLimits?: Partial<KeyLimits>;
}

/** A tariff table or a membership, many times over; an update image comes in parts of its own. */
const BODY_BYTES_MAX = 16_384;
/** Events that nobody took: more are dropped, oldest first. */
const EVENTS_MAX = 64;
/** New handshakes that anybody can make this end compute, each some milliseconds on a small board. */
const HANDSHAKES_PER_SECOND = 20;
const HANDSHAKES_AT_ONCE = 16;
/** Challenges under numbers of their own, which cost a durable write for each 64. */
const CHALLENGES_PER_SECOND = 1;
const CHALLENGES_AT_ONCE = 4;
/** A meter is nobody's proxy. */
const PROXY_OPTIONS: ReadonlySet<number> = new Set([OPTION.proxyUri, OPTION.proxyScheme]);

/** One party's serving half. Whatever comes in that is not right is refused and counted, never thrown. */
export class SecureServer implements Endpoint<ServerEvent> {
  readonly #parts: SecureServerParts;
  readonly #limits: KeyLimits;
  readonly #coap: WholeMessages;
  readonly #edhocRandom: Random;
  readonly #connectionIdRandom: Random;
  readonly #sessions = new SessionTable();
  readonly #halfOpen = new HalfOpenTable();
  readonly #blockwise: BlockwiseServer;
  readonly #echoes: EchoChallenges;
  readonly #observers: Observers;
  /** Sessions of before this start, which are served once an Echo was repeated. */
  readonly #unproved = new Set<Session>();
  /** What a request with an unknown kid is tried on. */
  readonly #decoy: Session;
  readonly #handshakeBudget = new Budget(HANDSHAKES_PER_SECOND, HANDSHAKES_AT_ONCE);
  readonly #challengeBudget = new Budget(CHALLENGES_PER_SECOND, CHALLENGES_AT_ONCE);
  readonly #events: ServerEvent[] = [];
  #refusedMessages = 0;

  constructor(parts: SecureServerParts) {
    this.#parts = parts;
    this.#limits = { ...KEY_LIMITS, ...parts.keyLimits };
    this.#coap = new WholeMessages({ random: parts.random.fork("coap"), traits: parts.traits });
    this.#edhocRandom = parts.random.fork("edhoc");
    this.#connectionIdRandom = parts.random.fork("connection-id");
    const { wholeBytesMax } = bodySizes(parts.traits);
    this.#blockwise = new BlockwiseServer({
      traits: parts.traits,
      random: parts.random.fork("etag"),
      bodyBytesMax: parts.bodyBytesMax ?? BODY_BYTES_MAX,
    });
    this.#observers = new Observers({
      coap: this.#coap,
      isLive: (nowMs, session) => this.#sessions.find(nowMs, session.context.recipient.id) === session,
      isWhole: ({ payload }) => payload.length <= wholeBytesMax,
    });
    this.#echoes = new EchoChallenges(parts.random.fork("echo"), parts.traits);
    this.#decoy = decoySession(parts.crypto, parts.random.fork("decoy"), parts.identity.suite);
    for (const preset of parts.presets ?? []) {
      const session = presetSession(parts.crypto, preset);
      this.#sessions.add(0, session);
      this.#unproved.add(session);
    }
  }

  /** Messages that protection or EDHOC refused since the start. */
  get refusedMessages(): number {
    return this.#refusedMessages;
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    this.#coap.receive(nowMs, from, datagram);
    this.#serveAll(nowMs);
  }

  wake(nowMs: number): void {
    this.#coap.wake(nowMs);
    this.#serveAll(nowMs);
    this.#observers.wake(nowMs);
  }

  nextDatagram(): OutgoingDatagram | undefined {
    return this.#coap.nextDatagram();
  }

  nextEvent(): ServerEvent | undefined {
    return this.#events.shift();
  }

  nextWakeMs(): number | undefined {
    const nextMs = Math.min(
      this.#coap.nextWakeMs() ?? Number.POSITIVE_INFINITY,
      this.#observers.nextWakeMs(),
    );
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs;
  }

  #serveAll(nowMs: number): void {
    for (let event = this.#coap.nextEvent(); event !== undefined; event = this.#coap.nextEvent()) {
      if (event.kind === "notified") this.#observers.settled(event);
      if (event.kind !== "request") continue;
      const reply = this.#reply(nowMs, event);
      if (reply.how === "answer") this.#coap.respond(nowMs, event.exchange, reply.content);
      else if (reply.how === "greet") this.#coap.greet(nowMs, event.exchange, reply.content);
      else if (reply.how === "refuse") this.#coap.refuse(nowMs, event.exchange, reply.content);
      else {
        if (reply.how === "acknowledge") this.#coap.acknowledge(event.exchange);
        this.#coap.silence(event.exchange);
      }
    }
  }

  #reply(nowMs: number, { from, message }: Extract<WholeEvent, { kind: "request" }>): Reply {
    if (message.options.some(({ number }) => PROXY_OPTIONS.has(number))) {
      return refusal(bareAnswer(CODE.proxyingNotSupported));
    }
    if (!hasValidHopLimit(message)) return refusal(bareAnswer(CODE.badRequest));
    if (findOption(message, OPTION.oscore) !== undefined) return this.#replyProtected(nowMs, from, message);
    if (asksForLinks(message)) return refusal(this.#links(message));
    const path = pathOf(message);
    if ((path === "k" || path === ".well-known/edhoc") && message.code === CODE.post) {
      if (hasUnknownCritical(message)) return refusal(bareAnswer(CODE.badOption));
      return this.#replyHandshake(nowMs, from, message);
    }
    return this.#refuse(from, "unprotected");
  }

  /** The same for a protected request: some clients protect all that they ask of a host. */
  #links(message: CoapContent): CoapContent {
    if (hasUnknownCritical(message)) return bareAnswer(CODE.badOption);
    const accept = findOption(message, OPTION.accept);
    if (accept !== undefined && toUint(accept) !== FORMAT.linkFormat) return bareAnswer(CODE.notAcceptable);
    const asked = queriesOf(message)?.reduce(matchingLinks, this.#parts.resources.links) ?? [];
    const links = answerWith(CODE.content, FORMAT.linkFormat, fromText(encodeLinkFormat(asked)));
    const block = readBlock(message, OPTION.block2);
    if (block === undefined) return links;
    return "refusal" in block ? bareAnswer(block.refusal) : blockOfAnswer(links, block);
  }

  /** An OSCORE request, or one that carries message_3 too (RFC 9668 3.3.1). */
  #replyProtected(nowMs: number, from: Station, message: CoapMessage): Reply {
    const option = readOscoreOption(message);
    if (option === undefined || "refused" in option || option.kid === undefined) {
      return this.#refuse(from, "option");
    }
    const session = this.#sessions.find(nowMs, option.kid);
    const isCombined = findOption(message, OPTION.edhoc) !== undefined;
    if (!isCombined) return this.#serveProtected(nowMs, from, session ?? this.#decoy, message);
    const length = firstItemLength(message.payload) ?? message.payload.length;
    const request = {
      ...message,
      ...withoutOptions(message, OPTION.edhoc),
      payload: message.payload.slice(length),
    };
    if (session !== undefined) return this.#serveProtected(nowMs, from, session, request);
    const outcome = this.#completeHandshake(nowMs, from, option.kid, message.payload.slice(0, length));
    return "how" in outcome ? outcome : this.#serveProtected(nowMs, from, outcome, request);
  }

  #serveProtected(nowMs: number, from: Station, session: Session, message: CoapMessage): Reply {
    const isUnproved = this.#unproved.has(session);
    const window = isUnproved ? new ReplayWindow() : session.window;
    const request = unprotectRequest(session.context, window, message);
    if ("refused" in request) {
      if (request.refused === "decrypt") this.#watchForgeries(from, session);
      return this.#refuse(from, session === this.#decoy ? "unknown-kid" : request.refused);
    }
    const { binding } = request;
    const content = asObserved(message, request.content);
    const isFresh = this.#echoes.isAnswered(nowMs, session, content);
    if (isUnproved && !isFresh) return this.#challengeAnew(nowMs, from, session, request);
    if (isUnproved) session.window.beginAt(request.number);
    this.#unproved.delete(session);
    this.#coap.proved(from);
    if (changesSomething(content.code) && !isLaterBlock(content) && !isFresh) {
      return protectedAnswer(session, binding, this.#echoes.challenge(nowMs, session));
    }
    const asker = { session, from, token: message.token, binding };
    const serve = (whole: CoapContent): CoapContent => this.#serve(nowMs, asker, whole);
    const answer = this.#blockwise.answer(nowMs, session, content, serve);
    if (staysUnsaid(content, answer)) return { how: "acknowledge" };
    return { how: "answer", content: this.#observers.protect(asker, answer) };
  }

  #watchForgeries(from: Station, session: Session): void {
    const { peer, context } = session;
    const count = context.use.forgeries;
    if (session !== this.#decoy && count === this.#limits.alarmForgeries)
      this.#tell({ kind: "forgeries", from, peer, count });
  }

  #serve(nowMs: number, asker: Asker, content: CoapContent): CoapContent {
    if (asksForLinks(content)) return this.#links(content);
    const { resources } = this.#parts;
    const request = { peer: asker.session.peer, content };
    const observe = (): Observed | undefined => resources.observe?.(request);
    return this.#observers.answer(nowMs, asker, content, observe) ?? resources.serve(request);
  }

  /**
   * Asks for proof that a request is no copy of one served before the start (RFC 8613 appendix B.1.2).
   * As it may be one, its nonce may be spent: the answer has a number of its own.
   */
  #challengeAnew(nowMs: number, from: Station, session: Session, { binding }: BoundRequest): Reply {
    if (!this.#challengeBudget.take(nowMs)) return this.#refuse(from, "challenges");
    const answer = this.#echoes.challenge(nowMs, session);
    const content = protectNumberedResponse(session.context, session.sequence, binding, answer);
    return content === undefined ? this.#refuse(from, "exhausted") : { how: "answer", content };
  }

  /** `true, message_1` or `C_R, message_3`, as EDHOC travels over CoAP (RFC 9528 appendix A.2). */
  #replyHandshake(nowMs: number, from: Station, request: CoapContent): Reply {
    const { payload } = request;
    if (payload.length === 0) return this.#refuseNothing(from);
    const length = firstItemLength(payload);
    const prefix = length === undefined ? undefined : decodeCbor(payload.slice(0, length));
    const message = payload.slice(length);
    if (prefix === true) return this.#replyMessage1(nowMs, from, message);
    const connectionId = decodeIdentifier(prefix);
    if (connectionId === undefined) return this.#refuseHandshake(from, "malformed");
    const responder = this.#halfOpen.find(nowMs, from, connectionId);
    const outcome = this.#completeHandshake(nowMs, from, connectionId, message);
    if ("how" in outcome) return outcome;
    const isProofWanted = toUint(findOption(request, OPTION.accept) ?? EMPTY) === FORMAT.edhoc;
    const message4 = isProofWanted ? responder?.message4() : undefined;
    return { how: "answer", content: afterMessage3(message4) };
  }

  #replyMessage1(nowMs: number, from: Station, message1: Uint8Array): Reply {
    if (!this.#handshakeBudget.take(nowMs)) {
      this.#tell({ kind: "refused", from, reason: "handshakes" });
      return { how: "silence" };
    }
    const { crypto, identity, trust } = this.#parts;
    const { kind } = identity.credential.key;
    const responder = new EdhocResponder<Credential>({
      crypto,
      random: this.#edhocRandom,
      identity,
      resolve: (idCred) => trust.candidates(idCred),
      suites: suitesOf(kind, identity.suite),
      methods: responderMethods(kind),
      chooseConnectionId: (theirs) =>
        freeConnectionId(this.#connectionIdRandom, (id) => this.#isFree(id, theirs)),
    });
    const answer = responder.receiveMessage1(message1);
    if ("error" in answer) return this.#refuseHandshake(from, answer.reason, answer.error);
    this.#halfOpen.add(nowMs, from, answer.connectionId, responder);
    return { how: "greet", content: answerWith(CODE.changed, FORMAT.edhoc, answer.message2) };
  }

  /** Takes message_3: the session with the trusted peer that it proved, else what to reply. */
  #completeHandshake(
    nowMs: number,
    from: Station,
    connectionId: Uint8Array,
    message3: Uint8Array,
  ): Session | Reply {
    const responder = this.#halfOpen.find(nowMs, from, connectionId);
    if (responder === undefined) return this.#refuseHandshake(from, "no-handshake");
    const outcome = responder.receiveMessage3(message3);
    if (!responder.isOpen) this.#halfOpen.remove(connectionId);
    if ("error" in outcome) return this.#refuseHandshake(from, outcome.reason, outcome.error);
    const { crypto, trust } = this.#parts;
    const terms = { limits: this.#limits, bornMs: nowMs, trust };
    const session = newSession(crypto, outcome.peer, responder.exportOscore(), terms);
    this.#sessions.add(nowMs, session);
    this.#tell({ kind: "session", from, peer: outcome.peer });
    return session;
  }

  #isFree(id: Uint8Array, theirs: Uint8Array): boolean {
    return !equal(id, theirs) && !this.#halfOpen.has(id) && !this.#sessions.has(id);
  }

  #refuse(from: Station, reason: string): Reply {
    this.#tell({ kind: "refused", from, reason });
    return refusal(bareAnswer(CODE.unauthorized));
  }

  #refuseHandshake(from: Station, reason: string, error: Uint8Array = encodeUnspecifiedError()): Reply {
    this.#tell({ kind: "refused", from, reason });
    return refusal(answerWith(CODE.badRequest, FORMAT.edhoc, error));
  }

  /** An EDHOC error would be more than three times as long as a request without a message in it. */
  #refuseNothing(from: Station): Reply {
    this.#tell({ kind: "refused", from, reason: "malformed" });
    return refusal(bareAnswer(CODE.badRequest));
  }

  #tell(event: ServerEvent): void {
    if (event.kind === "refused") this.#refusedMessages++;
    if (this.#events.length === EVENTS_MAX) this.#events.shift();
    this.#events.push(event);
  }
}
