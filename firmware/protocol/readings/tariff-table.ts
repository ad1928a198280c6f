// A tariff plan on the wire and in storage.
import { dateOfDays, daysOfDate } from "../../calendar/civil.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { arrayItems, decodeTime, isIntegerWithin } from "./answer-fields.ts";
import {
  type DayProfile,
  dayOfYear,
  MINUTES_PER_DAY,
  RATES_MAX,
  type SpecialDay,
  type TariffPlan,
  type TariffTable,
  tariffTableFault,
} from "./tariff.ts";

const DAYS_PER_WEEK = 7;
/** A month and a day as one number: {@link dayOfYear}. */
const DAY_OF_YEAR_MAX = 12 * 32 + 31;
const SWITCH_MAX = MINUTES_PER_DAY * RATES_MAX - 1;
/** Of a date that is special: the last day of 2105 is day 49,672. */
const DAYS_MAX = 0xffff;

/**
 * `[active]`, or `[active, passive, from]` with a time of UTC. A table is `[seasons, week profiles, day profiles,
 * special days]`, all but the day profiles in one row of integers:
 *
 * - a season is two: 32 x month + day, and its week profile;
 * - a week profile is the seven day profiles of Monday to Sunday;
 * - a day profile is an array of switches, each 8 x minute of the day + rate - 1;
 * - a special day is two: days since 1970-01-01, or for each year -(32 x month + day), and its day profile.
 *
 * A plan that is not sound throws.
 */
export function encodeTariffPlan({ active, passive }: TariffPlan): Uint8Array {
  if (passive === undefined) return encodeCbor([itemOf(active)]);
  const { table, fromSeconds } = passive;
  if (decodeTime(fromSeconds) !== fromSeconds) throw new Error(`no table becomes active at ${fromSeconds}`);
  return encodeCbor([itemOf(active), itemOf(table), fromSeconds]);
}

/** The plan, or undefined where the body is none or one of its tables is not sound. */
export function decodeTariffPlan(body: Uint8Array): TariffPlan | undefined {
  const items = arrayItems(decodeCbor(body)) ?? [];
  const active = tableOf(items[0]);
  if (active === undefined) return undefined;
  if (items.length === 1) return { active };
  const table = tableOf(items[1]);
  const fromSeconds = decodeTime(items[2]);
  if (items.length !== 3 || table === undefined || typeof fromSeconds !== "number") return undefined;
  return { active, passive: { table, fromSeconds } };
}

function itemOf(table: TariffTable): CborValue {
  const fault = tariffTableFault(table);
  if (fault !== undefined) throw new Error(fault);
  return [
    table.seasons.flatMap((season) => [dayOfYear(season), season.weekProfile]),
    table.weekProfiles.flat(),
    table.dayProfiles.map((profile) =>
      profile.map(({ minuteOfDay, rate }) => minuteOfDay * RATES_MAX + rate - 1),
    ),
    table.specialDays.flatMap((special) => [dateItem(special), special.dayProfile]),
  ];
}

function dateItem({ year, month, day }: SpecialDay): number {
  return year === undefined ? -dayOfYear({ month, day }) : daysOfDate({ year, month, day });
}

function tableOf(item: CborValue | undefined): TariffTable | undefined {
  const items = arrayItems(item) ?? [];
  const seasons = rowsOf(items[0], 2);
  const weekProfiles = rowsOf(items[1], DAYS_PER_WEEK);
  const dayProfiles = arrayItems(items[2])?.map(dayProfileOf);
  const specialDays = rowsOf(items[3], 2)?.map(specialDayOf);
  if (items.length !== 4 || !seasons || !weekProfiles || !dayProfiles || !specialDays) return undefined;
  if (!isComplete(dayProfiles) || !isComplete(specialDays)) return undefined;
  const table: TariffTable = {
    seasons: seasons.map(([start, weekProfile]) => ({
      ...monthAndDay(start as number),
      weekProfile: weekProfile as number,
    })),
    weekProfiles,
    dayProfiles,
    specialDays,
  };
  return tariffTableFault(table) === undefined ? table : undefined;
}

/** Integers in rows of the same length. */
function rowsOf(item: CborValue | undefined, length: number): number[][] | undefined {
  const items = arrayItems(item);
  if (items === undefined || items.length % length !== 0) return undefined;
  if (!items.every((each) => isIntegerWithin(each, -DAY_OF_YEAR_MAX, DAYS_MAX))) return undefined;
  return Array.from(
    { length: items.length / length },
    (_, i) => items.slice(i * length, (i + 1) * length) as number[],
  );
}

function dayProfileOf(item: CborValue): DayProfile | undefined {
  const items = arrayItems(item);
  if (!items?.every((each) => isIntegerWithin(each, 0, SWITCH_MAX))) return undefined;
  return items.map((each) => ({
    minuteOfDay: Math.floor((each as number) / RATES_MAX),
    rate: ((each as number) % RATES_MAX) + 1,
  }));
}

function specialDayOf(row: readonly number[]): SpecialDay {
  const [date, dayProfile] = row as [number, number];
  if (date >= 0) return { ...dateOfDays(date), dayProfile };
  return { year: undefined, ...monthAndDay(-date), dayProfile };
}

function monthAndDay(item: number): { month: number; day: number } {
  return { month: Math.floor(item / 32), day: item % 32 };
}

function isComplete<Item>(items: readonly (Item | undefined)[]): items is readonly Item[] {
  return !items.includes(undefined);
}
