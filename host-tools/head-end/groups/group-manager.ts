// The group manager (RFC 10021 3): who is in a group, and that each member is given its keys over a session of its own.
import type { Identity } from "../../../firmware/identity/identity.ts";
import { equal } from "../../../firmware/protocol/bytes.ts";
import { groupCredential } from "../../../firmware/protocol/group/credential.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import type { HeadEnd, Target } from "../client.ts";
import { HeadEndError } from "../errors.ts";
import type { Registry } from "../registry.ts";
import { isServed } from "../registry-file.ts";
import { type Group, groupPlateOf, isWornOut, membershipOf, misfit, ruleValue } from "./group.ts";
import type { GroupRegistry, NewGroup } from "./group-registry.ts";
import { inTurns } from "./turns.ts";

/** Where a meter is: the head-end on its line, and its place there. */
export interface Place {
  readonly headEnd: Pick<HeadEnd, "readNameplate" | "joinGroup" | "leaveGroup">;
  readonly target: Target;
}

export interface GroupManagerParts {
  readonly groups: GroupRegistry;
  readonly registry: Pick<Registry, "content" | "describes">;
  readonly crypto: CryptoEngine;
  readonly identity: Identity;
  readonly utcMs: () => number;
  /** Throws a {@link HeadEndError} where there is no way to a meter. */
  readonly placeOf: (id: string) => Place;
  /**
   * Has a member prove that it has the keys of its group, and challenge the head-end, whose numbers it knows from then
   * on. Rejects with {@link HeadEndError}.
   */
  readonly prove: (group: Group, id: string) => Promise<void>;
}

/** How it stands with a member that was to be given keys, and why it has not joined. */
export interface Joining {
  readonly id: string;
  readonly outcome: "joined" | "unfit" | "waiting";
  readonly why?: string;
}

/** Handshakes under way at once: on one line they wait for each other anyway. */
const JOINING_AT_ONCE = 4;

/** Keeps groups of one head-end. What a method was cut off from, {@link GroupManager.prepare} does later. */
export class GroupManager {
  readonly #parts: GroupManagerParts;

  constructor(parts: GroupManagerParts) {
    this.#parts = parts;
  }

  /**
   * Makes a group and has meters join it. It is not made where none of them is of it. Throws {@link HeadEndError}, and
   * RegistryError.
   */
  async create(wanted: Omit<NewGroup, "headEnd">, ids: readonly string[]): Promise<readonly Joining[]> {
    const { groups } = this.#parts;
    this.#refuseStrangers(ids);
    if (!groups.create({ ...wanted, headEnd: this.#ownCredential() }))
      throw new HeadEndError(
        "not-there",
        `There is a group ${wanted.name} already: have meters join it with 'meterbench group add', or take another name.`,
      );
    try {
      return await this.add(wanted.name, ids);
    } finally {
      if (groups.find(wanted.name)?.members.length === 0) groups.end(wanted.name);
    }
  }

  /** Has more meters join; whoever is unfit stays out. Throws {@link HeadEndError}, and RegistryError. */
  async add(name: string, ids: readonly string[]): Promise<readonly Joining[]> {
    const { groups } = this.#parts;
    const { members } = this.own(name);
    this.#refuseStrangers(ids);
    groups.add(name, ids);
    const joinings = await this.prepare(name);
    const isNew = (id: string): boolean => !members.some((member) => member.id === id);
    const unfit = joinings.filter(({ id, outcome }) => outcome === "unfit" && isNew(id));
    groups.dismiss(
      name,
      unfit.map(({ id }) => id),
    );
    return joinings;
  }

  /**
   * Takes meters out: the others get keys that those never had. A group without members is no more; undefined then. A
   * meter that is not reached forgets its keys at the end of their day. Throws {@link HeadEndError}, and RegistryError.
   */
  async remove(name: string, ids: readonly string[]): Promise<readonly Joining[] | undefined> {
    const { groups } = this.#parts;
    const before = this.own(name);
    const stranger = ids.find((id) => !before.members.some((member) => member.id === id));
    if (stranger !== undefined)
      throw new HeadEndError(
        "not-there",
        `The meter ${stranger} is not in the group ${name}: see 'meterbench group list'.`,
      );
    const after = groups.remove(name, ids);
    await inTurns(ids, JOINING_AT_ONCE, (id) => this.#tellToLeave(before, id));
    if (after.members.length > 0) return this.prepare(name);
    groups.end(name);
    return undefined;
  }

  /** Gives the group other keys. Throws {@link HeadEndError}, and RegistryError. */
  async rekey(name: string): Promise<readonly Joining[]> {
    this.own(name);
    this.#parts.groups.rekey(name);
    return this.prepare(name);
  }

  /**
   * All that is to be done before a group can be asked: whoever is not served any more is out, keys that had their time
   * are replaced, and whoever waits for keys is given them. Throws {@link HeadEndError}, and RegistryError.
   */
  async prepare(name: string): Promise<readonly Joining[]> {
    const { groups, utcMs } = this.#parts;
    const { members, epoch } = this.own(name);
    const lost = members.map(({ id }) => id).filter((id) => !this.#isServed(id));
    if (lost.length > 0) groups.remove(name, lost);
    else if (isWornOut(epoch, utcMs())) groups.rekey(name, epoch);
    const joined = await this.#joinAll(name);
    return [
      ...lost.map((id): Joining => ({ id, outcome: "unfit", why: "is not enrolled any more" })),
      ...joined,
    ];
  }

  /** The group, which is this head-end's. Throws {@link HeadEndError}. */
  own(name: string): Group {
    const group = this.#parts.groups.find(name);
    if (group === undefined)
      throw new HeadEndError("not-there", `There is no group ${name}: see 'meterbench group list'.`);
    if (equal(group.headEnd, this.#ownCredential())) return group;
    throw new HeadEndError(
      "identity",
      `The group ${name} obeys another head-end: ask with the key that it was made with (--keys).`,
    );
  }

  /** One first where it is to say what all must have in common. */
  async #joinAll(name: string): Promise<readonly Joining[]> {
    const group = this.own(name);
    const waiting = group.members.filter(({ state }) => state !== "joined").map(({ id }) => id);
    const outcomes: Joining[] = [];
    for (let id = waiting[0]; id !== undefined && this.own(name).value === undefined; id = waiting[0]) {
      outcomes.push(await this.#join(name, id));
      waiting.shift();
    }
    return [...outcomes, ...(await inTurns(waiting, JOINING_AT_ONCE, (id) => this.#join(name, id)))];
  }

  /** A session from before may be known to whoever has the meter's keys of before: the group's go over a new one. */
  async #join(name: string, id: string): Promise<Joining> {
    const { groups, registry, placeOf, prove } = this.#parts;
    try {
      const place = placeOf(id);
      const { headEnd, target } = place;
      const plate = groupPlateOf((await headEnd.readNameplate(target, "new")).body);
      registry.describes(id, plate);
      const before = this.own(name);
      const why = misfit(before, plate);
      if (why !== undefined) {
        groups.mark(name, before, id, "unfit");
        return { id, outcome: "unfit", why };
      }
      groups.settle(name, { block: plate.block, value: ruleValue(before.rule, plate) });
      await this.#leaveBefore(place, before, id);
      const admitted = groups.admit(name, id);
      if (admitted === undefined) return { id, outcome: "unfit", why: "was taken out meanwhile" };
      const { group, senderId } = admitted;
      await headEnd.joinGroup(target, membershipOf(group, senderId));
      await prove(group, id);
      groups.mark(name, group, id, "joined");
      return { id, outcome: "joined" };
    } catch (error) {
      if (!(error instanceof HeadEndError)) throw error;
      return { id, outcome: "waiting", why: error.message };
    }
  }

  /** Who was given keys before in this epoch may have taken them, and takes none with another Sender ID beside. */
  async #leaveBefore({ headEnd, target }: Place, { epoch, members }: Group, id: string): Promise<void> {
    if (members.find((member) => member.id === id)?.senderId === undefined) return;
    try {
      await headEnd.leaveGroup(target, epoch.gid);
    } catch (error) {
      if (!(error instanceof HeadEndError) || error.kind !== "not-there") throw error;
    }
  }

  async #tellToLeave({ epoch }: Group, id: string): Promise<void> {
    if (!this.#isServed(id)) return;
    try {
      const { headEnd, target } = this.#parts.placeOf(id);
      await headEnd.leaveGroup(target, epoch.gid);
    } catch (error) {
      if (!(error instanceof HeadEndError)) throw error;
    }
  }

  #ownCredential(): Uint8Array {
    const { crypto, identity } = this.#parts;
    const credential = groupCredential(crypto, identity.credential);
    if (credential === undefined)
      throw new HeadEndError(
        "identity",
        `The key of ${identity.credential.id} has none that signs: make another with 'meterbench keys new head-end'.`,
      );
    return credential.bytes;
  }

  #refuseStrangers(ids: readonly string[]): void {
    const stranger = ids.find((id) => !this.#isServed(id));
    if (stranger !== undefined)
      throw new HeadEndError(
        "identity",
        `The meter ${stranger} is not enrolled: run 'meterbench enrol CREDENTIAL-FILE' first.`,
      );
  }

  #isServed(id: string): boolean {
    const { enrolments, issuers } = this.#parts.registry.content();
    const enrolment = enrolments.find((one) => one.id === id);
    return enrolment !== undefined && isServed(enrolment, issuers);
  }
}
