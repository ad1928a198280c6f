// `watch TARGET [OBIS...]`: registers or events of a meter as it tells them by itself.
import type { Command } from "commander";
import { EVENT_LOGS, type LogName } from "../../../firmware/events/event-table.ts";
import type { LoggedEvent } from "../../../firmware/protocol/readings/logged-event.ts";
import type { Obis } from "../../../firmware/protocol/readings/obis.ts";
import type { HeadEnd, Target } from "../../head-end/client.ts";
import type { HeadEndError } from "../../head-end/errors.ts";
import type { StopWatch } from "../../head-end/watching.ts";
import { numberOption } from "../common.ts";
import { eventDocument, eventRow } from "../event-output.ts";
import { usageFault } from "../fault.ts";
import { printable, say, sayJson } from "../output.ts";
import { readingDocument, readingLines } from "../reading-output.ts";
import { untilStopped } from "../stop.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions } from "../target.ts";
import { parseRegisters } from "./read.ts";

interface WatchOptions extends TargetOptions {
  readonly events?: boolean;
  readonly count?: number;
}

/** Where what comes in goes to. */
interface Shown {
  /** One reading or event: as a document, and for people. */
  readonly show: (document: unknown, lines: readonly string[]) => void;
  readonly end: (why: HeadEndError) => void;
}

const COUNT_MAX = 1_000_000;

const HELP = `
A meter tells registers at once and then at a fixed period, so that when it speaks says nothing of the load; the meter
sets the period (serve --observe-period). With --events it tells what it logs from now on, within some seconds, and
takes none of it for read: 'meterbench events' does. A watch outlives a restart of the meter. It ends with Ctrl-C,
after --count readings or events, or when the meter does not answer any more. --json prints one document a line.

Examples: meterbench watch pty:./meter1 1.8.0 32.7.0
          meterbench watch pty:./meter1 --events --json`;

export function addWatchCommand(program: Command): void {
  withTargetOptions(program.command("watch <target> [obis...]"))
    .description("show registers or events of a meter as it tells them")
    .option("--events", "what it logs, in place of registers")
    .option("--count <n>", "end after so many readings or events", numberOption(1, COUNT_MAX, true))
    .addHelpText("after", HELP)
    .action(async (target: string, codes: string[], options: WatchOptions) => {
      const registers = parseRegisters(codes);
      if (options.events && registers.length > 0)
        throw usageFault("A watch is of registers or of events: leave --events or the OBIS codes out.");
      await withHeadEnd(target, options, (headEnd, to) => watch(headEnd, to, registers, options));
    });
}

/** Resolves when it was stopped or has shown enough, and rejects with why the meter tells no more. */
async function watch(
  headEnd: HeadEnd,
  target: Target,
  registers: readonly Obis[],
  { events, count = Number.POSITIVE_INFINITY, json }: WatchOptions,
): Promise<void> {
  let left = count;
  const stops: StopWatch[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      const shown: Shown = {
        show(document, lines) {
          if (left <= 0) return;
          if (json) sayJson(document);
          else for (const line of lines) say(line);
          left--;
          if (left === 0) resolve();
        },
        end: reject,
      };
      void untilStopped().then(resolve);
      if (events) watchLogs(headEnd, target, shown, stops).catch(reject);
      else stops.push(watchRegisters(headEnd, target, registers, shown));
    });
  } finally {
    for (const stop of stops) stop();
  }
}

function watchRegisters(
  headEnd: HeadEnd,
  target: Target,
  registers: readonly Obis[],
  { show, end }: Shown,
): StopWatch {
  return headEnd.watchRegisters(target, registers, {
    onReading: (reading) =>
      show({ ...readingDocument(reading), bytes: reading.bytes }, readingLines(reading)),
    onEnd: end,
  });
}

/** One log after the other; `stops` has those that are watched. */
async function watchLogs(
  headEnd: HeadEnd,
  target: Target,
  { show, end }: Shown,
  stops: StopWatch[],
): Promise<void> {
  for (const log of EVENT_LOGS) {
    // From the first on, so that the meter takes none for read.
    const { body } = await headEnd.readEvents(target, { log, from: 1, count: 0 });
    const stop = headEnd.watchEvents(
      target,
      { log, from: body.next },
      {
        onReading: ({ meter, body: { events } }) => {
          for (const event of events)
            show({ meter, log, ...eventDocument(event) }, [eventText(meter, log, event)]);
        },
        onEnd: end,
      },
    );
    stops.push(stop);
  }
}

function eventText(meter: string, log: LogName, event: LoggedEvent): string {
  const cells = eventRow(log, event).filter((cell) => cell !== "");
  return `Meter ${printable(meter)}  ${cells.join("  ")}`;
}
