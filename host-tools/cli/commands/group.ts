// `group`: meters that are read by one request.
import { type Command, Option } from "commander";
import { isValidId } from "../../../firmware/identity/identity.ts";
import { GROUP_RULES, type GroupRule } from "../../head-end/groups/group.ts";
import type { Joining } from "../../head-end/groups/group-manager.ts";
import { suggestGroups } from "../../head-end/groups/suggest.ts";
import { registryOf } from "../common.ts";
import { EXIT, usageFault } from "../fault.ts";
import { groupDocument, groupLines, joiningDocument, joiningLines, proposalLines } from "../group-output.ts";
import {
  type GroupFileOptions,
  type GroupOptions,
  groupsOf,
  membersOf,
  withGroup,
  withGroupFileOptions,
  withGroupOptions,
} from "../group-session.ts";
import { printable, say, sayJson } from "../output.ts";
import { addGroupReadCommands } from "./group-read.ts";

const HELP = `
A group has one block of flats or one street, and one rule: its meters are set alike, by the configuration digest on
their nameplates, or charged by one policy. Each meter is given the group's keys over a new session of its own; they are
replaced where a member leaves, after a day, and where the head-end's machine was started anew or its files were put back,
by whatever command asks the group next.

Examples: meterbench group suggest
          meterbench group create B7 M1 M2 M3
          meterbench group read B7 1.8.0 --via udp:127.0.0.1:5700`;

export function addGroupCommand(program: Command): void {
  const group = program
    .command("group")
    .description("groups of meters, which are read by one request")
    .addHelpText("after", HELP);
  addCreate(group);
  withGroupOptions(group.command("add <name> <meter...>"))
    .description("have more meters join a group")
    .addHelpText("after", "\nExample: meterbench group add B7 M4 --via udp:127.0.0.1:5700")
    .action(async (name: string, meters: string[], options: GroupOptions) => {
      const ids = [...membersOf(groupsOf(options), name), ...validIds(...meters)];
      const joinings = await withGroup(options, ids, ({ manager }) => manager.add(name, meters));
      const before = meters.filter((meter) => joinings.every(({ id }) => id !== meter));
      tell(name, [...joinings, ...before.map((id): Joining => ({ id, outcome: "joined" }))], options);
    });
  withGroupOptions(group.command("remove <name> <meter...>"))
    .description("take meters out of a group; the others get new keys, and a group of none is no more")
    .addHelpText("after", "\nExample: meterbench group remove B7 M4 --via udp:127.0.0.1:5700")
    .action(async (name: string, meters: string[], options: GroupOptions) => {
      const ids = membersOf(groupsOf(options), name);
      const left = await withGroup(options, ids, ({ manager }) => manager.remove(name, meters));
      if (left !== undefined) return tell(name, left, options);
      if (options.json) sayJson({ group: name, members: [] });
      else say(`The group ${name} has no members, and is no more.`);
    });
  withGroupOptions(group.command("rekey <name>"))
    .description("give a group new keys now")
    .addHelpText("after", "\nExample: meterbench group rekey B7 --via udp:127.0.0.1:5700")
    .action(async (name: string, options: GroupOptions) => {
      const ids = membersOf(groupsOf(options), name);
      tell(name, await withGroup(options, ids, ({ manager }) => manager.rekey(name)), options);
    });
  addLists(group);
  addGroupReadCommands(group);
}

function addCreate(group: Command): void {
  withGroupOptions(group.command("create <name> <meter...>"))
    .description("make a group; what all must have in common is what the first meter says")
    .option("--block <name>", "the block of flats or street that all are of (default: the first meter's)")
    .addOption(
      new Option("--rule <rule>", "what all have in common").choices(GROUP_RULES).default(GROUP_RULES[0]),
    )
    .addHelpText("after", "\nExample: meterbench group create B7 M1 M2 M3 --via udp:127.0.0.1:5700")
    .action(
      async (
        name: string,
        meters: string[],
        options: GroupOptions & { readonly block?: string; readonly rule: GroupRule },
      ) => {
        const ids = validIds(...meters);
        validIds(name);
        const wanted = { name, rule: options.rule, block: options.block };
        tell(name, await withGroup(options, ids, ({ manager }) => manager.create(wanted, ids)), options);
      },
    );
}

/** A name that can be none of a group or a meter is a usage fault. */
function validIds(...names: readonly string[]): readonly string[] {
  const other = names.find((name) => !isValidId(name));
  if (other === undefined) return names;
  throw usageFault(
    `${printable(other)} is no name: give 1 to 32 letters, digits, dots, dashes or underscores, the first a letter or digit.`,
  );
}

function addLists(group: Command): void {
  withGroupFileOptions(group.command("list"))
    .description("list groups, and who has joined them")
    .addHelpText("after", "\nExample: meterbench group list")
    .action((options: GroupFileOptions) => {
      const groups = groupsOf(options).list();
      if (options.json) return sayJson({ groups: groups.map(groupDocument) });
      for (const line of groupLines(groups)) say(line);
    });
  withGroupFileOptions(group.command("suggest"))
    .description("say which groups the enrolled meters would make, by their nameplates")
    .addHelpText("after", "\nExample: meterbench group suggest")
    .action((options: GroupFileOptions) => {
      const suggested = suggestGroups(registryOf(options).list(), groupsOf(options).list());
      if (options.json) return sayJson(suggested);
      for (const line of proposalLines(suggested)) say(line);
    });
}

/** Meters that have not joined make it partly done. */
function tell(name: string, joinings: readonly Joining[], options: GroupOptions): void {
  if (joinings.some(({ outcome }) => outcome !== "joined")) process.exitCode = EXIT.partly;
  if (options.json) return sayJson(joiningDocument(name, joinings));
  for (const line of joiningLines(joinings)) say(line);
}
