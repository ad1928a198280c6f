// Which groups a head-end has, with whom in them and by which keys: one file, which several processes may change.
import { EMPTY, equal } from "../../../firmware/protocol/bytes.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { RegistryError } from "../errors.ts";
import { withFileLock } from "../file-lock.ts";
import {
  EPOCH_NUMBERS_MAX,
  type Group,
  type GroupEpoch,
  type GroupMember,
  type GroupRule,
  MEMBERS_MAX,
  type MemberState,
  senderIdOf,
} from "./group.ts";
import { readGroups, writeGroups } from "./group-file.ts";

export interface NewGroup {
  readonly name: string;
  readonly rule: GroupRule;
  readonly block?: string | undefined;
  readonly headEnd: Uint8Array;
}

/** With four bytes of chance no two epochs of a head-end have one Gid in practice, and a request stays short. */
const GID_BYTES = 4;
const SECRET_BYTES = 16;
const SALT_BYTES = 8;

/**
 * Every change is durable when the call returns: keys and numbers before anybody hears of them, so that a cut leaves
 * nothing to be used twice. All methods throw {@link RegistryError}.
 */
export class GroupRegistry {
  readonly path: string;
  readonly #random: Random;
  readonly #utcMs: () => number;

  constructor(path: string, random: Random, utcMs: () => number) {
    this.path = path;
    this.#random = random;
    this.#utcMs = utcMs;
  }

  list(): readonly Group[] {
    return readGroups(this.path);
  }

  find(name: string): Group | undefined {
    return this.list().find((group) => group.name === name);
  }

  /** A group with keys and nobody in it; false where there is one of that name. */
  create({ name, rule, block, headEnd }: NewGroup): boolean {
    return withFileLock(this.path, () => {
      const groups = this.list();
      if (groups.some((group) => group.name === name)) return false;
      const epoch = this.#newEpoch(0);
      writeGroups(this.path, [...groups, { ...{ name, rule, block, headEnd, epoch }, members: [] }]);
      return true;
    });
  }

  /** Nobody is in it any more. */
  end(name: string): void {
    withFileLock(this.path, () => {
      const groups = this.list();
      writeGroups(
        this.path,
        groups.filter((group) => group.name !== name),
      );
    });
  }

  /** Whoever is in it already stays as he is. */
  add(name: string, ids: readonly string[]): Group {
    return this.#change(name, (group) => {
      const fresh = ids.filter((id) => !group.members.some((member) => member.id === id));
      const waiting = [...new Set(fresh)].map((id): GroupMember => ({ id, state: "waiting" }));
      if (group.members.length + waiting.length > MEMBERS_MAX)
        throw new RegistryError(
          `The group ${name} would have more than ${MEMBERS_MAX} members: make another group.`,
        );
      return { ...group, members: [...group.members, ...waiting] };
    });
  }

  /** Without these members, and with keys that they never had. */
  remove(name: string, ids: readonly string[]): Group {
    return this.#change(name, (group) => {
      const members = group.members.filter(({ id }) => !ids.includes(id));
      // Another process may have done it meanwhile, and given the others their keys.
      return members.length === group.members.length ? group : this.#rekeyed({ ...group, members });
    });
  }

  /** Without these members, who were never given the keys that it has. */
  dismiss(name: string, ids: readonly string[]): Group {
    return this.#change(name, (group) => {
      const stays = ({ id, senderId }: GroupMember) => senderId !== undefined || !ids.includes(id);
      return { ...group, members: group.members.filter(stays) };
    });
  }

  /**
   * Other keys, which all members have yet to be given; where an epoch is named, in the place of that one alone: another
   * process may have replaced it meanwhile.
   */
  rekey(name: string, epoch?: Pick<GroupEpoch, "gid">): Group {
    return this.#change(name, (group) =>
      equal(group.epoch.gid, (epoch ?? group.epoch).gid) ? this.#rekeyed(group) : group,
    );
  }

  /** What all members' nameplates must say, from the first one that joins on. */
  settle(name: string, { block, value }: { readonly block: string; readonly value: string }): Group {
    return this.#change(name, (group) => ({
      ...group,
      block: group.block ?? block,
      value: group.value ?? value,
    }));
  }

  /**
   * A Sender ID that nobody has had in this epoch: whoever joins once more may have forgotten the numbers that he used
   * under the one before. Undefined for who is not in the group.
   */
  admit(name: string, id: string): { readonly group: Group; readonly senderId: Uint8Array } | undefined {
    const group = this.#change(name, (before) => {
      if (!before.members.some((member) => member.id === id)) return before;
      const { nextSenderId } = before.epoch;
      const epoch = { ...before.epoch, nextSenderId: nextSenderId + 1 };
      const member: GroupMember = { id, state: "waiting", senderId: senderIdOf(nextSenderId) };
      return { ...withMember(before, member), epoch };
    });
    const senderId = group.members.find((member) => member.id === id)?.senderId;
    return senderId && { group, senderId };
  }

  /**
   * How it stands with a member that has this Sender ID, if it still has: another process may have had it join anew.
   */
  mark(name: string, { epoch: { gid }, members }: Group, id: string, state: MemberState): Group {
    const known = members.find((one) => one.id === id)?.senderId;
    return this.#change(name, (group) => {
      const member = group.members.find((one) => one.id === id);
      const isSame = equal(group.epoch.gid, gid) && equal(member?.senderId ?? EMPTY, known ?? EMPTY);
      return member !== undefined && isSame ? withMember(group, { ...member, state }) : group;
    });
  }

  /**
   * The first of so many numbers that no request has had; undefined where the epoch has no more, or is over.
   */
  takeNumbers(name: string, { gid }: Pick<GroupEpoch, "gid">, count: number): number | undefined {
    let first: number | undefined;
    this.#change(name, (group) => {
      const { nextNumber } = group.epoch;
      if (!equal(group.epoch.gid, gid) || nextNumber + count > EPOCH_NUMBERS_MAX) return group;
      first = nextNumber;
      return { ...group, epoch: { ...group.epoch, nextNumber: nextNumber + count } };
    });
    return first;
  }

  #rekeyed(group: Group): Group {
    const members = group.members.map(({ id }): GroupMember => ({ id, state: "waiting" }));
    return { ...group, members, epoch: this.#newEpoch(group.epoch.keyGeneration) };
  }

  /** A generation is later than those of a group that had its name before: members take no older one. */
  #newEpoch(generationBefore: number): GroupEpoch {
    const bornUtcMs = Math.floor(this.#utcMs());
    return {
      gid: this.#random.bytes(GID_BYTES),
      masterSecret: this.#random.bytes(SECRET_BYTES),
      masterSalt: this.#random.bytes(SALT_BYTES),
      keyGeneration: Math.max(generationBefore + 1, Math.floor(bornUtcMs / 1000)),
      bornUtcMs,
      nextSenderId: 1,
      nextNumber: 0,
    };
  }

  #change(name: string, change: (group: Group) => Group): Group {
    return withFileLock(this.path, () => {
      const groups = this.list();
      const before = groups.find((group) => group.name === name);
      if (before === undefined)
        throw new RegistryError(`There is no group ${name}: see 'meterbench group list'.`);
      const after = change(before);
      if (after !== before)
        writeGroups(
          this.path,
          groups.map((group) => (group === before ? after : group)),
        );
      return after;
    });
  }
}

function withMember(group: Group, member: GroupMember): Group {
  return { ...group, members: group.members.map((one) => (one.id === member.id ? member : one)) };
}
