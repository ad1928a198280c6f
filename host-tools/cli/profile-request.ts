// Which intervals the options of `profile` ask for.
import type { ClockReading } from "../../firmware/protocol/readings/clock-reading.ts";
import {
  type DailyWindow,
  type DatedWindow,
  latestWindows,
  parseDailyWindow,
  type Span,
} from "../daily-windows.ts";
import { usageFault } from "./fault.ts";
import { wallClockOf } from "./meter-time.ts";
import { parseTime } from "./output.ts";

/** The options that say when. */
export interface WhenOptions {
  readonly from?: string;
  readonly to?: string;
  readonly daily?: string;
  readonly days?: number;
}

export type When = Span | { readonly window: DailyWindow; readonly days: number };

/** 190 days of quarter-hours: more than a meter keeps, and a bound on one command's requests. */
const INTERVALS_MAX = 18_240;
/** As many hours. */
export const DAYS_MAX = 760;

/** What the options say; options that do not go together are a usage fault. */
export function whenOf({ from, to, daily, days }: WhenOptions): When {
  if (daily === undefined && days === undefined) {
    if (from === undefined || to === undefined)
      throw usageFault("It is not said which intervals: give --from and --to, or --daily and --days.");
    return spanOf(from, to);
  }
  if (from !== undefined || to !== undefined)
    throw usageFault("--daily and --days stand in place of --from and --to: give either these or those.");
  if (daily === undefined) throw usageFault("--days needs the window of each day: add --daily 14:00-20:00.");
  if (days === undefined) throw usageFault("--daily needs the number of days: add --days 7.");
  const window = parseDailyWindow(daily);
  if (window !== undefined) return { window, days };
  throw usageFault(
    `--daily ${daily} is no window: write it like 14:00-20:00, 22:00-06:00, or 00:00-24:00 for whole days.`,
  );
}

/** What is between both times, as {@link whenOf} reads them. */
export function spanOf(from: string, to: string): Span {
  const [fromSeconds, toSeconds] = [timeOf(from), timeOf(to)];
  if (toSeconds <= fromSeconds)
    throw usageFault(`--to ${to} is not after --from ${from}: give a later moment.`);
  return { fromSeconds, toSeconds };
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

/** The windows that are over by the meter's clock. One that begins or ends within an interval is a usage fault. */
export function windowsBefore(
  { window, days }: Exclude<When, Span>,
  clock: ClockReading,
  periodSeconds: number,
): DatedWindow[] {
  const { utcSeconds, zone } = wallClockOf(clock, "give --from and --to");
  const windows = latestWindows(window, zone, utcSeconds, days);
  if ((windows[0]?.fromSeconds ?? 0) < 0)
    throw usageFault(`${days} days before the meter's time begin before 1970: ask for fewer.`);
  const cut = windows.find(
    (each) => each.fromSeconds % periodSeconds !== 0 || each.toSeconds % periodSeconds !== 0,
  );
  if (cut === undefined) return windows;
  throw usageFault(
    `The window of ${cut.date} begins or ends within an interval of ${periodSeconds / 60} min: give other times, or a shorter --interval.`,
  );
}

/** Whole intervals that cover the spans; more than a meter can have are a usage fault. */
export function intervalsOf(
  spans: readonly Span[],
  periodSeconds: number,
): { readonly startSeconds: number; readonly count: number }[] {
  const runs = spans.map(({ fromSeconds, toSeconds }) => {
    const startSeconds = fromSeconds - (fromSeconds % periodSeconds);
    return { startSeconds, count: Math.ceil((toSeconds - startSeconds) / periodSeconds) };
  });
  const total = runs.reduce((sum, { count }) => sum + count, 0);
  if (total <= INTERVALS_MAX) return runs;
  throw usageFault(
    `${total} intervals are more than a meter keeps (${INTERVALS_MAX}): ask for a shorter span.`,
  );
}
