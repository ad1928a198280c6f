// `clock TARGET`: what time a meter has, and how well it knows it.
import type { Command } from "commander";
import { clockDocument, clockLines } from "../clock-output.ts";
import { say, sayJson } from "../output.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions } from "../target.ts";

const HELP = `
The difference is to this machine's clock, whose own error is not known here: look at that first ('timedatectl', or
'chronyc tracking'). It is as uncertain as half of the round trip, and half a second more, as meters tell whole seconds.

Example: meterbench clock pty:./meter1`;

export function addClockCommand(program: Command): void {
  withTargetOptions(program.command("clock <target>"))
    .description("show a meter's time, how far it is from this machine's, and how well the meter knows it")
    .addHelpText("after", HELP)
    .action(async (target: string, options: TargetOptions) => {
      const read = await withHeadEnd(target, options, async (headEnd, to) => {
        const askedUtcMs = Date.now();
        return { askedUtcMs, ...(await headEnd.readClock(to)) };
      });
      if (options.json) return sayJson(clockDocument(read));
      for (const line of clockLines(read)) say(line);
    });
}
