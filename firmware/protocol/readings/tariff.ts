// A time-of-use tariff, as one end gives it and the other takes it: after the activity calendar and the
// special days table of COSEM (IEC 62056-6-2, classes 20 and 11).
import { daysInMonth } from "../../calendar/civil.ts";

/**
 * Which rate holds at which local time. References are positions in the lists, from 0. A table with nothing in it is a
 * tariff of one rate.
 */
export interface TariffTable {
  /** In the order of the year. The last one goes on over New Year, up to the first. */
  readonly seasons: readonly Season[];
  readonly weekProfiles: readonly WeekProfile[];
  readonly dayProfiles: readonly DayProfile[];
  /** Those of each year first, then those of one year; each kind in the order of its dates. */
  readonly specialDays: readonly SpecialDay[];
}

/** A part of each year, up to the start of the next one. */
export interface Season {
  readonly month: number;
  /** 29 February, in a year without, is 1 March. */
  readonly day: number;
  readonly weekProfile: number;
}

/** Day profiles of Monday to Sunday. */
export type WeekProfile = readonly number[];

/** In the order of time, the first at minute 0: a day's rates do not hang on the day before. */
export type DayProfile = readonly RateSwitch[];

export interface RateSwitch {
  /** Minutes that the wall clock has counted since 00:00. */
  readonly minuteOfDay: number;
  /** 1 to 8: value group E of the register's OBIS code (IEC 62056-6-1), as in 1.8.2. */
  readonly rate: number;
}

/** A day that has its own profile whatever season and weekday it is in. One of a given year goes before one of each. */
export interface SpecialDay {
  /** Undefined for each year. */
  readonly year: number | undefined;
  readonly month: number;
  readonly day: number;
  readonly dayProfile: number;
}

export interface TariffPlan {
  readonly active: TariffTable;
  /** The table that takes over, at an instant of UTC. */
  readonly passive?: { readonly table: TariffTable; readonly fromSeconds: number };
}

export const RATE_OF_EMPTY_TABLE = 1;
export const EMPTY_TARIFF_TABLE: TariffTable = {
  seasons: [],
  weekProfiles: [],
  dayProfiles: [],
  specialDays: [],
};

export const MINUTES_PER_DAY = 1440;
const DAYS_PER_WEEK = 7;

/** Each asks for registers of its own; on the wire it takes three bits of a switch. */
export const RATES_MAX = 8;
/** One a month. */
const SEASONS_MAX = 12;
/** One a season. */
const WEEK_PROFILES_MAX = 12;
/** A workday, a Saturday and a Sunday in each of four quarters, and four for special days. */
const DAY_PROFILES_MAX = 16;
/** Two morning and evening peaks, and room: as many as a day of an Itron ACE6000 has. */
const SWITCHES_PER_DAY_MAX = 16;
/** With the other limits: active and passive table together go into 1024 bytes, a message of CoAP (RFC 7252 4.6). */
const SWITCHES_MAX = 64;
/** Germany's five fixed holidays, and six years of its four movable ones. */
const SPECIAL_DAYS_MAX = 32;
/** The whole years that a time of five bytes of CBOR reaches. */
const YEAR_FIRST = 1970;
const YEAR_LAST = 2105;
/** What can be a date in some year. */
const A_LEAP_YEAR = 2000;

/**
 * What is wrong with a table, first fault first, as one sentence that says where; undefined for a sound one.
 * Lists are counted from 1, as people do; day profiles go by their names where such are given.
 */
export function tariffTableFault(table: TariffTable, dayNames: readonly string[] = []): string | undefined {
  const [first] = faultsOf(table, dayNames);
  return first;
}

function* faultsOf(table: TariffTable, dayNames: readonly string[]): Generator<string> {
  yield* countFaults(table);
  yield* seasonFaults(table);
  yield* weekFaults(table);
  for (const [i, profile] of table.dayProfiles.entries()) {
    const name = dayNames[i] === undefined ? `Day profile ${i + 1}` : `Day profile "${dayNames[i]}"`;
    yield* dayFaults(profile, name);
  }
  yield* specialDayFaults(table);
}

function* countFaults(table: TariffTable): Generator<string> {
  const { seasons, weekProfiles, dayProfiles, specialDays } = table;
  const counts: readonly [string, number, number][] = [
    ["seasons", seasons.length, SEASONS_MAX],
    ["week profiles", weekProfiles.length, WEEK_PROFILES_MAX],
    ["day profiles", dayProfiles.length, DAY_PROFILES_MAX],
    ["switches in all", dayProfiles.reduce((sum, profile) => sum + profile.length, 0), SWITCHES_MAX],
    ["special days", specialDays.length, SPECIAL_DAYS_MAX],
  ];
  for (const [what, count, most] of counts) {
    if (count > most) yield `The table has ${count} ${what}, and ${most} is the most.`;
    if (count > 0 && seasons.length === 0) yield `The table has ${what} but no season.`;
  }
}

function* seasonFaults({ seasons, weekProfiles }: TariffTable): Generator<string> {
  for (const [i, season] of seasons.entries()) {
    const where = `Season ${i + 1}`;
    const previous = seasons[i - 1];
    if (!isDate(A_LEAP_YEAR, season)) yield `${where} starts on a day that no year has.`;
    if (previous !== undefined && dayOfYear(season) <= dayOfYear(previous)) {
      yield `${where} must start later in the year than season ${i}.`;
    }
    yield* referenceFaults(season.weekProfile, weekProfiles, `${where} names week profile`);
  }
}

function* weekFaults({ weekProfiles, dayProfiles }: TariffTable): Generator<string> {
  for (const [i, week] of weekProfiles.entries()) {
    const where = `Week profile ${i + 1}`;
    if (week.length !== DAYS_PER_WEEK) yield `${where} has ${week.length} days, and a week has 7.`;
    for (const profile of week) yield* referenceFaults(profile, dayProfiles, `${where} names day profile`);
  }
}

function* dayFaults(profile: DayProfile, where: string): Generator<string> {
  if (profile.length > SWITCHES_PER_DAY_MAX) {
    yield `${where} has ${profile.length} switches, and ${SWITCHES_PER_DAY_MAX} is the most.`;
  }
  if (profile[0]?.minuteOfDay !== 0) yield `${where} must have its first switch at 00:00.`;
  for (const [i, { minuteOfDay, rate }] of profile.entries()) {
    const previous = profile[i - 1];
    if (!isWithin(minuteOfDay, 0, MINUTES_PER_DAY - 1))
      yield `${where}, switch ${i + 1}: there is no such time.`;
    if (previous !== undefined && minuteOfDay <= previous.minuteOfDay) {
      yield `${where}, switch ${i + 1} must be later than switch ${i}.`;
    }
    if (!isWithin(rate, 1, RATES_MAX))
      yield `${where}, switch ${i + 1}: rate ${rate} is not from 1 to ${RATES_MAX}.`;
  }
}

function* specialDayFaults({ specialDays, dayProfiles }: TariffTable): Generator<string> {
  for (const [i, special] of specialDays.entries()) {
    const where = `Special day ${i + 1}`;
    const previous = specialDays[i - 1];
    const { year } = special;
    if (year !== undefined && !isWithin(year, YEAR_FIRST, YEAR_LAST)) {
      yield `${where}: year ${year} is not from ${YEAR_FIRST} to ${YEAR_LAST}.`;
    }
    if (!isDate(year ?? A_LEAP_YEAR, special)) yield `${where} is a day that the calendar does not have.`;
    if (previous !== undefined && rank(special) <= rank(previous)) {
      yield `${where} must come after special day ${i}: first those of each year, then the others, by date.`;
    }
    yield* referenceFaults(special.dayProfile, dayProfiles, `${where} names day profile`);
  }
}

function* referenceFaults(index: number, list: readonly unknown[], where: string): Generator<string> {
  if (!isWithin(index, 0, list.length - 1)) yield `${where} ${index + 1}, and there are ${list.length}.`;
}

function isDate(year: number, { month, day }: { readonly month: number; readonly day: number }): boolean {
  return isWithin(month, 1, 12) && isWithin(day, 1, daysInMonth(year, month));
}

/** In the order of the year; not a count of days. */
export function dayOfYear({ month, day }: { readonly month: number; readonly day: number }): number {
  return month * 32 + day;
}

function rank(special: SpecialDay): number {
  return (special.year ?? 0) * 512 + dayOfYear(special);
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}
