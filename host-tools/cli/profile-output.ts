// What `profile` shows: as a document, as rows of CSV, and for people.
import { INTERVAL_FLAG } from "../../firmware/protocol/readings/interval.ts";
import { publishedForm } from "../../firmware/protocol/readings/register-table.ts";
import { type DatedWindow, type WindowTotal, windowTotals } from "../daily-windows.ts";
import type { ExchangeSize, TimedInterval } from "../head-end/client.ts";
import {
  bar,
  barPlot,
  columns,
  condensed,
  localText,
  printable,
  sizeText,
  table,
  utcText,
} from "./output.ts";

export interface WholeProfile {
  readonly meter: string;
  readonly register: string;
  readonly periodSeconds: number;
  readonly step: number;
  readonly intervals: readonly TimedInterval[];
  /** Where windows of days were asked for. */
  readonly windows?: readonly DatedWindow[];
  readonly size: ExchangeSize;
}

/** One whose size is told elsewhere, as it was read with others. */
type ShownProfile = Omit<WholeProfile, "size"> & { readonly size?: ExchangeSize };

/** The longest bar leaves room for a date and a total on a line of 80. */
const BAR_COLUMNS_MAX = 50;

export function profileDocument(profile: ShownProfile) {
  const { meter, register, periodSeconds, step, intervals, windows, size } = profile;
  return {
    meter,
    register,
    unit: unitOf(register),
    interval: periodSeconds,
    intervals: intervals.map(({ startSeconds, value, flags }) => ({
      start: utcText(startSeconds),
      value: value === undefined ? null : value * step,
      flags: flagTexts(flags),
    })),
    ...(windows !== undefined && { days: windowTotals(windows, intervals, step).map(dayDocument) }),
    ...size,
  };
}

function dayDocument({ date, fromSeconds, toSeconds, total, missing }: WindowTotal) {
  return { date, from: utcText(fromSeconds), to: utcText(toSeconds), total: total ?? null, missing };
}

export function profileCsv({ intervals, step, register }: WholeProfile): string[] {
  const rows = intervals.map(
    ({ startSeconds, value, flags }) =>
      `${utcText(startSeconds)},${value === undefined ? "" : value * step},${flagTexts(flags).join(" ")}`,
  );
  return [`start,${unitOf(register) || "value"},flags`, ...rows];
}

/** `hasPlot` where the intervals are drawn too, which a terminal shows. */
export function profileLines(profile: ShownProfile, hasPlot: boolean): string[] {
  const { meter, register, periodSeconds, step, intervals, windows, size } = profile;
  const unit = unitOf(register);
  const body =
    windows === undefined
      ? [...(hasPlot ? plotLines(intervals) : []), ...intervalLines(intervals, step)]
      : dayLines(windowTotals(windows, intervals, step));
  const total = intervals.reduce((sum, { value = 0 }) => sum + value * step, 0);
  const missing = intervals.filter(({ value }) => value === undefined).length;
  return [
    `Meter ${printable(meter)}, ${register}, intervals of ${periodSeconds / 60} min in ${unit}`,
    ...body.map((line) => `  ${line}`),
    `Sum ${total} ${unit}${missing > 0 ? `; missing intervals: ${missing}` : ""}`,
    ...(size === undefined ? [] : [sizeText(size)]),
  ];
}

function plotLines(intervals: readonly TimedInterval[]): string[] {
  const values = intervals.map(({ value }) => value);
  return barPlot(condensed(values, columns() - 2));
}

function intervalLines(intervals: readonly TimedInterval[], step: number): string[] {
  return table(
    intervals.map(({ startSeconds, value, flags }) => [
      localText(startSeconds),
      value === undefined ? "-" : String(value * step),
      flagTexts(flags).join(", "),
    ]),
  );
}

/** A line for each day: its total, a bar, and how much of it is missing. */
function dayLines(totals: readonly WindowTotal[]): string[] {
  const largest = Math.max(0, ...totals.map(({ total = 0 }) => total));
  return table(
    totals.map(({ date, total, missing }) => [
      date,
      total === undefined ? "-" : String(total),
      [bar(total ?? 0, largest, BAR_COLUMNS_MAX), missing > 0 ? `(${missing} missing)` : ""].join(" ").trim(),
    ]),
  );
}

function unitOf(register: string): string {
  return publishedForm(register)?.unit ?? "";
}

function flagTexts(flags: number): string[] {
  return Object.entries(INTERVAL_FLAG)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`));
}
