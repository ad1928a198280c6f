// What `tariff` shows: as a document, and for people.
import { TimeZone } from "../../firmware/calendar/time-zone.ts";
import { Tariff } from "../../firmware/metrology/tariff.ts";
import type { ClockReading } from "../../firmware/protocol/readings/clock-reading.ts";
import {
  RATE_OF_EMPTY_TABLE,
  type TariffPlan,
  type TariffTable,
} from "../../firmware/protocol/readings/tariff.ts";
import type { ExchangeSize } from "../head-end/client.ts";
import { type TariffFileInput, tariffFileOf } from "../tariff-file.ts";
import { meterTimeText, zoneOf } from "./meter-time.ts";
import { printable, sizeText, table, utcText } from "./output.ts";

/** A meter's tariff, with the time that it had when it told it. */
export interface TariffRead {
  readonly meter: string;
  readonly clock: ClockReading;
  readonly plan: TariffPlan;
  readonly size: ExchangeSize;
}

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

/** The tables are in the form of tariff files. */
export function tariffDocument({ meter, clock, plan, size }: TariffRead) {
  const { active, passive } = plan;
  return {
    meter,
    time: clock.timeSeconds === undefined ? null : utcText(clock.timeSeconds),
    zone: clock.zone,
    rate: rateNow(clock, plan) ?? null,
    active: tariffFileOf(active),
    passive:
      passive === undefined
        ? null
        : { from: utcText(passive.fromSeconds), table: tariffFileOf(passive.table) },
    ...size,
  };
}

export function tariffLines({ meter, clock, plan, size }: TariffRead): string[] {
  const { active, passive } = plan;
  const time =
    clock.timeSeconds === undefined ? "its clock is not set" : meterTimeText(clock.zone, clock.timeSeconds);
  const rate = rateNow(clock, plan);
  return [
    `Meter ${printable(meter)}, ${time}: ${rate === undefined ? "the rate is not known" : `rate ${rate}`}`,
    ...tableLines("Active table", active),
    ...(passive === undefined
      ? ["No passive table"]
      : tableLines(
          `Passive table, active from ${meterTimeText(clock.zone, passive.fromSeconds)}`,
          passive.table,
        )),
    sizeText(size),
  ];
}

/** The rate in force; undefined where the meter does not know the time, or has a zone that cannot be used. */
function rateNow({ timeSeconds, zone: text }: ClockReading, plan: TariffPlan): number | undefined {
  const zone = zoneOf(text);
  if (timeSeconds === undefined || !(zone instanceof TimeZone)) return undefined;
  return new Tariff(zone, plan).rateAt(timeSeconds);
}

function tableLines(title: string, tariff: TariffTable): string[] {
  if (tariff.seasons.length === 0) return [`${title}: rate ${RATE_OF_EMPTY_TABLE} at all times`];
  return [title, ...sectionLines(tariffFileOf(tariff)).map((line) => `  ${line}`)];
}

function sectionLines({ seasons, weeks, days, specialDays = [] }: TariffFileInput): string[] {
  return table([
    ...section(
      "seasons",
      seasons.map(({ from, week }) => [`from ${from}`, week]),
    ),
    ...section(
      "weeks",
      weeks.map(({ name, days }) => [name, weekText(days)]),
    ),
    ...section(
      "days",
      days.map(({ name, rates }) => [name, dayText(rates)]),
    ),
    ...section(
      "special days",
      specialDays.map(({ date, day }) => [date, day]),
    ),
  ]);
}

/** Rows behind the section's name, which stands once. */
function section(name: string, rows: readonly (readonly string[])[]): string[][] {
  return rows.map((row, i) => [i === 0 ? name : "", ...row]);
}

/** `Mon-Fri day 1, Sat day 2, Sun day 3`. */
function weekText(days: readonly string[]): string {
  const runs: { first: number; last: number; day: string }[] = [];
  for (const [i, day] of days.entries()) {
    const run = runs.at(-1);
    if (run?.day === day) run.last = i;
    else runs.push({ first: i, last: i, day });
  }
  return runs
    .map(({ first, last, day }) => {
      return `${WEEKDAYS[first]}${last > first ? `-${WEEKDAYS[last]}` : ""} ${day}`;
    })
    .join(", ");
}

function dayText(rates: readonly { readonly from: string; readonly rate: number }[]): string {
  return rates.map(({ from, rate }) => `${from} rate ${rate}`).join(", ");
}
