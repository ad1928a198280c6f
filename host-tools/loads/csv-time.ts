// Moments as CSV files write them.

/** RFC 3339 5.6, with a space for its T, without seconds, and without an offset allowed. */
const TIME =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|z|[+-]\d{2}:?\d{2})?$/;
const UNIX_SECONDS = /^\d{9,10}$/;
const ZONE = /^([+-])(\d{2}):?(\d{2})$/;
const MS_PER_MINUTE = 60_000;

/** `no-zone`: a local time, that is no moment before somebody says where. */
export type TimeFault = "no-time" | "no-zone";

/** UTC in milliseconds of RFC 3339 or of Unix seconds; a time without an offset is taken at `zoneMs` from UTC. */
export function parseCsvTime(text: string, zoneMs?: number): number | TimeFault {
  if (UNIX_SECONDS.test(text)) return Number(text) * 1000;
  const match = TIME.exec(text);
  if (match === null) return "no-time";
  const [, year, month, day, hour, minute, second = "0", fraction = "0", zone] = match;
  const offsetMs = zone === undefined ? zoneMs : parseZoneMs(zone);
  const dayMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // Date.UTC rolls 30 February over into March: such a day is none.
  const isDay = new Date(dayMs).getUTCDate() === Number(day) && Number(month) >= 1 && Number(month) <= 12;
  if (!isDay || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return "no-time";
  if (offsetMs === undefined) return zone === undefined ? "no-zone" : "no-time";
  const minutes = Number(hour) * 60 + Number(minute);
  const ms = Math.round(Number(`${second}.${fraction}`) * 1000);
  return dayMs + minutes * MS_PER_MINUTE + ms - offsetMs;
}

/** Milliseconds that a zone's clock is ahead of UTC: `Z`, `+01:00`, `-0530`; undefined for any other text. */
export function parseZoneMs(text: string): number | undefined {
  if (text === "Z" || text === "z") return 0;
  const [, sign, hours, minutes] = ZONE.exec(text) ?? [];
  if (Number(hours) > 23 || Number(minutes) > 59 || sign === undefined) return undefined;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MS_PER_MINUTE;
}
