// What a time zone follows, and when its clocks change: the meaning of a POSIX TZ string.
import {
  type CivilDate,
  daysInMonth,
  daysOfDate,
  isLeapYear,
  SECONDS_PER_DAY,
  weekdayOfDays,
} from "./civil.ts";

/** A time that the zone keeps for a part of the year. */
export interface ZonePeriod {
  /** `CET`, `+0330`: for people; instants are told apart by the offset. */
  readonly name: string;
  /** Ahead of UTC: positive in the east, where POSIX writes a minus. */
  readonly offsetSeconds: number;
  readonly isDaylight: boolean;
}

/** The day of a change, in the three forms of IEEE Std 1003.1 8.3. */
export type ChangeDay =
  /** `Mm.w.d`: the w-th such weekday of a month, Sunday being 0; the fifth is the last. */
  | { readonly form: "weekday"; readonly month: number; readonly week: number; readonly weekday: number }
  /** `Jn`: 1 to 365; 29 February is never counted. */
  | { readonly form: "julian"; readonly day: number }
  /** `n`: 0 to 365; 29 February is counted. */
  | { readonly form: "day-of-year"; readonly day: number };

export interface ChangeRule {
  readonly day: ChangeDay;
  /** From that day's midnight, on the clock that is about to change; may lie days before or after. */
  readonly seconds: number;
}

export interface ChangingZone {
  readonly standard: ZonePeriod;
  readonly daylight: ZonePeriod;
  /** From standard to daylight, and back. */
  readonly start: ChangeRule;
  readonly end: ChangeRule;
}

export type ZoneRules = { readonly period: ZonePeriod } | ChangingZone;

/** An instant at which the offset, or the name of the time, becomes another. */
export interface ZoneChange {
  readonly utcSeconds: number;
  readonly before: ZonePeriod;
  readonly after: ZonePeriod;
}

/**
 * Any 28 years without a full century between them have every kind of year, each followed by every kind that can
 * follow it: what holds for these holds for all.
 */
const SAMPLE_YEAR_FIRST = 2001;
const SAMPLE_YEARS = 28;
/** No land has changes nearer than this. With it, a local day and a repeated hour meet one change at the most. */
const CHANGE_SPACING_MIN_DAYS = 7;

/** The two changes that the rules give for a year, earlier first. Times beyond a day may lead into the next. */
export function changesOfYear({ standard, daylight, start, end }: ChangingZone, year: number): ZoneChange[] {
  const starts = secondsOfRule(start, year) - standard.offsetSeconds;
  const ends = secondsOfRule(end, year) - daylight.offsetSeconds;
  const changes: ZoneChange[] = [
    { utcSeconds: starts, before: standard, after: daylight },
    { utcSeconds: ends, before: daylight, after: standard },
  ];
  return starts < ends ? changes : changes.reverse();
}

function secondsOfRule({ day, seconds }: ChangeRule, year: number): number {
  return daysOfRule(day, year) * SECONDS_PER_DAY + seconds;
}

function daysOfRule(day: ChangeDay, year: number): number {
  if (day.form === "weekday") return daysOfWeekday(day.month, day.week, day.weekday, year);
  const newYear = daysOfDate({ year, month: 1, day: 1 });
  if (day.form === "day-of-year") return newYear + day.day;
  const isAfterLeapDay = isLeapYear(year) && day.day > 59;
  return newYear + day.day - 1 + (isAfterLeapDay ? 1 : 0);
}

function daysOfWeekday(month: number, week: number, weekday: number, year: number): number {
  const first: CivilDate = { year, month, day: 1 };
  const firstDays = daysOfDate(first);
  const toFirstMatch = (weekday - weekdayOfDays(firstDays) + 7) % 7;
  const wanted = toFirstMatch + (week - 1) * 7;
  return firstDays + (wanted < daysInMonth(year, month) ? wanted : wanted - 7);
}

/**
 * True where daylight saving time ends at the instant at which the next begins, as `EST5EDT,0/0,J365/25`
 * writes that it never ends (RFC 8536 3.3.1).
 */
export function isDaylightForever(zone: ChangingZone): boolean {
  return sampleYears().every((year) => {
    const ends = secondsOfRule(zone.end, year) - zone.daylight.offsetSeconds;
    return ends === secondsOfRule(zone.start, year + 1) - zone.standard.offsetSeconds;
  });
}

/**
 * True where changes are some days apart in every year. Start and end then take turns: weekdays move them by less than
 * a week, so that none can pass the other unless they meet nearer than that in some year.
 */
export function areChangesApart(zone: ChangingZone): boolean {
  const changes = sampleYears().flatMap((year) => changesOfYear(zone, year));
  return changes.every(({ utcSeconds }, i) => {
    const previous = changes[i - 1];
    return (
      previous === undefined || utcSeconds - previous.utcSeconds >= CHANGE_SPACING_MIN_DAYS * SECONDS_PER_DAY
    );
  });
}

function sampleYears(): number[] {
  return Array.from({ length: SAMPLE_YEARS + 1 }, (_, i) => SAMPLE_YEAR_FIRST + i);
}
