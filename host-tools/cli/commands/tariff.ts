// `tariff TARGET`: which rates a meter books energy on, and when.
import type { Command } from "commander";
import type { HeadEnd, Target } from "../../head-end/client.ts";
import { writeTariffFile } from "../../tariff-file.ts";
import { pathOption } from "../common.ts";
import { usageFault } from "../fault.ts";
import { createFile } from "../home.ts";
import { say, sayJson } from "../output.ts";
import { addSizes } from "../sizes.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions } from "../target.ts";
import { type TariffRead, tariffDocument, tariffLines } from "../tariff-output.ts";

type Options = TargetOptions & { readonly out?: string };

export function addTariffCommand(program: Command): void {
  withTargetOptions(program.command("tariff <target>"))
    .description("show a meter's tariff tables, and the rate in force")
    .option(
      "--out <file>",
      "write the active table as a tariff file; an existing one is never replaced",
      pathOption,
    )
    .addHelpText("after", "\nExample: meterbench tariff pty:./meter1 --out household.tariff.json")
    .action(async (target: string, options: Options) => {
      const read = await withHeadEnd(target, options, readTariff);
      const { out } = options;
      if (out !== undefined) writeTable(out, read);
      if (options.json) return sayJson({ ...tariffDocument(read), ...(out !== undefined && { file: out }) });
      for (const line of tariffLines(read)) say(line);
      if (out !== undefined) say(`The active table is in ${out}.`);
    });
}

/** The clock says which rate is in force, and where the meter's zone is. */
async function readTariff(headEnd: HeadEnd, target: Target): Promise<TariffRead> {
  const clock = await headEnd.readClock(target);
  const { meter, body, size } = await headEnd.readTariff(target);
  return { meter, clock: clock.body, plan: body, size: addSizes(clock.size, size) };
}

function writeTable(file: string, { plan }: TariffRead): void {
  if (!createFile(file, writeTariffFile(plan.active), 0o644)) {
    throw usageFault(`The file ${file} exists and a tariff file is never replaced: name a new file.`);
  }
}
