// When a billing period ends: by the civil calendar of the meter's place.
import { dateOfDays, daysOfDate, SECONDS_PER_DAY } from "../calendar/civil.ts";
import type { TimeZone } from "../calendar/time-zone.ts";

/** A month of the civil calendar, 1 to 12. */
export interface Month {
  readonly year: number;
  readonly month: number;
}

/**
 * The first midnight of a month after this time. Where the clock is set forward over midnight, it is the end of the
 * gap; where it is set back over it, the month that had begun goes on.
 */
export function nextMonthSeconds(zone: TimeZone, utcSeconds: number): number {
  const today = Math.floor(zone.latestWallSeconds(utcSeconds) / SECONDS_PER_DAY);
  return monthEndSeconds(zone, dateOfDays(today));
}

/** When a month ends, by the same rule. */
export function monthEndSeconds(zone: TimeZone, { year, month }: Month): number {
  const next = month === 12 ? { year: year + 1, month: 1, day: 1 } : { year, month: month + 1, day: 1 };
  return zone.firstInstantFrom(daysOfDate(next) * SECONDS_PER_DAY);
}
