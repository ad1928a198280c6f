// Sessions: what two parties share after EDHOC, and the server's tables of them.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { TrustList } from "../identity/trust.ts";
import { EMPTY, toHex } from "./bytes.ts";
import type { Credential } from "./cose/credential.ts";
import type { OscoreMaterial } from "./edhoc/output.ts";
import type { EdhocResponder } from "./edhoc/responder.ts";
import { cipherSuite } from "./edhoc/suites.ts";
import { Keeping, type KeptSession } from "./kept-session.ts";
import { type ContextParameters, deriveContext, type OscoreContext } from "./oscore/context.ts";
import { type KeyLimits, KeyUse } from "./oscore/key-use.ts";
import { ReplayWindow } from "./oscore/replay-window.ts";
import { MemorySequence, type SenderSequence } from "./oscore/sender-sequence.ts";

/** Whom a session is with: whose key it proved, or how a preset calls it. */
export type Peer = Pick<Credential, "id"> & Partial<Pick<Credential, "key">>;

/** What ends a session that a handshake made. */
export interface SessionTerms {
  readonly limits: KeyLimits;
  readonly bornMs: number;
  /** The list that the peer's credential must stay on. */
  readonly trust: TrustList;
  /** Which of this end's credentials it was made with; undefined where that was before the start, or does not matter. */
  readonly own?: Credential;
}

/** An OSCORE context with a peer that has proved who it is. */
export interface Session {
  readonly peer: Peer;
  readonly context: OscoreContext;
  readonly sequence: SenderSequence;
  readonly window: ReplayWindow;
  /** Undefined for a preset, which no handshake could replace: it ends with its process. */
  readonly terms: SessionTerms | undefined;
  /** Undefined for one that ends with its process. */
  readonly keeping: Keeping | undefined;
}

/** A context that was agreed on beforehand, without EDHOC: for development, and peers that have none. */
export interface PresetContext {
  readonly peer: Peer;
  readonly parameters: ContextParameters;
  /** Its numbers go on where those of the process before ended. */
  readonly sequence: SenderSequence;
}

/** The session of a preset context. */
export function presetSession(crypto: CryptoEngine, { peer, parameters, sequence }: PresetContext): Session {
  const context = deriveContext(crypto, parameters);
  return { peer, sequence, context, window: new ReplayWindow(), terms: undefined, keeping: undefined };
}

/** The session that a completed EDHOC run with `peer` gives. */
export function newSession(
  crypto: CryptoEngine,
  peer: Credential,
  material: OscoreMaterial,
  terms: SessionTerms,
): Session {
  return {
    peer,
    context: deriveContext(crypto, material),
    sequence: new MemorySequence(),
    window: new ReplayWindow(),
    terms,
    keeping: undefined,
  };
}

/** How a session goes on that is kept: what is used of it, and how what is to be durable of it becomes so. */
export interface GoingOn {
  readonly firstNumber: number;
  readonly messages: number;
  readonly write: () => boolean;
}

/** A session that outlives its process: a new one, or one of before. */
export function keptSession(
  crypto: CryptoEngine,
  peer: Credential,
  kept: KeptSession,
  terms: SessionTerms,
  { firstNumber, messages, write }: GoingOn,
): Session {
  const use = new KeyUse({ messages, forgeries: kept.forgeries });
  const context = deriveContext(crypto, kept.material, use);
  const keeping = new Keeping(kept, firstNumber, use, write);
  return { peer, context, sequence: keeping.sequence, window: new ReplayWindow(), terms, keeping };
}

/** True where nothing that comes with a session is believed any more: its peer is off the list, or was forged too often. */
export function isBarred({ peer, context, terms }: Session): boolean {
  if (terms === undefined) return false;
  return !terms.trust.has(peer) || context.use.forgeries >= terms.limits.forgeries;
}

/** True where nothing more is protected with a session: it is barred, or its keys have done or lived enough. */
function isOver(session: Session, nowMs: number): boolean {
  const { context, terms } = session;
  if (terms === undefined) return false;
  const { limits, bornMs } = terms;
  return isBarred(session) || context.use.messages >= limits.messages || nowMs >= bornMs + limits.ageMs;
}

/** True where one message more may be protected with a session; what that uses of it is durable by then. */
export function goesOn(session: Session, nowMs: number): boolean {
  return !isOver(session, nowMs) && (session.keeping?.coversMessage() ?? true);
}

/**
 * A session with nobody, for requests whose kid is of no session: opening them in vain with it takes as long as
 * with a real one, so that the time of a refusal does not tell which kids there are. `suite` is the usual one here.
 */
export function decoySession(crypto: CryptoEngine, random: Random, suite: number): Session {
  const parameters = {
    masterSecret: random.bytes(16),
    senderId: EMPTY,
    recipientId: Uint8Array.of(0),
    aead: cipherSuite(suite).applicationAead,
  };
  return presetSession(crypto, { peer: { id: "" }, parameters, sequence: new MemorySequence() });
}

/** One head-end may run several programs at once; a fifth session of one peer ends its oldest. */
const SESSIONS_PER_PEER_MAX = 4;

/** A server's sessions, by the Recipient ID that requests carry as kid. */
export class SessionTable {
  /** In the order that they were made. */
  readonly #byKid = new Map<string, Session>();

  has(kid: Uint8Array): boolean {
    return this.#byKid.has(toHex(kid));
  }

  /** The session that goes by this kid; one that is over is none. */
  find(nowMs: number, kid: Uint8Array): Session | undefined {
    const session = this.#byKid.get(toHex(kid));
    return session !== undefined && goesOn(session, nowMs) ? session : undefined;
  }

  /** What is to be durable of all that are kept. */
  records(): KeptSession[] {
    const sessions = [...this.#byKid.values()].filter((session) => !isBarred(session));
    return sessions.flatMap(({ keeping }) => keeping?.record() ?? []);
  }

  /** Drops all but those that were made with this credential of ours, and presets. */
  keepOnly(own: Credential): void {
    for (const [kid, { terms }] of this.#byKid)
      if (terms !== undefined && terms.own !== own) this.#byKid.delete(kid);
  }

  /** Drops all sessions with this very peer. */
  dropOf(peer: Peer): void {
    for (const [kid, session] of this.#byKid) if (session.peer === peer) this.#byKid.delete(kid);
  }

  /** Takes a session in, and drops those that are over; its Recipient ID must be free. */
  add(nowMs: number, session: Session): void {
    for (const [kid, other] of this.#byKid) if (isOver(other, nowMs)) this.#byKid.delete(kid);
    const ofPeer = [...this.#byKid].filter(([, other]) => other.peer.id === session.peer.id);
    for (const [kid] of ofPeer.slice(0, Math.max(0, ofPeer.length - SESSIONS_PER_PEER_MAX + 1)))
      this.#byKid.delete(kid);
    this.#byKid.set(toHex(session.context.recipient.id), session);
  }
}

/**
 * Half-open handshakes at once, some 500 bytes each. With 20 new ones a second at the most, each has
 * 12 s until others push it out: more than the slowest link needs for message_3.
 */
const HALF_OPEN_MAX = 256;
const HALF_OPEN_MS = 60_000;

interface HalfOpen {
  readonly responder: EdhocResponder<Credential>;
  readonly from: Station;
  readonly untilMs: number;
}

/** Handshakes that wait for message_3, by the connection identifier C_R that it comes with. */
export class HalfOpenTable {
  /** In the order that they were begun. */
  readonly #byId = new Map<string, HalfOpen>();

  has(connectionId: Uint8Array): boolean {
    return this.#byId.has(toHex(connectionId));
  }

  /** Takes a handshake in; those whose time is up go, and where there is no room the oldest makes it. */
  add(nowMs: number, from: Station, connectionId: Uint8Array, responder: EdhocResponder<Credential>): void {
    for (const [id, { untilMs }] of this.#byId) {
      if (nowMs < untilMs && this.#byId.size < HALF_OPEN_MAX) break;
      this.#byId.delete(id);
    }
    this.#byId.set(toHex(connectionId), { responder, from, untilMs: nowMs + HALF_OPEN_MS });
  }

  /** The handshake that goes by this identifier, and who began it: whoever forwards for him may have changed its port since. */
  find(nowMs: number, connectionId: Uint8Array): HalfOpen | undefined {
    const halfOpen = this.#byId.get(toHex(connectionId));
    return halfOpen !== undefined && nowMs < halfOpen.untilMs ? halfOpen : undefined;
  }

  remove(connectionId: Uint8Array): void {
    this.#byId.delete(toHex(connectionId));
  }
}

/** A budget that refills with time: what a stranger can make this end spend. */
export class Budget {
  readonly #perSecond: number;
  readonly #most: number;
  #left: number;
  #atMs = 0;

  /** Starts full, with `most`. */
  constructor(perSecond: number, most: number) {
    this.#perSecond = perSecond;
    this.#most = most;
    this.#left = most;
  }

  /** Takes one, or gives false where there is none. */
  take(nowMs: number): boolean {
    if (!this.has(nowMs)) return false;
    this.#left--;
    return true;
  }

  /** True where there is one to take. */
  has(nowMs: number): boolean {
    this.#left = Math.min(this.#most, this.#left + ((nowMs - this.#atMs) * this.#perSecond) / 1000);
    this.#atMs = nowMs;
    return this.#left >= 1;
  }
}
