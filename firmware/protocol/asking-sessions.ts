// An asking end's sessions: those of this process and of the one before, and whether their peers can be believed.
import type { Station } from "../../hal/ports/link.ts";
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

/** Where an asking end's sessions outlive its process: of each station one, for one process at a time. */
export interface ClientKeeping {
  /** What is kept of the session with whoever is at this station. */
  find(to: Station): KeptSession | undefined;
  /** Makes it durable in the place of the one before; false where that cannot be had. */
  save(to: Station, session: KeptSession): boolean;
  forget(to: Station): void;
  utcMs(): number;
}

/** The sessions of one asking end, by station and who is expected there. */
export class AskingSessions {
  readonly #parts: SecureClientParts;
  readonly #epochs: EpochMemory;
  readonly #preset: ClientSession | undefined;
  readonly #byKey = new Map<string, ClientSession>();
  /** Sessions that are or were kept, and whose of a station is. */
  readonly #everKept = new WeakSet<ClientSession>();
  readonly #kept = new Map<Station, ClientSession>();

  constructor(parts: SecureClientParts) {
    const { crypto, preset, epochs = new ProcessEpochs() } = parts;
    this.#parts = parts;
    this.#epochs = epochs;
    this.#preset = preset && clientSession(presetSession(crypto, preset), "", "");
  }

  /** The session to ask with, if there is one; undefined too where the preset is with somebody else. */
  get(nowMs: number, ask: PendingAsk): ClientSession | undefined {
    if (this.#preset !== undefined) return this.#preset;
    return this.#byKey.get(keyOf(ask)) ?? this.#resume(nowMs, ask);
  }

  /** True for who can never be asked, as there is a preset with another. */
  isOther({ expect }: PendingAsk): boolean {
    return this.#preset !== undefined && expect !== undefined && expect !== this.#preset.peer.id;
  }

  /** The session that a handshake has given, once message_2 has proved the peer: for the request with message_3. */
  begin(nowMs: number, to: Station, { key, initiator }: Handshake, peer: Credential): ClientSession {
    const { crypto, keeping } = this.#parts;
    const material = initiator.exportOscore();
    const terms = this.#terms(nowMs);
    if (keeping === undefined) return clientSession(newSession(crypto, peer, material, terms), key, to);
    const kept = newlyKept(credentialHash(crypto, peer), material, keeping.utcMs());
    return this.#keptSession(peer, kept, terms, { firstNumber: 0, messages: 0, key, to });
  }

  /** The peer has shown that it has the session too: others are asked with it, and it is kept. */
  complete(session: ClientSession): void {
    this.#byKey.set(session.key, session);
    if (session.keeping === undefined) return;
    this.#own(session);
    this.#write(session);
  }

  /** What is asked from now on takes another session; a newer one with the same peer stays. */
  leave(session: ClientSession): void {
    if (this.#byKey.get(session.key) === session) this.#byKey.delete(session.key);
    if (this.#kept.get(session.to) !== session) return;
    this.#kept.delete(session.to);
    this.#parts.keeping?.forget(session.to);
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

  #resume(nowMs: number, ask: PendingAsk): ClientSession | undefined {
    const { keeping, trust, crypto } = this.#parts;
    const { to, expect, nextKey } = ask;
    // What is kept proves nothing of a key that is new to the peer.
    if (nextKey !== undefined) return undefined;
    const kept = this.#kept.has(to) ? undefined : keeping?.find(to);
    if (keeping === undefined || kept === undefined) return undefined;
    const peer = trust.withHash(crypto, kept.peerHash);
    if (peer !== undefined && expect !== undefined && peer.id !== expect) return undefined;
    const ageMs = keeping.utcMs() - kept.bornUtcMs;
    const terms = this.#terms(nowMs - ageMs);
    if (peer === undefined || ageMs < 0 || ageMs >= terms.limits.ageMs) {
      keeping.forget(to);
      return undefined;
    }
    const start = { firstNumber: kept.numbers, messages: kept.messages, key: keyOf(ask), to };
    const session = this.#keptSession(peer, kept, terms, start);
    this.#byKey.set(session.key, session);
    this.#own(session);
    return session;
  }

  #keptSession(
    peer: Credential,
    kept: KeptSession,
    terms: SessionTerms,
    { key, to, ...start }: Pick<ClientSession, "key" | "to"> & { firstNumber: number; messages: number },
  ): ClientSession {
    const goingOn = { ...start, write: (): boolean => this.#write(session) };
    const made: Session = keptSession(this.#parts.crypto, peer, kept, terms, goingOn);
    const session: ClientSession = { ...clientSession(made, key, to), heard: kept.heard };
    return session;
  }

  #own(session: ClientSession): void {
    this.#everKept.add(session);
    this.#kept.set(session.to, session);
  }

  /** Until a session is kept nothing outlives it; once another is kept in its place, it ends with its last block. */
  #write(session: ClientSession): boolean {
    const { keeping: place } = this.#parts;
    if (!this.#everKept.has(session)) return true;
    if (this.#kept.get(session.to) !== session || session.keeping === undefined) return false;
    return place?.save(session.to, session.keeping.record()) ?? false;
  }
}

/** What asks have in common that one session serves. */
export function keyOf({ to, expect, nextKey }: Pick<PendingAsk, "to" | "expect" | "nextKey">): string {
  return `${to} ${expect ?? ""}${nextKey === undefined ? "" : ` ${toHex(nextKey.bytes)}`}`;
}
