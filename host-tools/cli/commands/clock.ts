// `clock TARGET`: what time a meter has, and how well it knows it.
import type { Command } from "commander";
import type { ClockSetOutcome } from "../../../firmware/protocol/readings/clock-reading.ts";
import type { HeadEnd, Target } from "../../head-end/client.ts";
import { HeadEndError } from "../../head-end/errors.ts";
import { type ClockRead, clockDocument, clockLines } from "../clock-output.ts";
import { say, sayJson } from "../output.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions } from "../target.ts";

const HELP = `
The difference is to this machine's clock, whose own error is not known here: look at that first ('timedatectl', or
'chronyc tracking'). It is as uncertain as half of the round trip, and half a second more, as meters tell whole seconds.

Example: meterbench clock pty:./meter1`;

type Options = TargetOptions & { readonly sync?: boolean };

export function addClockCommand(program: Command): void {
  withTargetOptions(program.command("clock <target>"))
    .description("show a meter's time, how far it is from this machine's, and how well the meter knows it")
    .option("--sync", "set it to this machine's time first; takes the right for it")
    .addHelpText("after", HELP)
    .action(async (target: string, options: Options) => {
      const { outcome, read } = await withHeadEnd(target, options, async (headEnd, to) => {
        const taken = options.sync ? await sync(headEnd, to) : undefined;
        return { outcome: taken, read: await readClock(headEnd, to) };
      });
      if (options.json) return sayJson({ ...clockDocument(read), ...(outcome && { sync: outcome }) });
      if (outcome !== undefined) say(syncText(outcome));
      for (const line of clockLines(read)) say(line);
    });
}

async function readClock(headEnd: HeadEnd, to: Target): Promise<ClockRead> {
  const askedUtcMs = Date.now();
  return { askedUtcMs, ...(await headEnd.readClock(to)) };
}

/**
 * The meter takes the time as of the set's arrival: half a round trip from now, and a whole one more, as it first asks
 * for proof that the set is of now. A reading before tells how long one takes, without the handshake.
 */
async function sync(headEnd: HeadEnd, to: Target): Promise<ClockSetOutcome> {
  await headEnd.readClock(to);
  const { body, size } = await headEnd.readClock(to);
  if (body.challenge.length === 0) {
    throw new HeadEndError(
      "identity",
      `The meter at ${to.name} does not let this head-end set its clock: give it that right there (serve --allow).`,
    );
  }
  const utcMs = Math.round(Date.now() + 1.5 * size.milliseconds);
  return (await headEnd.setClock(to, { utcMs, challenge: body.challenge })).body;
}

function syncText({ kind, byMs }: ClockSetOutcome): string {
  const by = `${(Math.abs(byMs) / 1000).toFixed(1)} s ${byMs < 0 ? "back" : "forward"}`;
  if (kind === "started") return "The clock had no time and has it now.";
  return kind === "set"
    ? `The clock was set ${by}: its meter has logged that, and flags the interval.`
    : `The clock slews ${by}, by a second a minute: no interval is cut.`;
}
