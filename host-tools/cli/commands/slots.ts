// `slots --on TARGET`: what a board has in its slots, and how its last update ended.
import type { Command } from "commander";
import { slotsDocument, slotsLines } from "../flash-output.ts";
import { withFlashTarget } from "../flash-target.ts";
import { say, sayJson } from "../output.ts";
import { type TargetOptions, withTargetOptions } from "../target.ts";

export function addSlotsCommand(program: Command): void {
  withTargetOptions(program.command("slots"))
    .description("show what a board has in its slots, and how its last update ended")
    .requiredOption("--on <target>", "the board: dir:PATH, ssh:HOST, serial:PATH or coap:TARGET")
    .addHelpText("after", "\nExample: meterbench slots --on ssh:root@pi4.lab")
    .action(async ({ on, ...options }: TargetOptions & { on: string }) => {
      const { name, report } = await withFlashTarget(on, options, async (target) => ({
        name: target.name,
        report: await target.report(),
      }));
      if (options.json) return sayJson(slotsDocument(name, report));
      for (const line of slotsLines(name, report)) say(line);
    });
}
