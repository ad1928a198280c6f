// What outlives a process of a session, and how far its keys are used: written down before it is done.
import type { OscoreMaterial } from "./edhoc/output.ts";
import type { KeyUse } from "./oscore/key-use.ts";
import { FIRST_BLOCK, Reservation, ReservedSequence } from "./oscore/sender-sequence.ts";

/** A session as it is kept. Its replay window is not: it would be of before what came last. */
export interface KeptSession {
  /** SHA-256 of the credential that the peer proved. */
  readonly peerHash: Uint8Array;
  readonly material: OscoreMaterial;
  readonly bornUtcMs: number;
  /** All of this end's numbers that were used are below. */
  readonly numbers: number;
  /** No key has protected more messages. */
  readonly messages: number;
  /** At least half of the forgeries that there were. */
  readonly forgeries: number;
  /** The highest of the peer's own numbers that was heard of; -1 before the first. */
  readonly heard: number;
}

/** What a session begins with: its first block is written down with it. */
export function newlyKept(
  peerHash: Uint8Array,
  material: OscoreMaterial,
  bornUtcMs: number,
): Readonly<KeptSession> {
  const marks = { numbers: FIRST_BLOCK, messages: FIRST_BLOCK, forgeries: 0, heard: -1 };
  return { peerHash, material, bornUtcMs, ...marks };
}

/** Keeps what is written down of a session ahead of what is done with it. */
export class Keeping {
  readonly sequence: ReservedSequence;
  #kept: KeptSession;
  readonly #use: KeyUse;
  readonly #messages: Reservation;
  readonly #write: () => boolean;

  /**
   * `firstNumber` is this end's next one; `write` makes {@link Keeping.record} durable, or gives false: then the
   * session ends with the block that it has.
   */
  constructor(kept: KeptSession, firstNumber: number, use: KeyUse, write: () => boolean) {
    this.#kept = kept;
    this.#use = use;
    this.#write = write;
    const mark = Math.max(kept.numbers, firstNumber);
    this.sequence = new ReservedSequence(firstNumber, (numbers) => this.#reserve({ numbers }), mark);
    this.#messages = new Reservation(kept.messages, (messages) => this.#reserve({ messages }));
  }

  /** What is to be durable of the session. */
  record(): KeptSession {
    return this.#kept;
  }

  /** True where the keys may protect one more message: a restart will not forget it. */
  coversMessage(): boolean {
    return this.#messages.covers(this.#use.messages);
  }

  /**
   * Takes note of forgeries from `least` on each time that they have doubled: anybody can send them, and so causes no
   * more than a few writes in the life of a session.
   */
  noteForgeries(least: number): void {
    const { forgeries } = this.#use;
    if (forgeries >= Math.max(least, 2 * this.#kept.forgeries)) this.#reserve({});
  }

  /** The highest of the peer's own numbers; written down with what is next. */
  heard(number: number): void {
    this.#kept = { ...this.#kept, heard: number };
  }

  /** At an orderly end: what was used exactly, so that nothing is lost. */
  settle(): void {
    const { messages } = this.#use;
    this.#messages.settle(messages);
    this.#reserve({ numbers: this.sequence.settle(), messages });
  }

  #reserve(marks: Partial<KeptSession>): boolean {
    this.#kept = { ...this.#kept, ...marks, forgeries: this.#use.forgeries };
    return this.#write();
  }
}
