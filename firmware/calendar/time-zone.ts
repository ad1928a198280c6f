// Local time: which reading a wall clock has at an instant of UTC, and the reverse.
import { type CivilDate, dateOfDays, daysOfDate, SECONDS_PER_DAY } from "./civil.ts";
import {
  type ChangingZone,
  changesOfYear,
  type ZoneChange,
  type ZonePeriod,
  type ZoneRules,
} from "./zone-rules.ts";
import { parseZone } from "./zone-text.ts";

/** What a wall clock shows, with the offset that tells a repeated hour's readings apart. */
export interface LocalTime extends CivilDate {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Ahead of UTC. */
  readonly offsetSeconds: number;
  readonly isDaylight: boolean;
  /** `CET`, `CEST`. */
  readonly zoneName: string;
}

/** From the first instant of a local day up to the first of the next. */
export interface LocalDay {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** The time between two changes. */
interface Span {
  readonly period: ZonePeriod;
  /** The change that it begins with; undefined where the zone has none. */
  readonly change: ZoneChange | undefined;
  readonly endSeconds: number;
}

/**
 * A time zone by its rules, which are taken for all years: a zone whose law changes gets another string.
 *
 * Wall seconds are what the wall clock shows, counted from its 1970-01-01 00:00:00 as if days had no changes. A
 * reading in the gap that a clock set forward leaves names no instant; one in an overlap names two.
 */
export class TimeZone {
  /** The POSIX TZ string. */
  readonly text: string;
  readonly #rules: ZoneRules;
  /** The last one used: instants asked for mostly lie near each other. */
  #span: Span;

  private constructor(text: string, rules: ZoneRules) {
    this.text = text;
    this.#rules = rules;
    this.#span = spanAt(rules, 0);
  }

  /** Where the wall clock shows UTC. */
  static readonly utc = new TimeZone("UTC0", {
    period: { name: "UTC", offsetSeconds: 0, isDaylight: false },
  });

  /** The zone of a POSIX TZ string, or one sentence about what is wrong with the text. Never throws. */
  static parse(text: string): TimeZone | { readonly error: string } {
    const rules = parseZone(text);
    return "error" in rules ? rules : new TimeZone(text, rules);
  }

  /** The reading of the wall clock at an instant; fractions are cut. */
  localTime(utcSeconds: number): LocalTime {
    const wall = this.wallSeconds(utcSeconds);
    const { period } = this.#spanAt(utcSeconds);
    const days = Math.floor(wall / SECONDS_PER_DAY);
    const secondOfDay = wall - days * SECONDS_PER_DAY;
    return {
      ...dateOfDays(days),
      hour: Math.floor(secondOfDay / 3600),
      minute: Math.floor(secondOfDay / 60) % 60,
      second: secondOfDay % 60,
      offsetSeconds: period.offsetSeconds,
      isDaylight: period.isDaylight,
      zoneName: period.name,
    };
  }

  /** `2026-10-25T02:30:00+01:00` (RFC 3339): never without the offset, as the reading alone may name two instants. */
  format(utcSeconds: number): string {
    const { year, month, day, hour, minute, second, offsetSeconds } = this.localTime(utcSeconds);
    const date = `${String(year).padStart(4, "0")}-${twoDigits(month)}-${twoDigits(day)}`;
    const time = `${twoDigits(hour)}:${twoDigits(minute)}:${twoDigits(second)}`;
    return `${date}T${time}${offsetText(offsetSeconds)}`;
  }

  wallSeconds(utcSeconds: number): number {
    return Math.floor(utcSeconds) + this.#spanAt(utcSeconds).period.offsetSeconds;
  }

  /**
   * The latest reading, in whole seconds, that the wall clock has had up to an instant. It never goes back: it leaps
   * over a gap and stands still while an overlap repeats.
   */
  latestWallSeconds(utcSeconds: number): number {
    const { change, period } = this.#spanAt(utcSeconds);
    const wall = Math.floor(utcSeconds) + period.offsetSeconds;
    if (change === undefined) return wall;
    return Math.max(wall, change.utcSeconds + change.before.offsetSeconds - 1);
  }

  /** The instants at which the wall clock has this reading, in order: none in a gap, two in an overlap. */
  instantsOf(wallSeconds: number): readonly number[] {
    const candidates = this.#offsetsDescending().map((offset) => wallSeconds - offset);
    return candidates.filter((utcSeconds, i) => {
      return utcSeconds !== candidates[i - 1] && this.wallSeconds(utcSeconds) === wallSeconds;
    });
  }

  /** The first instant at which the wall clock has this reading or, where it is in a gap, a later one. */
  firstInstantFrom(wallSeconds: number): number {
    const [first] = this.instantsOf(wallSeconds);
    if (first !== undefined) return first;
    // Counted with the offset before the change, the reading lies behind it.
    const behind = wallSeconds - (this.#offsetsDescending().at(-1) as number);
    return (this.#spanAt(behind).change as ZoneChange).utcSeconds;
  }

  /**
   * A local day, of 23, 24 or 25 hours in most zones. Days follow each other without gap or overlap, also where a
   * clock is set back over midnight: the day that had begun then stays.
   */
  day(date: CivilDate): LocalDay {
    const wall = daysOfDate(date) * SECONDS_PER_DAY;
    return {
      startSeconds: this.firstInstantFrom(wall),
      endSeconds: this.firstInstantFrom(wall + SECONDS_PER_DAY),
    };
  }

  #spanAt(utcSeconds: number): Span {
    const { change, endSeconds } = this.#span;
    const isWithin = utcSeconds < endSeconds && (change === undefined || utcSeconds >= change.utcSeconds);
    if (!isWithin) this.#span = spanAt(this.#rules, utcSeconds);
    return this.#span;
  }

  #offsetsDescending(): readonly number[] {
    if ("period" in this.#rules) return [this.#rules.period.offsetSeconds];
    const { standard, daylight } = this.#rules;
    return [
      Math.max(standard.offsetSeconds, daylight.offsetSeconds),
      Math.min(standard.offsetSeconds, daylight.offsetSeconds),
    ];
  }
}

function spanAt(rules: ZoneRules, utcSeconds: number): Span {
  if ("period" in rules)
    return { period: rules.period, change: undefined, endSeconds: Number.POSITIVE_INFINITY };
  const changes = changesAround(rules, utcSeconds);
  const next = changes.findIndex((change) => change.utcSeconds > utcSeconds);
  const change = changes[next - 1] as ZoneChange;
  return { period: change.after, change, endSeconds: (changes[next] as ZoneChange).utcSeconds };
}

/** A rule's time may lead both changes of a year a week into another: two years on each side have what is missing. */
function changesAround(rules: ChangingZone, utcSeconds: number): ZoneChange[] {
  const { year } = dateOfDays(Math.floor(utcSeconds / SECONDS_PER_DAY));
  return [-2, -1, 0, 1, 2].flatMap((years) => changesOfYear(rules, year + years));
}

/** Whole minutes are the rule; seconds are written where a string asks for them, as ISO 8601-2 does. */
function offsetText(offsetSeconds: number): string {
  const size = Math.abs(offsetSeconds);
  const minutes = `${twoDigits(Math.floor(size / 3600))}:${twoDigits(Math.floor(size / 60) % 60)}`;
  const seconds = size % 60 === 0 ? "" : `:${twoDigits(size % 60)}`;
  return `${offsetSeconds < 0 ? "-" : "+"}${minutes}${seconds}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
