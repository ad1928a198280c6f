// The civil calendar: proleptic Gregorian dates (ISO 8601-1) and days since 1970-01-01.

export interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
}

/** Monday is 1 and Sunday 7, as in ISO 8601-1 and COSEM. */
export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

export const SECONDS_PER_DAY = 86_400;

/** Days before each month of a year that starts on 1 March: the day that comes and goes is then the last one. */
const DAYS_BEFORE_MONTH_FROM_MARCH = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337] as const;
const DAYS_PER_YEAR = 365;
const DAYS_PER_4_YEARS = 4 * DAYS_PER_YEAR + 1;
const DAYS_PER_CENTURY = 25 * DAYS_PER_4_YEARS - 1;
const DAYS_PER_400_YEARS = 4 * DAYS_PER_CENTURY + 1;
/** From 0000-03-01 to 1970-01-01. */
const DAYS_BEFORE_EPOCH = 719_468;
/** 1970-01-01 was a Thursday. */
const WEEKDAY_BEFORE_EPOCH = 3;

/** Every fourth year, but of the full centuries every fourth only. */
export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days of a month, 1 to 12. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 to a date; negative before. The date must be one. */
export function daysOfDate({ year, month, day }: CivilDate): number {
  const isBeforeMarch = month < 3;
  const yearFromMarch = isBeforeMarch ? year - 1 : year;
  const monthFromMarch = isBeforeMarch ? month + 9 : month - 3;
  return (
    yearFromMarch * DAYS_PER_YEAR +
    Math.floor(yearFromMarch / 4) -
    Math.floor(yearFromMarch / 100) +
    Math.floor(yearFromMarch / 400) +
    (DAYS_BEFORE_MONTH_FROM_MARCH[monthFromMarch] as number) +
    day -
    1 -
    DAYS_BEFORE_EPOCH
  );
}

/** The date that is so many days after 1970-01-01. */
export function dateOfDays(days: number): CivilDate {
  const daysFromMarch = days + DAYS_BEFORE_EPOCH;
  const era = Math.floor(daysFromMarch / DAYS_PER_400_YEARS);
  const dayOfEra = daysFromMarch - era * DAYS_PER_400_YEARS;
  // The last day of a century or of four years is one too many for the division: it belongs to the year before.
  const century = Math.min(3, Math.floor(dayOfEra / DAYS_PER_CENTURY));
  const dayOfCentury = dayOfEra - century * DAYS_PER_CENTURY;
  const four = Math.floor(dayOfCentury / DAYS_PER_4_YEARS);
  const dayOfFour = dayOfCentury - four * DAYS_PER_4_YEARS;
  const one = Math.min(3, Math.floor(dayOfFour / DAYS_PER_YEAR));
  const dayOfYear = dayOfFour - one * DAYS_PER_YEAR;
  const monthFromMarch = DAYS_BEFORE_MONTH_FROM_MARCH.findLastIndex((before) => before <= dayOfYear);
  const isBeforeMarch = monthFromMarch >= 10;
  return {
    year: era * 400 + century * 100 + four * 4 + one + (isBeforeMarch ? 1 : 0),
    month: isBeforeMarch ? monthFromMarch - 9 : monthFromMarch + 3,
    day: dayOfYear - (DAYS_BEFORE_MONTH_FROM_MARCH[monthFromMarch] as number) + 1,
  };
}

export function weekdayOfDays(days: number): Weekday {
  const fromMonday = (((days + WEEKDAY_BEFORE_EPOCH) % 7) + 7) % 7;
  return (fromMonday + 1) as Weekday;
}
