import { TimeZone } from "../../firmware/calendar/time-zone.ts";

/** Zones of the tz database, their last rule, and the first year of which it says all. */
export const ZONES = [
  { name: "Europe/Berlin", text: "CET-1CEST,M3.5.0,M10.5.0/3", since: 2007 },
  { name: "America/New_York", text: "EST5EDT,M3.2.0,M11.1.0", since: 2007 },
  { name: "Australia/Lord_Howe", text: "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", since: 2008 },
  { name: "Asia/Kolkata", text: "IST-5:30", since: 2007 },
  { name: "Pacific/Auckland", text: "NZST-12NZDT,M9.5.0,M4.1.0/3", since: 2008 },
  { name: "Pacific/Chatham", text: "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", since: 2008 },
  { name: "America/St_Johns", text: "NST3:30NDT,M3.2.0,M11.1.0", since: 2012 },
  { name: "Europe/Dublin", text: "IST-1GMT0,M10.5.0,M3.5.0/1", since: 2007 },
  { name: "America/Havana", text: "CST5CDT,M3.2.0/0,M11.1.0/1", since: 2013 },
  { name: "America/Nuuk", text: "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", since: 2024 },
  { name: "Antarctica/Troll", text: "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3", since: 2007 },
  { name: "Asia/Jerusalem", text: "IST-2IDT,M3.4.4/26,M10.5.0", since: 2014 },
  { name: "America/Santiago", text: "<-04>4<-03>,M9.1.6/24,M4.1.6/24", since: 2023 },
  { name: "Asia/Beirut", text: "EET-2EEST,M3.5.0/0,M10.5.0/0", since: 2024 },
] as const;

/** St John's until 2011: the clock goes back from one minute after midnight into the day before. */
export const BACK_OVER_MIDNIGHT = "NST3:30NDT,M3.2.0/0:01,M11.1.0/0:01";

export function zoneOf(text: string): TimeZone {
  const zone = TimeZone.parse(text);
  if (!(zone instanceof TimeZone)) throw new Error(`${text}: ${zone.error}`);
  return zone;
}

/** The host's own wall clock: `2026-10-25 02:30:00`. */
export function hostClock(timeZone: string): (utcSeconds: number) => string {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  return (utcSeconds) => format.format(utcSeconds * 1000);
}
