// `events TARGET`: what a meter has logged.
import type { Command } from "commander";
import { Option } from "commander";
import { EVENT_LOGS, type LogName } from "../../../firmware/events/event-table.ts";
import { SEQUENCE_MAX } from "../../../firmware/protocol/readings/logged-event.ts";
import type { HeadEnd, Target } from "../../head-end/client.ts";
import { type LogReading, readLog } from "../../head-end/event-pages.ts";
import { numberOption } from "../common.ts";
import { alarmsOf, eventLines, eventsDocument, type LogsRead } from "../event-output.ts";
import { usageFault } from "../fault.ts";
import { say, sayJson, sayProgress } from "../output.ts";
import { addSizes, NO_EXCHANGE } from "../sizes.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions, withTolerance } from "../target.ts";

type Options = TargetOptions & {
  readonly log?: LogName;
  readonly from?: number;
  readonly alarms?: boolean;
};

/** No event has an earlier number: from here on a log is read from the oldest that it keeps. */
const FIRST_NUMBER = 1;

const HELP = `
Numbers are each log's own and are never given twice. A meter takes the events before the one that was asked for as
read, and logs log-overflow where it overwrites one that nobody has read. So --from N says that all before N have been
read; without it, a log is read from the oldest event that it keeps. --alarms reads the others too, and hides them.

Example: meterbench events pty:./meter1 --alarms`;

export function addEventsCommand(program: Command): void {
  withTolerance(withTargetOptions(program.command("events <target>")))
    .description("read a meter's event logs")
    .addOption(new Option("--log <name>", "this log only").choices(EVENT_LOGS))
    .option(
      "--from <number>",
      "with --log: from this event on",
      numberOption(FIRST_NUMBER, SEQUENCE_MAX, true),
    )
    .option("--alarms", "show alarms only")
    .addHelpText("after", HELP)
    .action(async (target: string, options: Options) => {
      if (options.from !== undefined && options.log === undefined)
        throw usageFault("Numbers are each log's own: name the log that --from is for with --log.");
      const read = await withHeadEnd(target, options, (headEnd, to) => readLogs(headEnd, to, options));
      const shown = options.alarms ? { ...read, logs: alarmsOf(read.logs) } : read;
      if (options.json) return sayJson(eventsDocument(shown));
      for (const line of eventLines(shown)) say(line);
    });
}

async function readLogs(
  headEnd: HeadEnd,
  target: Target,
  { log, from = FIRST_NUMBER }: Options,
): Promise<LogsRead> {
  const logs: LogReading[] = [];
  let meter = "";
  let size = NO_EXCHANGE;
  for (const name of log === undefined ? EVENT_LOGS : [log]) {
    const reading = await readLog(
      async (request) => {
        if (request.from > from) sayProgress(`reading the log ${name} from ${request.from}`);
        const answer = await headEnd.readEvents(target, request);
        meter = answer.meter;
        size = addSizes(size, answer.size);
        return answer;
      },
      name,
      from,
    );
    logs.push(reading);
  }
  return { meter, logs, size };
}
