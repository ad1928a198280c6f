// Tariff tables as files that people write: profiles by name, times and dates as on a clock and a calendar.
import * as v from "valibot";
import { type TariffTable, tariffTableFault } from "../firmware/protocol/readings/tariff.ts";

const NAME_FAULT = "a name is 1 to 32 letters, digits, spaces, dashes or underscores";
const DAY_FAULT = "a day of each year is written as 04-01";
const DATE_FAULT = "a date is written as 12-25, for each year, or as 2027-03-26";
const TIME_FAULT = "a time is written as 06:00, up to 23:59";
const RATE_FAULT = "a rate is a whole number";
const DAYS_FAULT = "a week is seven names of days, Monday first";
const FIELD_FAULT: v.ErrorMessage<v.StrictObjectIssue> = ({ expected, received }) => {
  if (expected === "never") return "there is no such field";
  return received === "undefined" ? "this field is missing" : "this must be an object";
};
const LIST_FAULT = "this must be a list";

/** They come back in sentences on a terminal. */
const Name = v.pipe(v.string(NAME_FAULT), v.regex(/^[\p{L}\p{N}][\p{L}\p{N} _-]{0,31}$/u, NAME_FAULT));
const DATE = /^(?:(\d{4})-)?(\d{2})-(\d{2})$/;
const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;
const MonthDay = v.pipe(v.string(DAY_FAULT), v.regex(/^\d{2}-\d{2}$/, DAY_FAULT), v.transform(toDate));
const DateOrMonthDay = v.pipe(v.string(DATE_FAULT), v.regex(DATE, DATE_FAULT), v.transform(toDate));
const Time = v.pipe(v.string(TIME_FAULT), v.regex(TIME, TIME_FAULT), v.transform(toMinutes));
const Rate = v.pipe(v.number(RATE_FAULT), v.integer(RATE_FAULT));

function listOf<const Fields extends v.ObjectEntries>(fields: Fields) {
  return v.array(v.strictObject(fields, FIELD_FAULT), LIST_FAULT);
}

const FileSchema = v.strictObject(
  {
    meterbench: v.literal("tariff", 'this must be "tariff"'),
    seasons: listOf({ from: MonthDay, week: Name }),
    weeks: listOf({ name: Name, days: v.pipe(v.array(Name, DAYS_FAULT), v.length(7, DAYS_FAULT)) }),
    days: listOf({ name: Name, rates: listOf({ from: Time, rate: Rate }) }),
    specialDays: v.optional(listOf({ date: DateOrMonthDay, day: Name }), []),
  },
  FIELD_FAULT,
);

type TariffFile = v.InferOutput<typeof FileSchema>;
/** As it stands in the file. */
export type TariffFileInput = v.InferInput<typeof FileSchema>;

class FileFault extends Error {}

/** The table in a file's text, or one sentence about what is wrong with it and where. Never throws. */
export function readTariffFile(text: string): TariffTable | { readonly error: string } {
  const json = parseJson(text);
  if (json === undefined) return { error: "A tariff file is JSON, and this is none." };
  const parsed = v.safeParse(FileSchema, json, { abortEarly: true });
  if (!parsed.success) return { error: sentenceOf(parsed.issues[0]) };
  try {
    const table = tableOf(parsed.output);
    const fault = tariffTableFault(table, namesOf(parsed.output.days));
    return fault === undefined ? table : { error: fault };
  } catch (fault) {
    if (fault instanceof FileFault) return { error: fault.message };
    throw fault;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `In seasons 2, from: a day of each year is written as 04-01.` */
function sentenceOf({ path, message }: v.BaseIssue<unknown>): string {
  const where = (path ?? []).map(({ key }) => stepOf(key)).join("");
  return where === "" ? "A tariff file is a JSON object." : `In ${where.slice(2)}: ${message}.`;
}

/** Entries of lists count from 1. A name that is none of ours may hold what does not belong on a terminal. */
function stepOf(key: unknown): string {
  if (typeof key === "number") return ` ${key + 1}`;
  return typeof key === "string" && /^\w{1,32}$/.test(key) ? `, ${key}` : ", a field of another name";
}

function tableOf(file: TariffFile): TariffTable {
  const weekNames = namesOf(file.weeks);
  const dayNames = namesOf(file.days);
  return {
    seasons: file.seasons.map(({ from: { month, day }, week }, i) => {
      return { month, day, weekProfile: indexOf(weekNames, week, `Season ${i + 1} names week`) };
    }),
    weekProfiles: file.weeks.map(({ name, days }) =>
      days.map((day) => indexOf(dayNames, day, `Week "${name}" names day`)),
    ),
    dayProfiles: file.days.map(({ rates }) => rates.map(({ from, rate }) => ({ minuteOfDay: from, rate }))),
    specialDays: file.specialDays.map(({ date, day }, i) => {
      return { ...date, dayProfile: indexOf(dayNames, day, `Special day ${i + 1} names day`) };
    }),
  };
}

function namesOf(list: readonly { readonly name: string }[]): string[] {
  return list.map(({ name }) => name);
}

/** A name that is there twice is as little of a reference as one that is not there. */
function indexOf(names: readonly string[], name: string, where: string): number {
  const index = names.indexOf(name);
  if (index < 0) throw new FileFault(`${where} "${name}", and there is none.`);
  if (names.lastIndexOf(name) !== index) throw new FileFault(`${where} "${name}", and there are two.`);
  return index;
}

/** Whether the calendar has it is for the table's own check to say. */
function toDate(text: string): { year: number | undefined; month: number; day: number } {
  const [, year, month, day] = DATE.exec(text) ?? [];
  return { year: year === undefined ? undefined : Number(year), month: Number(month), day: Number(day) };
}

function toMinutes(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

/** The text of a tariff file. Names do not travel to a meter: profiles that come back are numbered. */
export function writeTariffFile(table: TariffTable): string {
  return `${JSON.stringify(tariffFileOf(table), null, 2)}\n`;
}

/** What a tariff file says, before it is text. */
export function tariffFileOf({
  seasons,
  weekProfiles,
  dayProfiles,
  specialDays,
}: TariffTable): TariffFileInput {
  return {
    meterbench: "tariff",
    seasons: seasons.map((season) => ({ from: dateText(season), week: weekName(season.weekProfile) })),
    weeks: weekProfiles.map((days, i) => ({ name: weekName(i), days: days.map(dayName) })),
    days: dayProfiles.map((switches, i) => ({
      name: dayName(i),
      rates: switches.map(({ minuteOfDay, rate }) => ({ from: timeText(minuteOfDay), rate })),
    })),
    specialDays: specialDays.map((special) => ({
      date: dateText(special),
      day: dayName(special.dayProfile),
    })),
  };
}

function weekName(index: number): string {
  return `week ${index + 1}`;
}

function dayName(index: number): string {
  return `day ${index + 1}`;
}

function dateText({ year, month, day }: { year?: number | undefined; month: number; day: number }): string {
  return `${year === undefined ? "" : `${year}-`}${twoDigits(month)}-${twoDigits(day)}`;
}

function timeText(minuteOfDay: number): string {
  return `${twoDigits(Math.floor(minuteOfDay / 60))}:${twoDigits(minuteOfDay % 60)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
