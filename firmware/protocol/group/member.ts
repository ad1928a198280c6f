// One epoch of a group at a member: its keys, what was used of them, and how long they are good for.
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { equal } from "../bytes.ts";
import type { Credential } from "../cose/credential.ts";
import { KEY_LIMITS } from "../oscore/key-use.ts";
import { ReplayWindow } from "../oscore/replay-window.ts";
import { FIRST_BLOCK, ReservedSequence, type SenderSequence } from "../oscore/sender-sequence.ts";
import { encodeMembership, type Membership } from "../readings/membership.ts";
import { deriveGroup, type GroupPair, type GroupParty, pairWith } from "./context.ts";

/** A membership as it is kept. Its replay window is not: it would be of before what came last. */
export interface KeptMembership {
  /** SHA-256 of the credential of the head-end that told it. */
  readonly peerHash: Uint8Array;
  readonly membership: Membership;
  /** All of this end's numbers that were used are below. */
  readonly numbers: number;
}

/** Who is a member, and by whose word. */
export interface MemberParts {
  readonly crypto: CryptoEngine;
  /** The own group credential, and the secret key of it. */
  readonly own: Credential;
  readonly signingSecretKey: Uint8Array;
  /** The head-end as it was enrolled, and its group credential. */
  readonly peer: Credential;
  readonly peersGroupCredential: Credential;
  readonly peerHash: Uint8Array;
  /** Makes what is kept durable, or gives false. */
  readonly save: () => boolean;
}

/** A member's side of one epoch. */
export class Member {
  readonly peer: Credential;
  readonly membership: Membership;
  readonly pair: GroupPair;
  /** Of its own numbers, for answers that cannot have their request's. */
  readonly sequence: SenderSequence;
  readonly window = new ReplayWindow();
  /** False until the head-end has shown that it is there: what was recorded before is never served. */
  isProved = false;
  readonly #peerHash: Uint8Array;
  readonly #endsAtMs: number;
  #numbers: number;

  private constructor(parts: MemberParts, membership: Membership, pair: GroupPair, start: MemberStart) {
    this.peer = parts.peer;
    this.membership = membership;
    this.pair = pair;
    this.#peerHash = parts.peerHash;
    this.#endsAtMs = start.nowMs + KEY_LIMITS.ageMs;
    this.#numbers = start.mark;
    const reserve = (mark: number): boolean => {
      this.#numbers = mark;
      return parts.save();
    };
    this.sequence = new ReservedSequence(start.firstNumber, reserve, start.mark);
  }

  /** A new one, whose first block of numbers is written down with it; undefined where its head-end's key is none. */
  static joining(
    parts: MemberParts,
    membership: Membership,
    start: Omit<MemberStart, "mark">,
  ): Member | undefined {
    const pair = pairOf(parts, membership);
    return pair && new Member(parts, membership, pair, { ...start, mark: start.firstNumber + FIRST_BLOCK });
  }

  /** One of before: `skip` numbers are left out, as the storage may have been put back. */
  static resumed(
    parts: MemberParts,
    { membership, numbers }: KeptMembership,
    { nowMs, skip }: { readonly nowMs: number; readonly skip: number },
  ): Member | undefined {
    const pair = pairOf(parts, membership);
    const firstNumber = numbers + skip;
    return pair && new Member(parts, membership, pair, { nowMs, firstNumber, mark: firstNumber });
  }

  get record(): KeptMembership {
    return { peerHash: this.#peerHash, membership: this.membership, numbers: this.#numbers };
  }

  /** True where this membership says the same. */
  isSameAs(other: Membership): boolean {
    return equal(encodeMembership(this.membership), encodeMembership(other));
  }

  /** Ends it: an epoch's answers could be read with its keys for as long as there are any. */
  wipe(): void {
    const { group, peer, senderKey, recipientKey } = this.pair;
    const keys = [group.own.key, group.signatureEncryptionKey, peer.key, senderKey, recipientKey];
    for (const key of [this.membership.masterSecret, ...keys]) key.fill(0);
  }

  /** False where nothing more is done with its keys. `utcSeconds` is undefined while the time is not known. */
  goesOn(nowMs: number, utcSeconds: number | undefined): boolean {
    const { messages, forgeries } = this.pair.use;
    if (messages >= KEY_LIMITS.messages || forgeries >= KEY_LIMITS.forgeries) return false;
    return nowMs < this.#endsAtMs && (utcSeconds ?? 0) < this.membership.validUntilSeconds;
  }
}

interface MemberStart {
  readonly nowMs: number;
  readonly firstNumber: number;
  /** All below is durable with what is saved next, or was before. */
  readonly mark: number;
}

function pairOf(parts: MemberParts, membership: Membership): GroupPair | undefined {
  const { crypto, own, signingSecretKey, peersGroupCredential } = parts;
  const { gid, masterSecret, masterSalt, senderId, headEndSenderId } = membership;
  const headEnd: GroupParty = { id: headEndSenderId, credential: peersGroupCredential };
  const group = deriveGroup(crypto, {
    ...{ gid, masterSecret, masterSalt, manager: peersGroupCredential, signingSecretKey },
    own: { id: senderId, credential: own },
  });
  return pairWith(group, headEnd);
}
