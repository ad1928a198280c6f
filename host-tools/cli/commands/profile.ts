// `profile TARGET --from T --to T`: interval values of a meter.
import type { Command } from "commander";
import { Option } from "commander";
import { INTERVAL_FLAG } from "../../../firmware/protocol/readings/interval.ts";
import {
  PROFILE_PERIOD_SECONDS,
  PROFILE_STEPS,
} from "../../../firmware/protocol/readings/profile-reading.ts";
import { registerByObis } from "../../../firmware/protocol/readings/register-table.ts";
import { type ExchangeSize, profileRequests, type TimedInterval } from "../../head-end/client.ts";
import { usageFault } from "../fault.ts";
import {
  barPlot,
  columns,
  condensed,
  localText,
  parseTime,
  printable,
  say,
  sayJson,
  sayProgress,
  sizeText,
  table,
  utcText,
} from "../output.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions } from "../target.ts";
import { obisOf } from "./read.ts";

type Options = TargetOptions & {
  readonly from: string;
  readonly to: string;
  readonly register: string;
  readonly step: string;
  readonly csv?: boolean;
};

const PERIOD_SECONDS = PROFILE_PERIOD_SECONDS[0] as number;
/** 190 days of quarter-hours: more than a meter keeps, and a bound on one command's requests. */
const INTERVALS_MAX = 18_240;

export function addProfileCommand(program: Command): void {
  withTargetOptions(program.command("profile <target>"))
    .description("read a meter's interval profile")
    .requiredOption("--from <time>", "first moment: RFC 3339, or local YYYY-MM-DD[THH:MM]")
    .requiredOption("--to <time>", "moment after the last: RFC 3339, or local YYYY-MM-DD[THH:MM]")
    .option("--register <obis>", "the register", "1-0:1.8.0*255")
    .addOption(
      new Option("--step <wh>", "steps of the values: coarser ones are shorter")
        .choices(PROFILE_STEPS.map(String))
        .default("1"),
    )
    .option("--csv", "print rows of start, value and flags")
    .addHelpText("after", "\nExample: meterbench profile pty:./meter1 --from 2026-11-24 --to 2026-11-25")
    .action(async (target: string, options: Options) => {
      const answer = await readAll(target, options);
      if (options.json) sayJson(profileDocument(answer));
      else if (options.csv) showCsv(answer);
      else show(answer);
    });
}

interface WholeProfile {
  readonly meter: string;
  readonly register: string;
  readonly step: number;
  readonly intervals: readonly TimedInterval[];
  readonly size: ExchangeSize;
}

async function readAll(target: string, options: Options): Promise<WholeProfile> {
  const register = obisOf(options.register);
  const step = Number(options.step);
  const { startSeconds, count } = span(options);
  const requests = profileRequests({ profile: 0, register, startSeconds, count, step }, PERIOD_SECONDS);
  return withHeadEnd(target, options, async (headEnd, to) => {
    const intervals: TimedInterval[] = [];
    let size: ExchangeSize = { requestBytes: 0, responseBytes: 0, milliseconds: 0 };
    let meter = "";
    for (const [i, request] of requests.entries()) {
      if (requests.length > 1) sayProgress(`reading part ${i + 1} of ${requests.length}`);
      const answer = await headEnd.readProfile(to, request, PERIOD_SECONDS);
      intervals.push(...answer.body);
      meter = answer.meter;
      size = addSizes(size, answer.size);
    }
    return { meter, register, step, intervals, size };
  });
}

/** Whole intervals that cover [from, to). */
function span({ from, to }: Options): { startSeconds: number; count: number } {
  const fromSeconds = timeOf(from);
  const toSeconds = timeOf(to);
  if (toSeconds <= fromSeconds)
    throw usageFault(`--to ${to} is not after --from ${from}: give a later moment.`);
  const startSeconds = fromSeconds - (fromSeconds % PERIOD_SECONDS);
  const count = Math.ceil((toSeconds - startSeconds) / PERIOD_SECONDS);
  if (count > INTERVALS_MAX)
    throw usageFault(
      `${count} intervals are more than a meter keeps (${INTERVALS_MAX}): ask for a shorter span.`,
    );
  return { startSeconds, count };
}

function timeOf(text: string): number {
  const seconds = parseTime(text);
  if (seconds === undefined || seconds < 0 || seconds > 0xffffffff) {
    throw usageFault(
      `${text} is no time from 1970 to 2106: write it like 2026-11-25, 2026-11-25T14:00 or 2026-11-25T14:00:00Z.`,
    );
  }
  return Math.floor(seconds);
}

function addSizes(a: ExchangeSize, b: ExchangeSize): ExchangeSize {
  const handshake = a.handshake ?? b.handshake;
  return {
    requestBytes: a.requestBytes + b.requestBytes,
    responseBytes: a.responseBytes + b.responseBytes,
    milliseconds: a.milliseconds + b.milliseconds,
    ...(handshake !== undefined && { handshake }),
  };
}

function profileDocument({ meter, register, step, intervals, size }: WholeProfile) {
  return {
    meter,
    register,
    unit: registerByObis(register)?.unit ?? "",
    interval: PERIOD_SECONDS,
    intervals: intervals.map(({ startSeconds, value, flags }) => ({
      start: utcText(startSeconds),
      value: value === undefined ? null : value * step,
      flags: flagTexts(flags),
    })),
    ...size,
  };
}

function showCsv({ intervals, step, register }: WholeProfile): void {
  say(`start,${registerByObis(register)?.unit ?? "value"},flags`);
  for (const { startSeconds, value, flags } of intervals) {
    say(`${utcText(startSeconds)},${value === undefined ? "" : value * step},${flagTexts(flags).join(" ")}`);
  }
}

function show({ meter, register, step, intervals, size }: WholeProfile): void {
  const unit = registerByObis(register)?.unit ?? "";
  say(`Meter ${printable(meter)}, ${register}, intervals of ${PERIOD_SECONDS / 60} min in ${unit}`);
  if (process.stdout.isTTY) {
    const bars = condensed(
      intervals.map(({ value }) => value),
      columns() - 2,
    );
    for (const line of barPlot(bars)) say(`  ${line}`);
  }
  const rows = intervals.map(({ startSeconds, value, flags }) => [
    localText(startSeconds),
    value === undefined ? "-" : String(value * step),
    flagTexts(flags).join(", "),
  ]);
  for (const line of table(rows)) say(`  ${line}`);
  const total = intervals.reduce((sum, { value = 0 }) => sum + value * step, 0);
  const missing = intervals.filter(({ value }) => value === undefined).length;
  say(`Sum ${total} ${unit}${missing > 0 ? `; ${missing} intervals are missing` : ""}`);
  say(sizeText(size));
}

function flagTexts(flags: number): string[] {
  return Object.entries(INTERVAL_FLAG)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`));
}
