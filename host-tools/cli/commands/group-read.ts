// `group read` and `group profile`: all members of a group by one request, or one by one.
import { type Command, Option } from "commander";
import {
  PROFILE_PERIOD_SECONDS,
  PROFILE_STEPS,
  periodSecondsOf,
} from "../../../firmware/protocol/readings/profile-reading.ts";
import type { RegisterReading } from "../../../firmware/protocol/readings/register-reading.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import type { ExchangeSize } from "../../head-end/client.ts";
import { Gathered, type GatheredReport, type Tally } from "../../head-end/groups/gathered.ts";
import {
  ANSWERS,
  DISTRIBUTIONS,
  type Distribution,
  type GroupReadPlan,
  readGroup,
} from "../../head-end/groups/group-reader.ts";
import type { MemberReport } from "../../head-end/groups/group-reading.ts";
import {
  type BodyQuestion,
  profileQuestion,
  profileRequests,
  registersQuestion,
} from "../../head-end/questions.ts";
import { numberOption } from "../common.ts";
import { EXIT, usageFault } from "../fault.ts";
import { tallyText } from "../group-output.ts";
import {
  type GroupOptions,
  type GroupSession,
  groupsOf,
  membersOf,
  withGroup,
  withGroupOptions,
} from "../group-session.ts";
import { printable, say, sayJson } from "../output.ts";
import { profileDocument, profileLines } from "../profile-output.ts";
import { intervalsOf, spanOf } from "../profile-request.ts";
import { ageSecondsOf, type MeterReading, readingDocument, readingLines } from "../reading-output.ts";
import { addSizes, NO_EXCHANGE } from "../sizes.ts";
import { withTolerance } from "../target.ts";
import { obisOf, parseRegisters } from "./read.ts";

type ReadOptions = GroupOptions & {
  readonly distribute?: Distribution;
  readonly return?: GroupReadPlan["answers"];
  readonly within: number;
  readonly delayTolerance?: number;
};

type ProfileOptions = ReadOptions & {
  readonly from: string;
  readonly to: string;
  readonly register: string;
  readonly interval: string;
  readonly step: string;
};

/** What flow B takes at the most. */
const WITHIN_SECONDS = 30;

const HELP = `
With --via one request goes to the DAP, which gives the same bytes to each member; whoever has said nothing is asked once
more by itself. Without it, or with --distribute per-meter, each member is asked over its own session; with --return bundle
as well each has its own request by the group's keys, and the DAP, which need not know the group, gives all answers at once.
With --json each member has a line, as soon as it is known how it stands, and the last line counts them; exit 5 where one is
missing.

Examples: `;

export function addGroupReadCommands(group: Command): void {
  withReadOptions(group.command("read <name> [obis...]"))
    .description("read registers of all members; without OBIS codes, their default set")
    .addHelpText("after", `${HELP}meterbench group read B7 1.8.0 --via udp:127.0.0.1:5700`)
    .action(async (name: string, codes: string[], options: ReadOptions) => {
      const question = registersQuestion(parseRegisters(codes));
      await readAll(name, [question], options, {
        document: (meter, [body]) => readingDocument(...aged(meter, body as RegisterReading, options)),
        lines: (meter, [body]) => readingLines(...aged(meter, body as RegisterReading, options)),
      });
    });
  withReadOptions(group.command("profile <name>"))
    .description("read interval profiles of all members")
    .requiredOption("--from <time>", "first moment: RFC 3339, or local YYYY-MM-DD[THH:MM]")
    .requiredOption("--to <time>", "moment after the last: RFC 3339, or local YYYY-MM-DD[THH:MM]")
    .option("--register <obis>", "the register", "1-0:1.8.0*255")
    .addOption(
      new Option("--interval <minutes>", "length of the intervals")
        .choices(PROFILE_PERIOD_SECONDS.map((seconds) => String(seconds / 60)))
        .default("15"),
    )
    .addOption(
      new Option("--step <wh>", "steps of the values").choices(PROFILE_STEPS.map(String)).default("1"),
    )
    .addHelpText(
      "after",
      `${HELP}meterbench group profile B7 --from 2026-11-24 --to 2026-11-25 --via udp:127.0.0.1:5700`,
    )
    .action(readProfiles);
}

function withReadOptions(command: Command): Command {
  return withTolerance(withGroupOptions(command))
    .addOption(
      new Option(
        "--distribute <how>",
        "one request for all, or one to each (default: as the DAP of --via does, else per-meter)",
      ).choices(DISTRIBUTIONS),
    )
    .addOption(
      new Option(
        "--return <how>",
        "answers as they come, or bundled by the DAP (default: as the DAP does with a group, else forward)",
      ).choices(ANSWERS),
    )
    .option(
      "--within <seconds>",
      "how long answers to one request for all may take",
      numberOption(1, 3600),
      WITHIN_SECONDS,
    );
}

/** A reading, and its age where it was allowed to be late. */
function aged(
  meter: string,
  body: RegisterReading,
  { delayTolerance }: ReadOptions,
): [MeterReading, ageSeconds?: number] {
  const reading = { meter, body };
  const age = delayTolerance === undefined ? undefined : ageSecondsOf(reading, Date.now() / 1000);
  return age === undefined ? [reading] : [reading, age];
}

async function readProfiles(name: string, options: ProfileOptions): Promise<void> {
  const register = obisOf(options.register);
  const step = Number(options.step);
  const profile = PROFILE_PERIOD_SECONDS.indexOf(Number(options.interval) * 60);
  const periodSeconds = periodSecondsOf({ profile });
  const runs = intervalsOf([spanOf(options.from, options.to)], periodSeconds);
  const requests = runs.flatMap((run) => profileRequests({ profile, register, step, ...run }));
  const what = { register, periodSeconds, step };
  await readAll(name, requests.map(profileQuestion), options, {
    document: (meter, parts) => profileDocument({ ...what, meter, intervals: parts.flat() }),
    lines: (meter, parts) => profileLines({ ...what, meter, intervals: parts.flat() }, process.stdout.isTTY),
  });
}

/** How a member's answers are shown, one to each question. */
interface Shown<Body> {
  readonly document: (meter: string, parts: readonly Body[]) => object;
  readonly lines: (meter: string, parts: readonly Body[]) => readonly string[];
}

/** Asks one question after the other. A member that misses one is told of as that says, and what it gave before is not shown. */
async function readAll<Body>(
  name: string,
  questions: readonly BodyQuestion<Body>[],
  options: ReadOptions,
  shown: Shown<Body>,
): Promise<void> {
  const ids = membersOf(groupsOf(options), name);
  const startMs = systemClock.monotonicMs();
  const { delayTolerance: toleranceSeconds, ...asked } = options;
  const { distribute, return: answers, within } = asked;
  const plan: GroupReadPlan = { distribute, answers, toleranceSeconds, collectMs: within * 1000 };
  // The reads tolerate a delay, and not what is to be done before them.
  await withGroup(asked, ids, async (session) => {
    refuseUnproved(session, name, asked);
    const gathered = new Gathered<Body>(questions.length, (report) => tell(report, options, shown));
    let size: ExchangeSize = NO_EXCHANGE;
    for (const question of questions) {
      const take = (report: MemberReport<Body>): void => gathered.take(report);
      const traffic = await readGroup(session, name, question, plan, take);
      size = addSizes(size, { ...traffic, milliseconds: 0 });
    }
    gathered.end();
    const milliseconds = systemClock.monotonicMs() - startMs;
    tellEnd(name, gathered.tally, { ...size, milliseconds }, options);
  });
}

/** A DAP that does not know its operator says no in a word that nobody has to believe: after a while, that is. */
function refuseUnproved({ allOf, dapStatus }: GroupSession, name: string, options: ReadOptions): void {
  const { distribute, return: answers } = options;
  const isForOperators = distribute === "fan-out" || answers === "bundle";
  if (!isForOperators || dapStatus !== undefined || allOf(name) === undefined) return;
  const option = distribute === "fan-out" ? "--distribute fan-out" : "--return bundle";
  throw usageFault(
    `A DAP does ${option} for its operator alone: name its credential file with --dap, or leave that out.`,
  );
}

function tell<Body>(report: GatheredReport<Body>, { json }: ReadOptions, shown: Shown<Body>): void {
  const { meter, outcome } = report;
  if ("parts" in report) {
    if (json) return sayJson({ ...shown.document(meter, report.parts), outcome });
    for (const line of shown.lines(meter, report.parts)) say(line);
  } else if (json) sayJson(report);
  else say(printable(`Meter ${meter} is ${outcome}: ${report.why}`));
}

/** One that is missing makes it partly done. */
function tellEnd(group: string, tally: Tally, size: ExchangeSize, { json }: ReadOptions): void {
  if (tally.missing + tally.refused > 0) process.exitCode = EXIT.partly;
  if (json) sayJson({ group, ...tally, ...size });
  else say(tallyText(group, tally, size));
}
