// An asking end's sessions: those of this process and of the one before, and whether their peers can be believed.
import {
  type ClientSession,
  clientSession,
  type Handshake,
  type PendingAsk,
  type ProtectedRequest,
} from "./asks.ts";
import { toHex } from "./bytes.ts";
import { type Credential, credentialHash } from "./cose/credential.ts";
import { type EpochMemory, ProcessEpochs } from "./epochs.ts";
import type { SecureClientParts } from "./initiating.ts";
import { type KeptSession, newlyKept } from "./kept-session.ts";
import { KEY_LIMITS } from "./oscore/key-use.ts";
import { keptSession, newSession, presetSession, type Session, type SessionTerms } from "./sessions.ts";

/** Where an asking end's sessions outlive its process: with each peer one, for one process at a time. */
export interface ClientKeeping {
  /** What is kept of the session with the peer of this id; undefined too where another process has it. */
  find(peer: string): KeptSession | undefined;
  /** Makes it durable in the place of the one before; false where that cannot be had. */
  save(peer: string, session: KeptSession): boolean;
  forget(peer: string): void;
  /** Who proved itself last at a place, for asks that do not say whom they expect there. */
  lastAt(place: string): string | undefined;
  foundAt(place: string, peer: string): void;
  utcMs(): number;
}

/** Places of before are found anew: a head-end has some thousands of meters. */
const PLACES_MAX = 4096;

/** The sessions of one asking end: with whom one is says which it is, by whatever way that peer is reached. */
export class AskingSessions {
  readonly #parts: SecureClientParts;
  readonly #epochs: EpochMemory;
  readonly #preset: ClientSession | undefined;
  readonly #byWho = new Map<string, ClientSession>();
  /** Who proved itself last at each place. */
  readonly #lastAt = new Map<string, string>();
  /** Sessions that are or were kept, and those that are, by their peers. */
  readonly #everKept = new WeakSet<ClientSession>();
  readonly #kept = new Map<string, ClientSession>();

  constructor(parts: SecureClientParts) {
    const { crypto, preset, epochs = new ProcessEpochs() } = parts;
    this.#parts = parts;
    this.#epochs = epochs;
    this.#preset = preset && clientSession(presetSession(crypto, preset), "");
  }

  /** The session to ask with, if there is one; undefined too where the preset is with somebody else. */
  get(nowMs: number, ask: PendingAsk): ClientSession | undefined {
    if (this.#preset !== undefined) return this.#preset;
    const peer = ask.expect ?? this.#whoIsAt(placeOf(ask));
    if (peer === undefined) return undefined;
    return this.#byWho.get(whoOf(peer, ask)) ?? this.#resume(nowMs, peer, ask);
  }

  /** True for who can never be asked, as there is a preset with another. */
  isOther({ expect }: PendingAsk): boolean {
    return this.#preset !== undefined && expect !== undefined && expect !== this.#preset.peer.id;
  }

  /** The session that a handshake has given, once message_2 has proved the peer: for the request with message_3. */
  begin(nowMs: number, ask: PendingAsk, { initiator }: Handshake, peer: Credential): ClientSession {
    const { crypto, keeping } = this.#parts;
    const material = initiator.exportOscore();
    const terms = this.#terms(nowMs);
    const who = whoOf(peer.id, ask);
    if (keeping === undefined) return clientSession(newSession(crypto, peer, material, terms), who);
    const kept = newlyKept(credentialHash(crypto, peer), material, keeping.utcMs());
    return this.#keptSession(peer, kept, terms, { firstNumber: 0, messages: 0, who });
  }

  /** The peer has shown at the place of `ask` that it has the session too: others are asked with it, and it is kept. */
  complete(session: ClientSession, ask: PendingAsk): void {
    this.#byWho.set(session.who, session);
    this.#foundAt(placeOf(ask), session.peer.id);
    if (session.keeping === undefined) return;
    this.#own(session);
    this.#write(session);
  }

  /** What is asked from now on takes another session; a newer one with the same peer stays. */
  leave(session: ClientSession): void {
    if (this.#byWho.get(session.who) === session) this.#byWho.delete(session.who);
    const { id } = session.peer;
    if (this.#kept.get(id) !== session) return;
    this.#kept.delete(id);
    this.#parts.keeping?.forget(id);
  }

  /** Writes down exactly how far all that are kept are used. */
  settle(): void {
    for (const { keeping } of this.#kept.values()) keeping?.settle();
  }

  /**
   * False where a genuine answer shows that its peer has forgotten what it did: a number of its own that is not above
   * all that were heard of before it was asked, or a start that cannot come after those that it told of.
   */
  isCredible({ session, number, ownNumber, heardBefore, told, completes }: ProtectedRequest): boolean {
    if (ownNumber !== undefined) {
      if (ownNumber <= heardBefore) return false;
      session.heard = Math.max(session.heard, ownNumber);
      session.keeping?.heard(session.heard);
    }
    const isFirst = completes !== undefined && session.open.has(number);
    return (told === undefined && !isFirst) || this.#epochs.takes(session.peer, told);
  }

  #terms(bornMs: number): SessionTerms {
    const { keyLimits, trust } = this.#parts;
    return { limits: { ...KEY_LIMITS, ...keyLimits }, bornMs, trust };
  }

  #whoIsAt(place: string): string | undefined {
    return this.#lastAt.get(place) ?? this.#parts.keeping?.lastAt(place);
  }

  #foundAt(place: string, peer: string): void {
    if (this.#lastAt.get(place) === peer) return;
    // The one that was found first is the one that was found longest ago, or asked all the time: it is found again.
    const [oldest] = this.#lastAt.keys();
    if (this.#lastAt.size >= PLACES_MAX && oldest !== undefined) this.#lastAt.delete(oldest);
    this.#lastAt.set(place, peer);
    this.#parts.keeping?.foundAt(place, peer);
  }

  #resume(nowMs: number, id: string, ask: PendingAsk): ClientSession | undefined {
    const { keeping, trust, crypto } = this.#parts;
    // What is kept proves nothing of a key that is new to the peer.
    if (ask.nextKey !== undefined) return undefined;
    const kept = this.#kept.has(id) ? undefined : keeping?.find(id);
    if (keeping === undefined || kept === undefined) return undefined;
    const peer = trust.withHash(crypto, kept.peerHash);
    const ageMs = keeping.utcMs() - kept.bornUtcMs;
    const terms = this.#terms(nowMs - ageMs);
    if (peer?.id !== id || ageMs < 0 || ageMs >= terms.limits.ageMs) {
      keeping.forget(id);
      return undefined;
    }
    const start = { firstNumber: kept.numbers, messages: kept.messages, who: whoOf(id, ask) };
    const session = this.#keptSession(peer, kept, terms, start);
    this.#byWho.set(session.who, session);
    this.#own(session);
    return session;
  }

  #keptSession(
    peer: Credential,
    kept: KeptSession,
    terms: SessionTerms,
    { who, ...start }: Pick<ClientSession, "who"> & { firstNumber: number; messages: number },
  ): ClientSession {
    const goingOn = { ...start, write: (): boolean => this.#write(session) };
    const made: Session = keptSession(this.#parts.crypto, peer, kept, terms, goingOn);
    const session: ClientSession = { ...clientSession(made, who), heard: kept.heard };
    return session;
  }

  #own(session: ClientSession): void {
    this.#everKept.add(session);
    this.#kept.set(session.peer.id, session);
  }

  /** Until a session is kept nothing outlives it; once another is kept in its place, it ends with its last block. */
  #write(session: ClientSession): boolean {
    const { keeping: place } = this.#parts;
    if (!this.#everKept.has(session)) return true;
    if (this.#kept.get(session.peer.id) !== session || session.keeping === undefined) return false;
    return place?.save(session.peer.id, session.keeping.record()) ?? false;
  }
}

/** Which session is with a peer: with the key that it goes by, or with the one that it is to take. */
function whoOf(peer: string, { nextKey }: Pick<PendingAsk, "nextKey">): string {
  return nextKey === undefined ? peer : `${peer} ${toHex(nextKey.bytes)}`;
}

/** Where an ask goes: a station, or whoever that station forwards to by this name. */
function placeOf({ to, host }: Pick<PendingAsk, "to" | "host">): string {
  return host === undefined ? to : `${to} ${host}`;
}

/** What asks have in common that one handshake serves: they go the same way, to the same peer. */
export function keyOf(ask: Pick<PendingAsk, "to" | "host" | "expect" | "nextKey">): string {
  return `${placeOf(ask)} ${whoOf(ask.expect ?? "", ask)}`;
}
