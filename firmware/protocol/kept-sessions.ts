// A serving end's sessions over a restart: what is kept of them, and how they begin again.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { TrustList } from "../identity/trust.ts";
import { toUint } from "./bytes.ts";
import { type Credential, credentialHash } from "./cose/credential.ts";
import type { OscoreMaterial } from "./edhoc/output.ts";
import { EPOCH_MARK_BYTES, type Epoch } from "./epochs.ts";
import { type KeptSession, newlyKept } from "./kept-session.ts";
import type { KeyLimits } from "./oscore/key-use.ts";
import { keptSession, newSession, type Session, type SessionTable } from "./sessions.ts";

/** Where a serving end's sessions outlive its process. */
export interface ServerKeeping {
  /** How often it was started, this time included; undefined where that could not be made durable: nothing is told. */
  readonly starts: number | undefined;
  /** When it was started, by the clock that the endpoint is given. */
  readonly startMs: number;
  /** The sessions of before the start. */
  kept(): readonly KeptSession[];
  /** Makes these durable, in the place of all before; false where that cannot be had. */
  save(sessions: readonly KeptSession[]): boolean;
  /** Undefined where it is not known, or not to be trusted. */
  utcMs(): number | undefined;
}

export interface KeptSessionsParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly trust: TrustList;
  readonly limits: KeyLimits;
  readonly table: SessionTable;
  /** Without it, sessions end with their process. */
  readonly keeping: ServerKeeping | undefined;
}

/** How far a start may go on beyond what is written down, in numbers. */
const SKIP_BYTES = 4;

/** The sessions of one server, as they are kept. */
export class KeptSessions {
  /** What new sessions, and those of before, are told of this start. */
  readonly epoch: Epoch | undefined;
  readonly #parts: KeptSessionsParts;

  constructor(parts: KeptSessionsParts) {
    this.#parts = parts;
    const { keeping, random } = parts;
    const count = keeping?.starts;
    this.epoch = count === undefined ? undefined : { count, mark: random.bytes(EPOCH_MARK_BYTES) };
  }

  /**
   * The sessions of before that may go on. Whatever may hold them must have proved itself since the start, as their
   * windows are not kept.
   */
  resumed(): Session[] {
    const { keeping } = this.#parts;
    const utcMs = keeping?.utcMs();
    // Who does not know how old a session is ends it.
    if (keeping === undefined || utcMs === undefined) return [];
    return keeping.kept().flatMap((kept) => this.#resume(keeping, kept, utcMs) ?? []);
  }

  /**
   * The session of a handshake that has just been completed, in the table. It is durable where it can be and `lasts`: what
   * was made with a key that may take over does not outlive a start, as a start could not tell by which key it was made.
   * Nor does a guest's.
   */
  begin(
    nowMs: number,
    { own, lasts }: { readonly own: Credential; readonly lasts: boolean },
    peer: Credential,
    material: OscoreMaterial,
  ): Session {
    const { crypto, table, trust, limits, keeping } = this.#parts;
    const terms = { limits, bornMs: nowMs, trust, own };
    const utcMs = keeping?.utcMs();
    if (keeping === undefined || utcMs === undefined || !lasts || trust.isGuest(peer)) {
      const session = newSession(crypto, peer, material, terms);
      table.add(nowMs, session);
      return session;
    }
    const kept = newlyKept(credentialHash(crypto, peer), material, utcMs);
    const start = { firstNumber: 0, messages: 0, write: () => this.#save(keeping) };
    const session = keptSession(crypto, peer, kept, terms, start);
    table.add(nowMs, session);
    // A storage that takes no more takes no block after the first either: the session then ends with that one.
    this.#save(keeping);
    return session;
  }

  /** Forgets for good the sessions of who is no longer trusted. */
  forgetBarred(): void {
    if (this.#parts.keeping !== undefined) this.#save(this.#parts.keeping);
  }

  /** Forgets for good all that was made with another credential of ours than this one. */
  keepOnly(own: Credential): void {
    this.#parts.table.keepOnly(own);
    this.forgetBarred();
  }

  #resume(keeping: ServerKeeping, kept: KeptSession, utcMs: number): Session | undefined {
    const { crypto, random, trust, limits } = this.#parts;
    const peer = trust.withHash(crypto, kept.peerHash);
    const ageMs = utcMs - kept.bornUtcMs;
    if (peer === undefined || ageMs < 0 || ageMs >= limits.ageMs) return undefined;
    const terms = { limits, bornMs: keeping.startMs - ageMs, trust };
    // A storage that was put back has an older mark, and what was numbered from there on since is forgotten: numbers go
    // on so far beyond that they do not meet. One that they bring to its end (2^40) is as good as none: EDHOC follows.
    const firstNumber = kept.numbers + toUint(random.bytes(SKIP_BYTES));
    const write = (): boolean => this.#save(keeping);
    return keptSession(crypto, peer, kept, terms, { firstNumber, messages: kept.messages, write });
  }

  #save(keeping: ServerKeeping): boolean {
    return keeping.save(this.#parts.table.records());
  }
}
