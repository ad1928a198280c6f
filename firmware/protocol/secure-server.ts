// The serving end: EDHOC as responder, then OSCORE, for the few peers on a trust list.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { LinkTraits, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";
import type { Identity } from "../identity/identity.ts";
import type { TrustList } from "../identity/trust.ts";
import { BlockwiseServer, isLaterBlock } from "./blockwise/server.ts";
import { fromText, toUint } from "./bytes.ts";
import { firstItemLength } from "./cbor.ts";
import { type Block, blockBytes, blockOfAnswer, bodySizes, readBlock } from "./coap/block.ts";
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
import { selectorOf } from "./coap/selection.ts";
import type { Credential } from "./cose/credential.ts";
import { changesSomething, EchoChallenges } from "./echo.ts";
import type { Endpoint, OutgoingDatagram } from "./endpoint.ts";
import { withEpoch } from "./epochs.ts";
import { KeptSessions, type ServerKeeping } from "./kept-sessions.ts";
import { type Asker, asObserved, type Observed, Observers } from "./observe/observers.ts";
import { asksForLinks, hasUnknownCritical } from "./open-requests.ts";
import { KEY_LIMITS, type KeyLimits } from "./oscore/key-use.ts";
import { readOscoreOption } from "./oscore/option.ts";
import { type BoundRequest, protectNumberedResponse, unprotectRequest } from "./oscore/protect.ts";
import { ReplayWindow } from "./oscore/replay-window.ts";
import { protectedAnswer, type Reply, refusal, staysUnsaid } from "./replies.ts";
import { type HandshakeEvent, Responding } from "./responding.ts";
import {
  Budget,
  decoySession,
  type Peer,
  type PresetContext,
  presetSession,
  type Session,
  SessionTable,
} from "./sessions.ts";

/** A request whose sender has proved who it is. */
export interface ServedRequest {
  readonly peer: Peer;
  /** Which of our credentials the session was made with; undefined where that was before the start. */
  readonly own?: Credential | undefined;
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

/** `forgeries`: so many messages came in the name of a peer that its key did not open, told once for a session. */
export type ServerEvent =
  | HandshakeEvent
  | { readonly kind: "forgeries"; readonly from: Station; readonly peer: Peer; readonly count: number };

export interface SecureServerParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly traits: LinkTraits;
  readonly identity: Identity;
  /** The key that may take its place: who asks for it at `x` is shown that one. */
  readonly nextIdentity?: (() => Identity | undefined) | undefined;
  readonly trust: TrustList;
  readonly resources: Resources;
  /** The longest body of a request in bytes, as far as it comes in blocks; 16384 unless given. */
  readonly bodyBytesMax?: number;
  /** Contexts that need no EDHOC; development only. */
  readonly presets?: readonly PresetContext[];
  /** What a session's keys may do, where it is not {@link KEY_LIMITS}. */
  readonly keyLimits?: Partial<KeyLimits>;
  /** Where sessions outlive this process; without it they end with it. */
  readonly keeping?: ServerKeeping | undefined;
}

/** A tariff table or a membership, many times over; an update image comes in parts of its own. */
const BODY_BYTES_MAX = 16_384;
/** Events that nobody took: more are dropped, oldest first. */
const EVENTS_MAX = 64;
/** 32 bytes of links, which with what is around them answer a question of 21 bytes or more. */
const STRANGERS_BLOCK: Block = { number: 0, more: false, sizeExponent: 1 };
/**
 * Challenges under numbers of their own: anybody who has recorded requests causes them, and the blocks that their numbers
 * come in make some fifty durable writes a day of these. Head-ends that come back after a cut find room beside him.
 */
const CHALLENGES_PER_SECOND = 4;
const CHALLENGES_AT_ONCE = 16;
/** A meter is nobody's proxy. */
const PROXY_OPTIONS: ReadonlySet<number> = new Set([OPTION.proxyUri, OPTION.proxyScheme]);

/** One party's serving half. Whatever comes in that is not right is refused and counted, never thrown. */
export class SecureServer implements Endpoint<ServerEvent> {
  readonly #parts: SecureServerParts;
  #identity: Identity;
  readonly #limits: KeyLimits;
  readonly #coap: WholeMessages;
  readonly #isForUs: (datagram: Uint8Array) => boolean;
  readonly #responding: Responding;
  readonly #sessions = new SessionTable();
  readonly #kept: KeptSessions;
  readonly #blockwise: BlockwiseServer;
  readonly #echoes: EchoChallenges;
  readonly #observers: Observers;
  /** Sessions of before this start, which are served once an Echo was repeated. */
  readonly #unproved = new Set<Session>();
  /** Sessions of which nothing was heard from this end yet: the first answer tells of its start. */
  readonly #untold = new WeakSet<Session>();
  /** What a request with an unknown kid is tried on. */
  readonly #decoy: Session;
  readonly #challengeBudget = new Budget(CHALLENGES_PER_SECOND, CHALLENGES_AT_ONCE);
  readonly #events: ServerEvent[] = [];
  #refusedMessages = 0;

  constructor(parts: SecureServerParts) {
    this.#parts = parts;
    this.#identity = parts.identity;
    this.#limits = { ...KEY_LIMITS, ...parts.keyLimits };
    this.#coap = new WholeMessages({ random: parts.random.fork("coap"), traits: parts.traits });
    this.#isForUs = selectorOf(parts.traits, parts.identity.credential.id);
    this.#responding = this.#newResponding();
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
    this.#kept = new KeptSessions({
      ...{ crypto: parts.crypto, random: parts.random.fork("kept sessions"), trust: parts.trust },
      ...{ limits: this.#limits, table: this.#sessions, keeping: parts.keeping },
    });
    const presets = (parts.presets ?? []).map((preset) => presetSession(parts.crypto, preset));
    for (const session of [...presets, ...this.#kept.resumed()]) {
      // A preset that is new since then may go by the same kid.
      if (this.#sessions.has(session.context.recipient.id)) continue;
      this.#sessions.add(parts.keeping?.startMs ?? 0, session);
      this.#unproved.add(session);
    }
  }

  /** Forgets for good what it keeps of peers that are no longer trusted. */
  forgetBarred(): void {
    this.#kept.forgetBarred();
  }

  /**
   * Proves another key from now on, once `takeOver` has made it the one: all sessions and handshakes with others end, and
   * are forgotten before that, as none of them may go on after a start with the new key.
   */
  takeKey(next: Identity, takeOver: () => StorageResult): StorageResult {
    this.#responding.endAll();
    this.#kept.keepOnly(next.credential);
    const taken = takeOver();
    if (taken === "done") this.#identity = next;
    return taken;
  }

  /** Messages that protection or EDHOC refused since the start. */
  get refusedMessages(): number {
    return this.#refusedMessages;
  }

  receive(nowMs: number, from: Station, datagram: Uint8Array): void {
    if (!this.#isForUs(datagram)) return;
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
    if (asksForLinks(message)) return refusal(this.#links(message, "stranger"));
    const path = pathOf(message);
    const next = path === "x" && message.code === CODE.post ? this.#parts.nextIdentity?.() : undefined;
    if (
      ((path === "k" || path === ".well-known/edhoc") && message.code === CODE.post) ||
      next !== undefined
    ) {
      if (hasUnknownCritical(message)) return refusal(bareAnswer(CODE.badOption));
      return this.#responding.reply(nowMs, from, message, next);
    }
    return this.#refuse(from, "unprotected");
  }

  /**
   * The same for a protected request: some clients protect all that they ask of a host. To a stranger, who may ask in the
   * name of somebody else, it goes in blocks so short that it is not three times his question.
   */
  #links(message: CoapContent, asker: "stranger" | "peer"): CoapContent {
    if (hasUnknownCritical(message)) return bareAnswer(CODE.badOption);
    const accept = findOption(message, OPTION.accept);
    if (accept !== undefined && toUint(accept) !== FORMAT.linkFormat) return bareAnswer(CODE.notAcceptable);
    const asked = queriesOf(message)?.reduce(matchingLinks, this.#parts.resources.links) ?? [];
    const links = answerWith(CODE.content, FORMAT.linkFormat, fromText(encodeLinkFormat(asked)));
    const isShort = asker === "peer" || links.payload.length <= blockBytes(STRANGERS_BLOCK);
    const block = readBlock(message, OPTION.block2) ?? (isShort ? undefined : STRANGERS_BLOCK);
    if (block === undefined) return links;
    if ("refusal" in block) return bareAnswer(block.refusal);
    return blockOfAnswer(links, block, asker === "peer" ? block.sizeExponent : STRANGERS_BLOCK.sizeExponent);
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
    const outcome = this.#responding.complete(nowMs, from, option.kid, message.payload.slice(0, length));
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
      return protectedAnswer(
        session,
        binding,
        this.#telling(session, this.#echoes.challenge(nowMs, session)),
      );
    }
    const asker = { session, from, token: message.token, binding };
    const serve = (whole: CoapContent): CoapContent => this.#serve(nowMs, asker, whole);
    const answer = this.#blockwise.answer(nowMs, session, content, serve);
    if (staysUnsaid(content, answer)) return { how: "acknowledge" };
    return { how: "answer", content: this.#observers.protect(asker, this.#telling(session, answer)) };
  }

  /** The first answer of a new session says of which start it is. */
  #telling(session: Session, answer: CoapContent): CoapContent {
    const { epoch } = this.#kept;
    return epoch !== undefined && this.#untold.delete(session) ? withEpoch(answer, epoch) : answer;
  }

  #watchForgeries(from: Station, session: Session): void {
    const { peer, context } = session;
    session.keeping?.noteForgeries(this.#limits.alarmForgeries);
    const count = context.use.forgeries;
    if (session !== this.#decoy && count === this.#limits.alarmForgeries)
      this.#tell({ kind: "forgeries", from, peer, count });
  }

  #serve(nowMs: number, asker: Asker, content: CoapContent): CoapContent {
    if (asksForLinks(content)) return this.#links(content, "peer");
    const { resources, traits } = this.#parts;
    const { peer, terms } = asker.session;
    const request = { peer, own: terms?.own, content };
    // Where nobody may speak unasked, whoever would observe is answered once.
    const observe = (): Observed | undefined =>
      traits.addressing === "uri-host" ? undefined : resources.observe?.(request);
    return this.#observers.answer(nowMs, asker, content, observe) ?? resources.serve(request);
  }

  /**
   * Asks for proof that a request is no copy of one served before the start (RFC 8613 appendix B.1.2).
   * As it may be one, its nonce may be spent: the answer has a number of its own.
   */
  #challengeAnew(nowMs: number, from: Station, session: Session, { binding }: BoundRequest): Reply {
    if (!this.#challengeBudget.take(nowMs)) return this.#refuse(from, "challenges");
    const { epoch } = this.#kept;
    const challenge = this.#echoes.challenge(nowMs, session);
    const answer = epoch === undefined ? challenge : withEpoch(challenge, epoch);
    const content = protectNumberedResponse(session.context, session.sequence, binding, answer);
    return content === undefined ? this.#refuse(from, "exhausted") : { how: "answer", content };
  }

  #newResponding(): Responding {
    const { crypto, random, trust } = this.#parts;
    return new Responding({
      ...{ crypto, random, trust },
      identity: () => this.#identity,
      isFree: (id) => !this.#sessions.has(id),
      begin: (nowMs, own, ...handshake) => {
        const lasts = own === this.#identity.credential;
        const session = this.#kept.begin(nowMs, { own, lasts }, ...handshake);
        this.#untold.add(session);
        return session;
      },
      tell: (event) => this.#tell(event),
    });
  }

  #refuse(from: Station, reason: string): Reply {
    this.#tell({ kind: "refused", from, reason });
    return refusal(bareAnswer(CODE.unauthorized));
  }

  #tell(event: ServerEvent): void {
    if (event.kind === "refused") this.#refusedMessages++;
    if (this.#events.length === EVENTS_MAX) this.#events.shift();
    this.#events.push(event);
  }
}
