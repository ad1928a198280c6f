// Which groups the meters of a registry would make, by what their nameplates said.
import { isValidId } from "../../../firmware/identity/identity.ts";
import type { Enrolment } from "../registry-file.ts";
import { GROUP_RULES, type Group, type GroupPlate, type GroupRule, ruleValue } from "./group.ts";

/** Meters that could be one group. */
export interface Proposal {
  /** One that no group and no other proposal has. */
  readonly name: string;
  readonly rule: GroupRule;
  readonly block: string;
  readonly value: string;
  readonly members: readonly string[];
}

export interface Proposals {
  readonly proposals: readonly Proposal[];
  /** Meters whose nameplate nobody has read. */
  readonly unknown: readonly string[];
}

/** One request to two meters costs less than two requests. */
const MEMBERS_MIN = 2;
/** So that a number behind it leaves it a name. */
const NAME_BASE_MAX = 24;

interface Described {
  readonly id: string;
  readonly plate: GroupPlate;
}

/**
 * Of each block the meters that are set alike, and those that are charged by one policy where that makes other groups.
 * Groups that there are already are not proposed.
 */
export function suggestGroups(enrolments: readonly Enrolment[], groups: readonly Group[]): Proposals {
  const described = enrolments.flatMap(({ id, plate }) => (plate === undefined ? [] : [{ id, plate }]));
  const taken = new Set(groups.map(({ members }) => setOf(members.map(({ id }) => id))));
  const names = new Set([...groups.map(({ name }) => name), ...enrolments.map(({ id }) => id)]);
  const proposals: Proposal[] = [];
  for (const rule of GROUP_RULES) {
    for (const alike of gathered(rule, described)) {
      const members = alike.map(({ id }) => id);
      if (members.length < MEMBERS_MIN || taken.has(setOf(members))) continue;
      taken.add(setOf(members));
      const { plate } = alike[0] as Described;
      const name = freeName(plate.block, names);
      proposals.push({ name, rule, block: plate.block, value: ruleValue(rule, plate), members });
    }
  }
  const unknown = enrolments.filter(({ plate }) => plate === undefined).map(({ id }) => id);
  return { proposals, unknown };
}

/** Meters of one block with one value, in the order that they are enrolled; who has none is in no group. */
function gathered(rule: GroupRule, described: readonly Described[]): readonly (readonly Described[])[] {
  const sets = new Map<string, Described[]>();
  for (const one of described) {
    const value = ruleValue(rule, one.plate);
    const key = JSON.stringify([one.plate.block, value]);
    if (value !== "") sets.set(key, [...(sets.get(key) ?? []), one]);
  }
  return [...sets.values()];
}

function setOf(ids: readonly string[]): string {
  return [...ids].sort().join(" ");
}

/** A block's own name, where it can be a group's. */
function freeName(block: string, names: Set<string>): string {
  const base = isValidId(block) && block.length <= NAME_BASE_MAX ? block : "group";
  let name = base;
  for (let n = 2; names.has(name); n++) name = `${base}-${n}`;
  names.add(name);
  return name;
}
