// `dap-status ADDRESS`: what a DAP tells its operator of itself.
import type { Command } from "commander";
import type { DapStatus } from "../../dap/operator/status.ts";
import { knownDaps, readDap } from "../dap-session.ts";
import { usageFault } from "../fault.ts";
import { printable, say, sayJson, table, words } from "../output.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions } from "../target.ts";

export function addDapStatusCommand(program: Command): void {
  withTargetOptions(program.command("dap-status <address>"))
    .description("show how a data aggregation point works: settings, meters, queues and counters")
    .addHelpText("after", "\nExample: meterbench dap-status udp:127.0.0.1:5683")
    .action(async (address: string, options: TargetOptions) => {
      const daps = knownDaps(options);
      if (daps.length === 0)
        throw usageFault(
          "No DAP is known here: give its credential file with --dap, or its folder with --home.",
        );
      const { body } = await withHeadEnd(address, options, (headEnd, at) => readDap(headEnd, at, daps));
      if (options.json) return sayJson(body);
      for (const line of lines(body)) say(line);
    });
}

function lines({ lines: links, groups, counters, ...facts }: DapStatus): string[] {
  const rows = Object.entries({ ...facts, ...counters }).map(([name, value]) => [
    words(name),
    printable(String(value)),
  ]);
  const lineRows = links.map(({ name, aliases, waiting, underWay, unasked }) => [
    printable(name),
    `${aliases.length} meters`,
    `${waiting} waiting`,
    `${underWay} under way`,
    printable(talkers(unasked)),
  ]);
  const groupRows = Object.entries(groups).map(([name, members]) => [
    printable(name),
    printable(members.join(" ")),
  ]);
  return [...table(rows), ...table(lineRows), ...table(groupRows)];
}

function talkers(unasked: Readonly<Record<string, number>>): string {
  const found = Object.entries(unasked).map(([name, count]) => `${name} talks unasked (${count})`);
  return found.join(", ");
}
