// What commands on groups show: as documents, and for people.

import type { ExchangeSize } from "../head-end/client.ts";
import type { Tally } from "../head-end/groups/gathered.ts";
import type { Group } from "../head-end/groups/group.ts";
import type { Joining } from "../head-end/groups/group-manager.ts";
import type { Proposal, Proposals } from "../head-end/groups/suggest.ts";
import { printable, sizeText, table, utcText } from "./output.ts";

export function joiningDocument(group: string, joinings: readonly Joining[]) {
  return {
    group,
    members: joinings.map(({ id, outcome, why }) => ({
      meter: id,
      outcome,
      ...(why !== undefined && { why }),
    })),
  };
}

export function joiningLines(joinings: readonly Joining[]): string[] {
  return joinings.map(({ id, outcome, why }) => printable(joiningText(id, outcome, why)));
}

function joiningText(id: string, outcome: Joining["outcome"], why = ""): string {
  if (outcome === "joined") return `Meter ${id} has the keys of the group.`;
  if (outcome === "unfit") return `Meter ${id} stays out: it ${why}.`;
  return `Meter ${id} waits for its keys: ${why}`;
}

/** Nothing of it is secret. */
export function groupDocument({ name, rule, block, value, members, epoch }: Group) {
  return {
    group: name,
    block: block ?? null,
    rule,
    value: value ?? null,
    epoch: epoch.keyGeneration,
    since: utcText(Math.floor(epoch.bornUtcMs / 1000)),
    numbers: epoch.nextNumber,
    members: members.map(({ id, state }) => ({ meter: id, state })),
  };
}

export function groupLines(groups: readonly Group[]): string[] {
  const rows = groups.map((group) => {
    const { name, rule, block = "", members, epoch } = group;
    const joined = members.filter(({ state }) => state === "joined").length;
    const others = members.filter(({ state }) => state !== "joined").map(({ id, state }) => `${id} ${state}`);
    return [
      name,
      block === "" ? "no block" : `block ${block}`,
      `by ${rule}`,
      `${joined} of ${members.length} joined`,
      `keys of ${utcText(Math.floor(epoch.bornUtcMs / 1000))}`,
      others.join(", "),
    ].map(printable);
  });
  return rows.length === 0 ? ["There are no groups: see 'meterbench group suggest'."] : table(rows);
}

export function proposalLines({ proposals, unknown }: Proposals): string[] {
  const lines = proposals.map((proposal) => `meterbench ${commandOf(proposal)}`);
  if (lines.length === 0) lines.push("No meters of one block are set alike that are not in a group yet.");
  if (unknown.length > 0)
    lines.push(
      `Nothing is known of ${unknown.join(", ")}: read their nameplates (meterbench info meter:ID).`,
    );
  return lines.map(printable);
}

/** As it can be pasted into a shell: a block's name may have anything in it. */
function commandOf({ name, rule, block, members }: Proposal): string {
  const quoted = /^[\w.-]+$/.test(block) ? block : `'${block.replaceAll("'", "'\\''")}'`;
  return `group create ${name} ${members.join(" ")} --block ${quoted} --rule ${rule}`;
}

export function tallyText(group: string, tally: Tally, size: ExchangeSize): string {
  const { answered, late, missing, refused } = tally;
  const counts: readonly (readonly [number, string])[] = [
    [late, "only when asked again"],
    [missing, "missing"],
    [refused, "refused"],
  ];
  const rest = counts.filter(([count]) => count > 0).map(([count, what]) => `, ${count} ${what}`);
  const all = answered + late + missing + refused;
  return `Group ${group}: ${answered + late} of ${all} answered${rest.join("")}; ${sizeText(size)}`;
}
