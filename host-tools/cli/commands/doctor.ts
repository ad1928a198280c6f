// `doctor`: what is missing on this machine, and how to get it.
import type { Command } from "commander";
import { examine } from "../../doctor/doctor.ts";
import { thisSystem } from "../../doctor/this-system.ts";
import { type CommonOptions, withJson } from "../common.ts";
import { EXIT } from "../fault.ts";
import { printable, say, sayJson } from "../output.ts";

export function addDoctorCommand(program: Command): void {
  withJson(program.command("doctor"))
    .description("check this machine and its serial ports, and say how to mend what is wrong")
    .addHelpText("after", "\nExit code 1 where something will not work.\nExample: meterbench doctor")
    .action(({ json }: Pick<CommonOptions, "json">) => {
      const findings = examine(thisSystem);
      const ok = findings.every(({ level }) => level !== "problem");
      if (!ok) process.exitCode = EXIT.unexpected;
      if (json) return sayJson({ ok, findings });
      for (const { level, finding, mend } of findings) {
        say(`${level.padEnd("problem".length)}  ${printable(finding)}`);
        if (mend !== undefined) say(`${" ".repeat("problem".length)}  ${printable(mend)}`);
      }
    });
}
