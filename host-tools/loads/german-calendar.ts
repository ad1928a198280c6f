import { type LocalTime, TimeZone } from "../../firmware/calendar/time-zone.ts";

/** Day types of the German standard load profiles: Saturday, Sunday or holiday, workday. */
export type DayType = "SA" | "FT" | "WT";

const MS_PER_DAY = 86_400_000;

/** Holidays in every federal state with a fixed date, as month * 100 + day. */
const FIXED_HOLIDAYS = new Set([101, 501, 1003, 1225, 1226]);
/** The others, in days from Easter Sunday: Good Friday, Easter Monday, Ascension, Whit Monday. */
const EASTER_HOLIDAYS = new Set([-2, 1, 39, 50]);

/** By the rules since 1996 (Directive 2000/84/EC). */
const GERMANY = TimeZone.parse("CET-1CEST,M3.5.0,M10.5.0/3");

/** The wall clock in Germany; its offset from UTC is whole hours, so that minutes are those of UTC. */
export function germanHour(utcMs: number): Pick<LocalTime, "year" | "month" | "day" | "hour"> {
  if ("error" in GERMANY) throw new Error(GERMANY.error);
  return GERMANY.localTime(utcMs / 1000);
}

/**
 * The type of a day in Germany by the rules of the standard load profiles: nationwide holidays count
 * as Sundays, 24 and 31 December as Saturdays unless they are Sundays.
 */
export function dayType(year: number, month: number, day: number): DayType {
  const dateMs = Date.UTC(year, month - 1, day);
  const weekday = new Date(dateMs).getUTCDay();
  const fromEaster = (dateMs - easterSundayMs(year)) / MS_PER_DAY;
  if (weekday === 0 || FIXED_HOLIDAYS.has(month * 100 + day) || EASTER_HOLIDAYS.has(fromEaster)) return "FT";
  const isEve = month === 12 && (day === 24 || day === 31);
  return weekday === 6 || isEve ? "SA" : "WT";
}

/**
 * Easter Sunday of the Gregorian calendar, as the time of its midnight in UTC. The anonymous
 * algorithm printed in Meeus, Astronomical Algorithms, chapter 8, with its letters.
 */
function easterSundayMs(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = Math.floor(b / 4);
  const e = b % 4;
  const f = Math.floor((b + 8) / 25);
  const g = Math.floor((b - f + 1) / 3);
  const h = (19 * a + b - d - g + 15) % 30;
  const i = Math.floor(c / 4);
  const k = c % 4;
  const l = (32 + 2 * e + 2 * i - h - k) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const monthDay = h + l - 7 * m + 114;
  return Date.UTC(year, Math.floor(monthDay / 31) - 1, (monthDay % 31) + 1);
}
