// A serving end's requests under sessions: whom they are from, whether they are of now, and what they are answered.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { LinkTraits, Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { TrustList } from "../identity/trust.ts";
import { BlockwiseServer, isLaterBlock } from "./blockwise/server.ts";
import { bodySizes } from "./coap/block.ts";
import type { CoapContent, CoapMessage } from "./coap/message.ts";
import type { WholeMessages } from "./coap/outer/whole-messages.ts";
import type { Credential } from "./cose/credential.ts";
import { changesSomething, EchoChallenges } from "./echo.ts";
import type { OscoreMaterial } from "./edhoc/output.ts";
import { withEpoch } from "./epochs.ts";
import { KeptSessions, type ServerKeeping } from "./kept-sessions.ts";
import type { LastAnswers } from "./last-answers.ts";
import { type Asker, asObserved, type Observed, Observers } from "./observe/observers.ts";
import { asksForLinks, linksFor } from "./open-requests.ts";
import { KEY_LIMITS, type KeyLimits } from "./oscore/key-use.ts";
import { type BoundRequest, protectNumberedResponse, unprotectRequest } from "./oscore/protect.ts";
import { ReplayWindow } from "./oscore/replay-window.ts";
import { protectedAnswer, type Reply, staysUnsaid } from "./replies.ts";
import type { Resources } from "./served-request.ts";
import {
  Budget,
  decoySession,
  type Peer,
  type PresetContext,
  presetSession,
  type Session,
  SessionTable,
} from "./sessions.ts";

export interface ServedSessionsParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly traits: LinkTraits;
  /** The cipher suite that most sessions here are of. */
  readonly suite: number;
  readonly trust: TrustList;
  readonly resources: Resources;
  readonly coap: WholeMessages;
  readonly lastAnswers: LastAnswers;
  /** The longest body of a request in bytes, as far as it comes in blocks; 16384 unless given. */
  readonly bodyBytesMax?: number | undefined;
  readonly presets?: readonly PresetContext[] | undefined;
  readonly keyLimits?: Partial<KeyLimits> | undefined;
  readonly keeping?: ServerKeeping | undefined;
  /** Takes note of a refusal, and says how it is told. */
  readonly refuse: (from: Station, reason: string) => Reply;
  /** Told once for a session, when so many messages came in the name of a peer that its key did not open. */
  readonly onForgeries: (from: Station, peer: Peer, count: number) => void;
}

/** A tariff table or a membership, many times over; an update image comes in parts of its own. */
const BODY_BYTES_MAX = 16_384;
/**
 * Challenges under numbers of their own: anybody who has recorded requests causes them, and the blocks that their numbers
 * come in make some fifty durable writes a day of these. Head-ends that come back after a cut find room beside him.
 */
const CHALLENGES_PER_SECOND = 4;
const CHALLENGES_AT_ONCE = 16;

/** The sessions of one server. Whatever comes in that is not right is refused, never thrown. */
export class ServedSessions {
  readonly #parts: ServedSessionsParts;
  readonly #limits: KeyLimits;
  readonly #table = new SessionTable();
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

  constructor(parts: ServedSessionsParts) {
    this.#parts = parts;
    const { crypto, random, traits, trust, keeping, coap } = parts;
    this.#limits = { ...KEY_LIMITS, ...parts.keyLimits };
    const { wholeBytesMax } = bodySizes(traits);
    const { bodyBytesMax = BODY_BYTES_MAX } = parts;
    this.#blockwise = new BlockwiseServer({ traits, random: random.fork("etag"), bodyBytesMax });
    this.#observers = new Observers({
      coap,
      isLive: (nowMs, session) => this.#table.find(nowMs, session.context.recipient.id) === session,
      isWhole: ({ payload }) => payload.length <= wholeBytesMax,
    });
    this.#echoes = new EchoChallenges(random.fork("echo"), traits);
    this.#decoy = decoySession(crypto, random.fork("decoy"), parts.suite);
    this.#kept = new KeptSessions({
      ...{ crypto, random: random.fork("kept sessions"), trust },
      ...{ limits: this.#limits, table: this.#table, keeping },
    });
    const presets = (parts.presets ?? []).map((preset) => presetSession(crypto, preset));
    for (const session of [...presets, ...this.#kept.resumed()]) {
      // A preset that is new since then may go by the same kid.
      if (this.#table.has(session.context.recipient.id)) continue;
      this.#table.add(keeping?.startMs ?? 0, session);
      this.#unproved.add(session);
    }
  }

  get observers(): Observers {
    return this.#observers;
  }

  /** True where a session goes by this kid. */
  has(kid: Uint8Array): boolean {
    return this.#table.has(kid);
  }

  /** The session that goes by this kid and may go on. */
  find(nowMs: number, kid: Uint8Array): Session | undefined {
    return this.#table.find(nowMs, kid);
  }

  /** The session of a handshake that has just been completed. */
  begin(
    nowMs: number,
    terms: { readonly own: Credential; readonly lasts: boolean },
    peer: Credential,
    material: OscoreMaterial,
  ): Session {
    const session = this.#kept.begin(nowMs, terms, peer, material);
    this.#untold.add(session);
    return session;
  }

  /** Forgets for good what it keeps of peers that are no longer trusted. */
  forgetBarred(): void {
    this.#kept.forgetBarred();
  }

  /** Ends the sessions with this very peer. */
  dropOf(peer: Peer): void {
    this.#table.dropOf(peer);
  }

  /** Forgets for good all that was made with another credential of ours than this one. */
  keepOnly(own: Credential): void {
    this.#kept.keepOnly(own);
  }

  /** What a protected request is replied; `session` is undefined where its kid is nobody's. */
  reply(nowMs: number, from: Station, session = this.#decoy, message: CoapMessage): Reply {
    const repeated = this.#parts.lastAnswers.repeat(session, from, message);
    if (repeated !== undefined) return repeated;
    const isUnproved = this.#unproved.has(session);
    const window = isUnproved ? new ReplayWindow() : session.window;
    const request = unprotectRequest(session.context, window, message);
    if ("refused" in request) {
      if (request.refused === "decrypt") this.#watchForgeries(from, session);
      return this.#parts.refuse(from, session === this.#decoy ? "unknown-kid" : request.refused);
    }
    const { binding } = request;
    const content = asObserved(message, request.content);
    const isFresh = this.#echoes.isAnswered(nowMs, session, content);
    if (isUnproved && !isFresh) return this.#challengeAnew(nowMs, from, session, request);
    if (isUnproved) session.window.beginAt(request.number);
    this.#unproved.delete(session);
    this.#parts.coap.proved(from);
    if (changesSomething(content.code) && !isLaterBlock(content) && !isFresh) {
      const challenge = this.#echoes.challenge(nowMs, session);
      return protectedAnswer(session, binding, this.#telling(session, challenge));
    }
    const asker = { session, from, token: message.token, binding };
    const serve = (whole: CoapContent): CoapContent => this.#serve(nowMs, asker, whole);
    const answer = this.#blockwise.answer(nowMs, session, content, serve);
    if (staysUnsaid(content, answer)) return { how: "acknowledge" };
    const sealed = this.#observers.protect(asker, this.#telling(session, answer));
    // What registers begins anew where it is sent again.
    if (!binding.registers) this.#parts.lastAnswers.keep(session, from, message, sealed);
    return { how: "answer", content: sealed };
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
      this.#parts.onForgeries(from, peer, count);
  }

  #serve(nowMs: number, asker: Asker, content: CoapContent): CoapContent {
    const { resources, traits } = this.#parts;
    if (asksForLinks(content)) return linksFor("peer", resources.links, content);
    const { peer, terms } = asker.session;
    const request = { peer, own: terms?.own, content, from: asker.from };
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
    const { refuse } = this.#parts;
    if (!this.#challengeBudget.take(nowMs)) return refuse(from, "challenges");
    const { epoch } = this.#kept;
    const challenge = this.#echoes.challenge(nowMs, session);
    const answer = epoch === undefined ? challenge : withEpoch(challenge, epoch);
    const content = protectNumberedResponse(session.context, session.sequence, binding, answer);
    return content === undefined ? refuse(from, "exhausted") : { how: "answer", content };
  }
}
