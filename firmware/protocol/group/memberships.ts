// The groups that a meter is in: told by its head-ends over their sessions, and kept over restarts.
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import type { Random } from "../../../hal/ports/random.ts";
import type { Identity } from "../../identity/identity.ts";
import type { TrustList } from "../../identity/trust.ts";
import { equal, toUint } from "../bytes.ts";
import { type Credential, credentialHash } from "../cose/credential.ts";
import type { Membership } from "../readings/membership.ts";
import { areOurs } from "./algorithms.ts";
import { groupCredential } from "./credential.ts";
import { type KeptMembership, Member, type MemberParts } from "./member.ts";

/** Where memberships outlive their process. */
export interface MembershipKeeping {
  kept(): readonly KeptMembership[];
  /** Makes these durable, in the place of all before; false where that cannot be had. */
  save(memberships: readonly KeptMembership[]): boolean;
}

export interface MembershipsParts {
  readonly crypto: CryptoEngine;
  readonly random: Random;
  readonly identity: Pick<Identity, "credential" | "signingSecretKey">;
  readonly trust: TrustList;
  /** Without it, they end with their process. */
  readonly keeping?: MembershipKeeping | undefined;
  readonly monotonicMs: () => number;
  /** Undefined while it is not known. */
  readonly utcSeconds: () => number | undefined;
}

/** Why a membership is not taken. */
export type JoinRefusal =
  /** Other algorithms than ours. */
  | "algorithms"
  /** The credential in it is not the group credential of whom it is from, or he or this meter has none. */
  | "credential"
  /** Its time is over. */
  | "over"
  /** The Gid is another epoch's, or the generation no newer one. */
  | "conflict"
  | "full"
  | "not-stored";

/** A meter is in a block's group, and in one more while that is rekeyed by another head-end or for a test. */
export const MEMBERSHIPS_MAX = 4;
/** How far a member's numbers begin beyond those that are written down: in a storage that was put back those are older. */
const SKIP_BYTES = 4;

/** All memberships of one meter. */
export class Memberships {
  readonly #parts: MembershipsParts;
  readonly #own: Credential | undefined;
  #members: readonly Member[];

  constructor(parts: MembershipsParts) {
    this.#parts = parts;
    this.#own = groupCredential(parts.crypto, parts.identity.credential);
    this.#members = (parts.keeping?.kept() ?? []).flatMap((kept) => this.#resume(kept) ?? []);
  }

  /** The one that goes by this Gid and is by the word of whoever has this kid in it. */
  find(gid: Uint8Array, kid: Uint8Array): Member | undefined {
    this.#dropOver();
    return this.#members.find(
      ({ membership }) => equal(membership.gid, gid) && equal(membership.headEndSenderId, kid),
    );
  }

  /** Takes a membership from `peer`, in the place of the one that he told of the same group. Durable once it is "joined". */
  join(peer: object, membership: Membership): "joined" | JoinRefusal {
    this.#dropOver();
    if (!areOurs(membership.algorithms)) return "algorithms";
    const parts = this.#memberParts(peer);
    if (parts === undefined) return "credential";
    if (!equal(parts.peersGroupCredential.bytes, membership.headEndCredential)) return "credential";
    if ((this.#parts.utcSeconds() ?? 0) >= membership.validUntilSeconds) return "over";
    const known = this.#members.find((member) => equal(member.membership.gid, membership.gid));
    if (known !== undefined) return this.#again(known, parts.peer, membership);
    const before = this.#members.find((member) => isEpochOfSame(member, parts.peer, membership));
    if (before !== undefined && before.membership.keyGeneration >= membership.keyGeneration)
      return "conflict";
    const others = this.#members.filter((member) => member !== before);
    if (others.length >= MEMBERSHIPS_MAX) return "full";
    const start = { nowMs: this.#parts.monotonicMs(), firstNumber: this.#skip() };
    const member = Member.joining(parts, membership, start);
    if (member === undefined) return "credential";
    return this.#replace([...others, member]) ? "joined" : "not-stored";
  }

  /** Forgets what `peer` has told of this epoch. */
  leave(peer: object, gid: Uint8Array): "left" | "unknown" | "not-stored" {
    const member = this.#members.find((one) => one.peer === peer && equal(one.membership.gid, gid));
    if (member === undefined) return "unknown";
    return this.#replace(this.#members.filter((one) => one !== member)) ? "left" : "not-stored";
  }

  /** Forgets for good what those told who are no longer trusted. */
  forgetBarred(): void {
    this.#keepIf(({ peer }) => this.#parts.trust.has(peer));
  }

  /** A membership told twice is as if told once: its numbers and its window go on. */
  #again(known: Member, peer: Credential, membership: Membership): "joined" | JoinRefusal {
    return known.peer === peer && known.isSameAs(membership) ? "joined" : "conflict";
  }

  /** Whoever is off the list, or over, is gone before anything is looked up. */
  #dropOver(): void {
    const { trust, monotonicMs, utcSeconds } = this.#parts;
    const [nowMs, now] = [monotonicMs(), utcSeconds()];
    this.#keepIf((member) => trust.has(member.peer) && member.goesOn(nowMs, now));
  }

  /** What cannot be made durable is gone from memory all the same. */
  #keepIf(stays: (member: Member) => boolean): void {
    const [before, staying] = [this.#members, this.#members.filter(stays)];
    if (staying.length === before.length) return;
    this.#members = staying;
    this.#save();
    wipeGone(before, staying);
  }

  #replace(members: readonly Member[]): boolean {
    const before = this.#members;
    this.#members = members;
    if (!this.#save()) {
      this.#members = before;
      return false;
    }
    wipeGone(before, members);
    return true;
  }

  #save(): boolean {
    return this.#parts.keeping?.save(this.#members.map(({ record }) => record)) ?? true;
  }

  #resume(kept: KeptMembership): Member | undefined {
    const { crypto, trust, monotonicMs } = this.#parts;
    const peer = trust.withHash(crypto, kept.peerHash);
    const parts = peer && this.#memberParts(peer);
    return parts && Member.resumed(parts, kept, { nowMs: monotonicMs(), skip: this.#skip() });
  }

  /** Undefined for a peer of a preset context, who has no credential, and where either has no key that signs. */
  #memberParts(peer: object): MemberParts | undefined {
    const { crypto, trust, identity } = this.#parts;
    const enrolled = trust.credentials.find((credential) => credential === peer);
    const peersGroupCredential = enrolled && groupCredential(crypto, enrolled);
    if (enrolled === undefined || peersGroupCredential === undefined || this.#own === undefined)
      return undefined;
    return {
      ...{ crypto, own: this.#own, signingSecretKey: identity.signingSecretKey },
      ...{ peer: enrolled, peersGroupCredential, peerHash: credentialHash(crypto, enrolled) },
      save: () => this.#save(),
    };
  }

  #skip(): number {
    return toUint(this.#parts.random.bytes(SKIP_BYTES));
  }
}

function wipeGone(before: readonly Member[], staying: readonly Member[]): void {
  for (const member of before) if (!staying.includes(member)) member.wipe();
}

function isEpochOfSame({ peer, membership }: Member, other: Credential, { group }: Membership): boolean {
  return peer === other && membership.group === group;
}
