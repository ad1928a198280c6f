// When a billing period ends: by the civil calendar, in UTC until a local time is joined.

/**
 * The first midnight of a month after this time, in UTC. Years begin in March here, so that the leap
 * day is the last: Hinnant, "chrono-compatible low-level date algorithms".
 */
export function nextMonthSeconds(utcSeconds: number): number {
  const day = Math.floor(utcSeconds / DAY_SECONDS);
  const year = marchYearOf(day);
  const dayOfYear = day - marchYearStart(year);
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  const next = month === 11 ? marchYearStart(year + 1) : marchYearStart(year) + monthStart(month + 1);
  return next * DAY_SECONDS;
}

const DAY_SECONDS = 86_400;
/** From 0000-03-01 to 1970-01-01. */
const DAYS_BEFORE_1970 = 719_468;

function marchYearOf(day: number): number {
  const estimate = Math.floor((day + DAYS_BEFORE_1970) / 365.2425);
  if (day < marchYearStart(estimate)) return estimate - 1;
  return day < marchYearStart(estimate + 1) ? estimate : estimate + 1;
}

/** Days from 1970-01-01 to the first of March of a year. */
function marchYearStart(year: number): number {
  const leapDays = Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400);
  return 365 * year + leapDays - DAYS_BEFORE_1970;
}

/** Days from the first of March to the first of a month, March being 0. */
function monthStart(month: number): number {
  return Math.floor((153 * month + 2) / 5);
}
