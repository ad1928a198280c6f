// Time zones as POSIX TZ strings: IEEE Std 1003.1 section 8.3, with the times of RFC 8536 3.3.1.
import {
  areChangesApart,
  type ChangeDay,
  type ChangeRule,
  type ChangingZone,
  isDaylightForever,
  type ZonePeriod,
  type ZoneRules,
} from "./zone-rules.ts";

/** The longest that the grammar allows: both names quoted, both offsets and both times to the second. */
export const ZONE_CHARACTERS_MAX = 72;
/** Of a name: POSIX asks for the least, and grants no more than the most (_POSIX_TZNAME_MAX). */
const NAME_CHARACTERS_MIN = 3;
const NAME_CHARACTERS_MAX = 6;
const OFFSET_HOURS_MAX = 24;
/** A week less an hour, either way: RFC 8536 3.3.1. */
const CHANGE_HOURS_MAX = 167;
const CHANGE_SECONDS_DEFAULT = 7200;
const DAYLIGHT_SECONDS_DEFAULT = 3600;
/** An hour more than any zone has (two, at Antarctica/Troll): every local day is there, and 21 to 27 hours long. */
const DAYLIGHT_SECONDS_MAX = 3 * 3600;

const NAME = /([A-Za-z]+)|<([A-Za-z0-9+-]+)>/y;
const TIME = /([+-]?)(\d{1,3})(?::(\d{1,2}))?(?::(\d{1,2}))?/y;
const WEEKDAY_OF_MONTH = /M(\d{1,2})\.(\d)\.(\d)/y;
const JULIAN = /J(\d{1,3})/y;
const DAY_OF_YEAR = /\d{1,3}/y;

class ZoneFault extends Error {}

interface Cursor {
  readonly text: string;
  at: number;
}

/** The rules that the text writes, or one sentence about what is wrong with it and where. Never throws. */
export function parseZone(text: string): ZoneRules | { readonly error: string } {
  if (text.length > ZONE_CHARACTERS_MAX) {
    return {
      error: `A time zone has at most ${ZONE_CHARACTERS_MAX} characters, and this is ${text.length}.`,
    };
  }
  try {
    return readZone({ text, at: 0 });
  } catch (fault) {
    if (fault instanceof ZoneFault) return { error: fault.message };
    throw fault;
  }
}

function readZone(cursor: Cursor): ZoneRules {
  const standard: ZonePeriod = {
    name: readName(cursor),
    offsetSeconds: readOffset(cursor),
    isDaylight: false,
  };
  if (isAtEnd(cursor)) return { period: standard };
  const daylight = readDaylight(cursor, standard);
  const start = readRule(cursor, "start");
  const end = readRule(cursor, "end");
  if (!isAtEnd(cursor)) throw misses(cursor, "end of the text");
  const zone: ChangingZone = { standard, daylight, start, end };
  if (isDaylightForever(zone)) return { period: daylight };
  if (!areChangesApart(zone)) {
    throw new ZoneFault("Start and end of daylight saving time must be at least 7 days apart in every year.");
  }
  return zone;
}

function readDaylight(cursor: Cursor, standard: ZonePeriod): ZonePeriod {
  const name = readName(cursor);
  const start = cursor.at;
  const isGiven = !isAtEnd(cursor) && cursor.text[start] !== ",";
  const offsetSeconds = isGiven ? readOffset(cursor) : standard.offsetSeconds + DAYLIGHT_SECONDS_DEFAULT;
  if (Math.abs(offsetSeconds - standard.offsetSeconds) > DAYLIGHT_SECONDS_MAX) {
    throw faultAt(start, "daylight saving time is more than 3 hours from standard time");
  }
  return { name, offsetSeconds, isDaylight: true };
}

function readName(cursor: Cursor): string {
  const start = cursor.at;
  const match = take(cursor, NAME);
  const name = match?.[1] ?? match?.[2] ?? "";
  if (name.length < NAME_CHARACTERS_MIN || name.length > NAME_CHARACTERS_MAX) {
    throw misses({ ...cursor, at: start }, "name of 3 to 6 letters, or between < and > also digits, + and -");
  }
  return name;
}

/** POSIX writes what is to be added to local time to get UTC: east of Greenwich is negative. */
function readOffset(cursor: Cursor): number {
  const behind = readTime(cursor, OFFSET_HOURS_MAX, "offset such as -1 or 5:30");
  return behind === 0 ? 0 : -behind;
}

function readRule(cursor: Cursor, which: "start" | "end"): ChangeRule {
  if (cursor.text[cursor.at] !== ",") {
    throw misses(cursor, `comma with the ${which} of daylight saving time, as in ,M3.5.0,M10.5.0/3`);
  }
  cursor.at++;
  const day = readChangeDay(cursor);
  if (cursor.text[cursor.at] !== "/") return { day, seconds: CHANGE_SECONDS_DEFAULT };
  cursor.at++;
  return { day, seconds: readTime(cursor, CHANGE_HOURS_MAX, "time such as 3 or 2:30") };
}

function readChangeDay(cursor: Cursor): ChangeDay {
  const start = cursor.at;
  const weekday = take(cursor, WEEKDAY_OF_MONTH);
  if (weekday !== null) {
    return {
      form: "weekday",
      month: within(weekday[1], 1, 12, start, "month"),
      week: within(weekday[2], 1, 5, start, "week"),
      weekday: within(weekday[3], 0, 6, start, "weekday"),
    };
  }
  const julian = take(cursor, JULIAN);
  if (julian !== null) return { form: "julian", day: within(julian[1], 1, 365, start, "day") };
  const dayOfYear = take(cursor, DAY_OF_YEAR);
  if (dayOfYear === null) throw misses(cursor, "day of a change such as M3.5.0, J60 or 59");
  return { form: "day-of-year", day: within(dayOfYear[0], 0, 365, start, "day") };
}

/** `[+-]hh[:mm[:ss]]` in seconds. */
function readTime(cursor: Cursor, hoursMax: number, what: string): number {
  const start = cursor.at;
  const match = take(cursor, TIME);
  if (match === null) throw misses(cursor, what);
  const hours = within(match[2], 0, hoursMax, start, "hour");
  const minutes = within(match[3] ?? "0", 0, 59, start, "minute");
  const seconds = within(match[4] ?? "0", 0, 59, start, "second");
  const total = hours * 3600 + minutes * 60 + seconds;
  return match[1] === "-" && total > 0 ? -total : total;
}

function within(digits: string | undefined, least: number, most: number, at: number, what: string): number {
  const number = Number(digits);
  if (number < least || number > most) {
    throw faultAt(at, `${what} ${number} is not from ${least} to ${most}`);
  }
  return number;
}

function take(cursor: Cursor, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text);
  if (match !== null) cursor.at = pattern.lastIndex;
  return match;
}

function isAtEnd(cursor: Cursor): boolean {
  return cursor.at === cursor.text.length;
}

function misses(cursor: Cursor, what: string): ZoneFault {
  return faultAt(cursor.at, `the ${what} is missing`);
}

function faultAt(at: number, fault: string): ZoneFault {
  return new ZoneFault(`At character ${at + 1}: ${fault}.`);
}
