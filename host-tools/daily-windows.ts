// Windows of the day by a meter's wall clock: when they are in UTC, and what was used in them.
import { SECONDS_PER_DAY } from "../firmware/calendar/civil.ts";
import type { TimeZone } from "../firmware/calendar/time-zone.ts";
import { MINUTES_PER_DAY } from "../firmware/protocol/readings/tariff.ts";
import type { TimedInterval } from "./head-end/client.ts";

/** Minutes of the wall clock since the 00:00 of the day that it begins on; past 1440 it ends on the next day. */
export interface DailyWindow {
  readonly startMinute: number;
  readonly endMinute: number;
}

/** From an instant of UTC up to another. */
export interface Span {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** A window of one day, which is the one that it begins on: `2026-11-24`. */
export interface DatedWindow extends Span {
  readonly date: string;
}

/** A window with what was used in it. */
export interface WindowTotal extends DatedWindow {
  /** Of the intervals that are there; undefined where none is. An empty window has a total of 0. */
  readonly total: number | undefined;
  /** Intervals that the meter has not. */
  readonly missing: number;
}

const WINDOW = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/;

/** `14:00-20:00`; an end that is no later than the start is of the next day. Undefined for any other text. */
export function parseDailyWindow(text: string): DailyWindow | undefined {
  const match = WINDOW.exec(text);
  if (match === null) return undefined;
  const [, startHour, startMinutes, endHour = "24", endMinutes = "00"] = match;
  const startMinute = Number(startHour) * 60 + Number(startMinutes);
  const endMinute = Number(endHour) * 60 + Number(endMinutes);
  if (endMinute === startMinute) return undefined;
  return { startMinute, endMinute: endMinute > startMinute ? endMinute : endMinute + MINUTES_PER_DAY };
}

/**
 * The windows of the latest days whose window is over at an instant, in order.
 *
 * Both ends are readings of the wall clock. One that a clock set forward leaves out is the instant of that change,
 * and one that is there twice is the first of the two: so a tariff's rates switch as well, windows that meet on the
 * clock meet in time, and one that lies in the gap is empty.
 */
export function latestWindows(
  window: DailyWindow,
  zone: TimeZone,
  utcSeconds: number,
  count: number,
): DatedWindow[] {
  let last = Math.floor(zone.latestWallSeconds(utcSeconds) / SECONDS_PER_DAY);
  while (windowOf(window, zone, last).toSeconds > utcSeconds) last--;
  return Array.from({ length: count }, (_, i) => windowOf(window, zone, last - count + 1 + i));
}

/** The window of the day that is so many days after 1970-01-01. */
function windowOf({ startMinute, endMinute }: DailyWindow, zone: TimeZone, days: number): DatedWindow {
  const midnight = days * SECONDS_PER_DAY;
  return {
    date: new Date(midnight * 1000).toISOString().slice(0, 10),
    fromSeconds: zone.firstInstantFrom(midnight + startMinute * 60),
    toSeconds: zone.firstInstantFrom(midnight + endMinute * 60),
  };
}

/** Spans as few as hold them, from windows in order: those that follow each other without a gap are one. */
export function joinedSpans(windows: readonly Span[]): Span[] {
  const spans: Span[] = [];
  for (const { fromSeconds, toSeconds } of windows) {
    const previous = spans.at(-1);
    if (fromSeconds === toSeconds) continue;
    if (previous?.toSeconds === fromSeconds) spans[spans.length - 1] = { ...previous, toSeconds };
    else spans.push({ fromSeconds, toSeconds });
  }
  return spans;
}

/** What was used in each window, in units of `step`, by intervals that do not reach over its ends. */
export function windowTotals(
  windows: readonly DatedWindow[],
  intervals: readonly TimedInterval[],
  step: number,
): WindowTotal[] {
  return windows.map((window) => {
    const within = intervals.filter(
      ({ startSeconds }) => startSeconds >= window.fromSeconds && startSeconds < window.toSeconds,
    );
    const values = within.map(({ value }) => value).filter((value) => value !== undefined);
    const sum = values.reduce((total, value) => total + value * step, 0);
    const isThere = values.length > 0 || within.length === 0;
    return { ...window, total: isThere ? sum : undefined, missing: within.length - values.length };
  });
}
