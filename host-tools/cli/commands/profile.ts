// `profile TARGET --from T --to T` or `--daily T-T --days N`: interval values of a meter.
import type { Command } from "commander";
import { Option } from "commander";
import {
  PROFILE_PERIOD_SECONDS,
  PROFILE_STEPS,
  type ProfileRequest,
  periodSecondsOf,
} from "../../../firmware/protocol/readings/profile-reading.ts";
import { type DatedWindow, joinedSpans, type Span } from "../../daily-windows.ts";
import { type HeadEnd, profileRequests, type Target, type TimedInterval } from "../../head-end/client.ts";
import { numberOption } from "../common.ts";
import { say, sayJson, sayProgress } from "../output.ts";
import { profileCsv, profileDocument, profileLines, type WholeProfile } from "../profile-output.ts";
import {
  DAYS_MAX,
  intervalsOf,
  type When,
  type WhenOptions,
  whenOf,
  windowsBefore,
} from "../profile-request.ts";
import { addSizes, NO_EXCHANGE } from "../sizes.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions, withTolerance } from "../target.ts";
import { obisOf } from "./read.ts";

type Options = TargetOptions &
  WhenOptions & {
    readonly register: string;
    readonly interval: string;
    readonly step: string;
    readonly csv?: boolean;
  };

/** For `--interval`: in minutes, in the order of people. */
const INTERVALS_MINUTES = PROFILE_PERIOD_SECONDS.map((seconds) => seconds / 60).sort((a, b) => a - b);

const HELP = `
--daily reads the windows of the last N days whose window is over by the meter's clock: today's is among them once it
is over. A window counts to the day that it begins on, and 22:00-06:00 ends on the next. Its ends are readings of the
wall clock where the meter is (which has UTC where it was given no zone). A reading that a clock set forward leaves out
is the moment of that change, and of one that is there twice the first counts, as for a tariff. Both ends must fall
between two intervals.

Examples: meterbench profile pty:./meter1 --from 2026-11-24 --to 2026-11-25
          meterbench profile pty:./meter1 --daily 14:00-20:00 --days 7`;

export function addProfileCommand(program: Command): void {
  withTolerance(withTargetOptions(program.command("profile <target>")))
    .description("read a meter's interval profile")
    .option("--from <time>", "first moment: RFC 3339, or local YYYY-MM-DD[THH:MM]")
    .option("--to <time>", "moment after the last: RFC 3339, or local YYYY-MM-DD[THH:MM]")
    .option("--daily <times>", "in place of --from and --to: a window of each day, such as 14:00-20:00")
    .option("--days <n>", "with --daily: of how many days", numberOption(1, DAYS_MAX, true))
    .option("--register <obis>", "the register", "1-0:1.8.0*255")
    .addOption(
      new Option("--interval <minutes>", "length of the intervals; a meter need not keep all of them")
        .choices(INTERVALS_MINUTES.map(String))
        .default("15"),
    )
    .addOption(
      new Option("--step <wh>", "steps of the values: coarser ones are shorter")
        .choices(PROFILE_STEPS.map(String))
        .default("1"),
    )
    .option("--csv", "print rows of start, value and flags")
    .addHelpText("after", HELP)
    .action(async (target: string, options: Options) => {
      const profile = await readAll(target, options);
      if (options.json) return sayJson(profileDocument(profile));
      const lines = options.csv ? profileCsv(profile) : profileLines(profile, process.stdout.isTTY);
      for (const line of lines) say(line);
    });
}

async function readAll(targetText: string, options: Options): Promise<WholeProfile> {
  const register = obisOf(options.register);
  const step = Number(options.step);
  const profile = PROFILE_PERIOD_SECONDS.indexOf(Number(options.interval) * 60);
  const periodSeconds = periodSecondsOf({ profile });
  const when = whenOf(options);
  if ("fromSeconds" in when) intervalsOf([when], periodSeconds);
  return withHeadEnd(targetText, options, async (headEnd, target) => {
    const found = await findSpans(when, headEnd, target, periodSeconds);
    const requests = intervalsOf(found.spans, periodSeconds).flatMap((run) =>
      profileRequests({ profile, register, step, ...run }),
    );
    const { windows } = found;
    const read = await readRequests(headEnd, target, requests, found);
    return { register, periodSeconds, step, ...read, ...(windows !== undefined && { windows }) };
  });
}

/** Who was asked, and what that took so far. */
type Asked = Pick<WholeProfile, "meter" | "size">;

/** Where the intervals are; for windows of days the meter's clock is asked first. */
async function findSpans(
  when: When,
  headEnd: HeadEnd,
  target: Target,
  periodSeconds: number,
): Promise<Asked & { readonly spans: readonly Span[]; readonly windows?: readonly DatedWindow[] }> {
  if ("fromSeconds" in when) return { spans: [when], meter: "", size: NO_EXCHANGE };
  const { meter, body, size } = await headEnd.readClock(target);
  const windows = windowsBefore(when, body, periodSeconds);
  return { spans: joinedSpans(windows), windows, meter, size };
}

async function readRequests(
  headEnd: HeadEnd,
  target: Target,
  requests: readonly ProfileRequest[],
  { meter, size }: Asked,
): Promise<Pick<WholeProfile, "meter" | "size" | "intervals">> {
  const read = { meter, size, intervals: [] as TimedInterval[] };
  for (const [i, request] of requests.entries()) {
    if (requests.length > 1) sayProgress(`reading part ${i + 1} of ${requests.length}`);
    const answer = await headEnd.readProfile(target, request);
    read.intervals.push(...answer.body);
    read.meter = answer.meter;
    read.size = addSizes(read.size, answer.size);
  }
  return read;
}
