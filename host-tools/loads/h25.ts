import { readFileSync } from "node:fs";
import { type DayType, dayType, germanHour } from "./german-calendar.ts";
import type { Load } from "./load.ts";
import { shippedFile } from "./shipped-file.ts";

/** Kilowatt-hours of each quarter-hour of a German day, for a use of 1,000,000 kWh a year. */
interface QuarterHourTable {
  /** `month` 1 to 12, `quarter` 0 to 95. */
  kilowattHours(month: number, type: DayType, quarter: number): number;
}

const TABLE_FILE = "bdew-h25-quarter-hour.csv";
const TABLE_ANNUAL_KILOWATT_HOURS = 1_000_000;
const TABLE_HEADER_LINES = 2;
const QUARTERS_PER_DAY = 96;
const MONTHS = 12;
/** Order of the table's columns within a month. */
const DAY_TYPES: readonly DayType[] = ["SA", "FT", "WT"];
const MS_PER_HOUR = 3_600_000;
const MS_PER_QUARTER = 900_000;
const WATTS_PER_KILOWATT_HOUR_IN_A_QUARTER = 4000;

/** BDEW's H25 household profile of 2025 for a use of `annualKilowattHours`, constant within each quarter-hour. */
export function h25Load(annualKilowattHours: number): Load {
  const table = readH25Table();
  const scale = (annualKilowattHours / TABLE_ANNUAL_KILOWATT_HOURS) * WATTS_PER_KILOWATT_HOUR_IN_A_QUARTER;
  let cachedHour = Number.NaN;
  let cachedWatts: readonly number[] = [];
  return {
    name: "h25",
    wattsAt(utcMs) {
      const hour = Math.floor(utcMs / MS_PER_HOUR);
      if (hour !== cachedHour) {
        cachedHour = hour;
        cachedWatts = quartersOfHour(table, hour * MS_PER_HOUR).map((kilowattHours) => kilowattHours * scale);
      }
      return cachedWatts[Math.floor((utcMs - hour * MS_PER_HOUR) / MS_PER_QUARTER)] ?? 0;
    },
    steadyUntilMs: (utcMs) => (Math.floor(utcMs / MS_PER_QUARTER) + 1) * MS_PER_QUARTER,
  };
}

/** The largest power of {@link h25Load}, in watts. */
export function h25PeakWatts(annualKilowattHours: number): number {
  const table = readH25Table();
  let peak = 0;
  for (let month = 1; month <= MONTHS; month++) {
    for (const type of DAY_TYPES) {
      for (let quarter = 0; quarter < QUARTERS_PER_DAY; quarter++) {
        peak = Math.max(peak, table.kilowattHours(month, type, quarter));
      }
    }
  }
  return (peak * annualKilowattHours * WATTS_PER_KILOWATT_HOUR_IN_A_QUARTER) / TABLE_ANNUAL_KILOWATT_HOURS;
}

function quartersOfHour(table: QuarterHourTable, utcMs: number): number[] {
  const { year, month, day, hour } = germanHour(utcMs);
  const type = dayType(year, month, day);
  return [0, 1, 2, 3].map((quarter) => table.kilowattHours(month, type, 4 * hour + quarter));
}

function readH25Table(): QuarterHourTable {
  return parseTable(readFileSync(shippedFile(TABLE_FILE), "utf8"));
}

/** Two header lines, then a line a quarter-hour: its name, and a column for each month and day type. */
function parseTable(csv: string): QuarterHourTable {
  const rows = csv
    .trim()
    .split(/\r?\n/)
    .slice(TABLE_HEADER_LINES)
    .map((line) => line.split(",").slice(1).map(Number));
  const isWhole =
    rows.length === QUARTERS_PER_DAY &&
    rows.every((row) => row.length === MONTHS * DAY_TYPES.length && row.every(Number.isFinite));
  if (!isWhole) throw new Error(`${TABLE_FILE} is not a table of 96 quarter-hours by 36 columns`);
  return {
    kilowattHours(month, type, quarter) {
      const value = rows[quarter]?.[(month - 1) * DAY_TYPES.length + DAY_TYPES.indexOf(type)];
      if (value === undefined) throw new Error(`no quarter-hour ${quarter} of month ${month}`);
      return value;
    },
  };
}
