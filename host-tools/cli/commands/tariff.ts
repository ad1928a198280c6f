// `tariff TARGET`: which rates a meter books energy on, and when.
import type { Command } from "commander";
import type { HeadEnd, Target } from "../../head-end/client.ts";
import { writeTariffFile } from "../../tariff-file.ts";
import { tariffOf } from "../billing.ts";
import { pathOption } from "../common.ts";
import { usageFault } from "../fault.ts";
import { createFile } from "../home.ts";
import { say, sayJson } from "../output.ts";
import { addSizes } from "../sizes.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions } from "../target.ts";
import { type TariffRead, tariffDocument, tariffLines } from "../tariff-output.ts";

type Options = TargetOptions & {
  readonly out?: string;
  readonly set?: string;
  readonly nextTariff?: string;
  readonly nextTariffFrom?: string;
};

const HELP = `
A tariff file is JSON. Seasons, weeks and days refer to each other by name; times are the wall clock's where the meter
is, rates are 1 to 8, and a date without a year is one of each year:

{
  "meterbench": "tariff",
  "seasons": [{ "from": "01-01", "week": "all" }],
  "weeks": [{ "name": "all", "days": ["work", "work", "work", "work", "work", "rest", "rest"] }],
  "days": [
    { "name": "work", "rates": [{ "from": "00:00", "rate": 2 }, { "from": "06:00", "rate": 1 }] },
    { "name": "rest", "rates": [{ "from": "00:00", "rate": 2 }] }
  ],
  "specialDays": [{ "date": "12-25", "day": "rest" }, { "date": "2027-03-26", "day": "rest" }]
}

A meter takes one with 'serve --tariff', or by --set. Names do not travel: the tables of a meter have numbers in their place.

Example: meterbench tariff pty:./meter1 --out household.tariff.json`;

export function addTariffCommand(program: Command): void {
  withTargetOptions(program.command("tariff <target>"))
    .description("show a meter's tariff tables, and the rate in force")
    .option(
      "--out <file>",
      "write the active table as a tariff file; an existing one is never replaced",
      pathOption,
    )
    .option("--set <file>", "give the meter this table; takes the right for it", pathOption)
    .option(
      "--next-tariff <file>",
      "table that takes over later; with --set and --next-tariff-from",
      pathOption,
    )
    .option("--next-tariff-from <time>", "when it does: RFC 3339, or local YYYY-MM-DD[THH:MM]")
    .addHelpText("after", HELP)
    .action(async (target: string, options: Options) => {
      const plan = tariffOf({ ...options, tariff: options.set }, "--set");
      if (plan !== undefined)
        await withHeadEnd(target, options, (headEnd, to) => headEnd.setTariff(to, plan));
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
