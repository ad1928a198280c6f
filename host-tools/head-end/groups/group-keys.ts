// One epoch of a group as its head-end uses it: what it seals for all or for one, and whose an answer is.
import type { Identity } from "../../../firmware/identity/identity.ts";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import { type CoapContent, findOption, OPTION } from "../../../firmware/protocol/coap/message.ts";
import type { Credential } from "../../../firmware/protocol/cose/credential.ts";
import {
  deriveGroup,
  type GroupContext,
  type GroupPair,
  pairWith,
} from "../../../firmware/protocol/group/context.ts";
import { groupCredential } from "../../../firmware/protocol/group/credential.ts";
import {
  type BoundGroupRequest,
  type GroupBinding,
  kidOfAnswer,
  protectGroupRequest,
  protectPairwiseRequest,
  unprotectGroupAnswer,
} from "../../../firmware/protocol/group/protect.ts";
import type { SenderSequence } from "../../../firmware/protocol/oscore/sender-sequence.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import { HeadEndError } from "../errors.ts";
import { type Group, type GroupEpoch, HEAD_END_SENDER_ID } from "./group.ts";
import type { GroupRegistry } from "./group-registry.ts";

/** An answer whose sender proved to be this member. */
export interface MemberAnswer {
  readonly member: string;
  readonly content: CoapContent;
}

export interface GroupKeysParts {
  readonly crypto: CryptoEngine;
  readonly identity: Identity;
  readonly groups: GroupRegistry;
  /** The enrolled credential of a meter; undefined for who is not served. */
  readonly credentialOf: (id: string) => Credential | undefined;
}

/** Each block is a durable write, and what is left of the last one is lost. */
const NUMBERS_AT_ONCE = 8;

/** Numbers of a group's head-end: each once, whatever processes ask the group. */
class GroupNumbers implements SenderSequence {
  readonly #take: () => number | undefined;
  #next = 0;
  #end = 0;

  constructor(groups: GroupRegistry, { name, epoch }: Group) {
    this.#take = () => groups.takeNumbers(name, epoch, NUMBERS_AT_ONCE);
  }

  next(): number | undefined {
    if (this.#next === this.#end) {
      const first = this.#take();
      if (first === undefined) return undefined;
      [this.#next, this.#end] = [first, first + NUMBERS_AT_ONCE];
    }
    return this.#next++;
  }

  /** What comes next is above all numbers that any process has used. */
  skip(): void {
    this.#next = this.#end;
  }
}

interface Member {
  readonly member: string;
  readonly pair: GroupPair;
}

/** Seals and opens with the keys that a group has now. */
export class GroupKeys {
  readonly epoch: GroupEpoch;
  readonly #name: string;
  readonly #context: GroupContext;
  readonly #numbers: GroupNumbers;
  readonly #credentialOf: GroupKeysParts["credentialOf"];
  /** By Sender ID, in hex. */
  readonly #pairs = new Map<string, Member>();

  constructor({ crypto, identity, groups, credentialOf }: GroupKeysParts, group: Group) {
    const credential = groupCredential(crypto, identity.credential);
    if (credential === undefined) throw new Error("a group's head-end has a key that signs");
    const { gid, masterSecret, masterSalt } = group.epoch;
    this.epoch = group.epoch;
    this.#name = group.name;
    this.#credentialOf = credentialOf;
    this.#context = deriveGroup(crypto, {
      ...{ gid, masterSecret, masterSalt, manager: credential },
      own: { id: HEAD_END_SENDER_ID, credential },
      signingSecretKey: identity.signingSecretKey,
    });
    this.#numbers = new GroupNumbers(groups, group);
  }

  /** Takes in who has been given these keys; who is not served, or has no key that signs, proves nothing in a group. */
  admit({ members }: Pick<Group, "members">): void {
    for (const { id, senderId } of members) {
      if (senderId === undefined || this.#pairs.has(toHex(senderId))) continue;
      const enrolled = this.#credentialOf(id);
      const credential = enrolled && groupCredential(this.#context.crypto, enrolled);
      const pair = credential && pairWith(this.#context, { id: senderId, credential });
      if (pair !== undefined) this.#pairs.set(toHex(senderId), { member: id, pair });
    }
  }

  /** The request for all members, the same bytes for each. Throws {@link HeadEndError} where the keys had their time. */
  sealForAll(content: CoapContent): BoundGroupRequest {
    return this.#orWornOut(protectGroupRequest(this.#context, this.#numbers, content));
  }

  /** The request for this member alone. Throws {@link HeadEndError} there too, and where a member can prove nothing. */
  sealFor(id: string, content: CoapContent): BoundGroupRequest {
    const found = this.#pairOf(id);
    if (found === undefined)
      throw new HeadEndError(
        "identity",
        `The meter ${id} has no key that signs, and so it can be in no group: give it a key of 'meterbench keys new meter'.`,
      );
    // A member that sees its challenge answered takes this number, and all below, for used: none that was may be above.
    if (findOption(content, OPTION.echo) !== undefined) this.#numbers.skip();
    return this.#orWornOut(protectPairwiseRequest(found.pair, this.#numbers, content));
  }

  /** Whose answer it is to this request, and what he says; `from` is who alone was asked in pairwise mode. */
  open(binding: GroupBinding, answer: CoapContent, from?: string): MemberAnswer | undefined {
    const kid = kidOfAnswer(answer);
    const found = kid === undefined ? this.#pairOf(from) : this.#pairs.get(toHex(kid));
    if (found === undefined || (from !== undefined && found.member !== from)) return undefined;
    const content = unprotectGroupAnswer(found.pair, binding, answer);
    return content && { member: found.member, content };
  }

  /** Of its latest Sender ID: who joins anew gets another one. */
  #pairOf(id: string | undefined): Member | undefined {
    return [...this.#pairs.values()].findLast(({ member }) => member === id);
  }

  #orWornOut(request: BoundGroupRequest | undefined): BoundGroupRequest {
    if (request !== undefined) return request;
    throw new HeadEndError(
      "answer",
      `The keys of ${this.#name} have been used up or replaced meanwhile: ask again, and the group gets new ones.`,
    );
  }
}
