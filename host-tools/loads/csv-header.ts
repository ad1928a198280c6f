// Which columns of a CSV file hold the time and the value, and in which unit.
import { CsvFault } from "./csv-fault.ts";
import { fieldsOf } from "./csv-file.ts";
import type { CsvOptions, Unit } from "./csv-options.ts";

/** What a file's first line says of the others. */
export interface CsvHeader {
  readonly separator: string;
  readonly columns: number;
  /** Places of the columns, from 0. */
  readonly time: number;
  readonly value: number;
  readonly unit: Unit;
}

/** In this order: a comma is a decimal one where any of the others separates. */
const SEPARATORS = [";", "\t", ","];

/** Words of a column's name that say that it holds when a value begins. */
const TIME_WORDS = new Set(["time", "timestamp", "datetime", "date", "utc", "start"]);
const END_WORDS = new Set(["end", "to", "until", "stop"]);
const UNIT_WORDS: ReadonlyMap<string, Unit> = new Map([
  ["wh", "Wh"],
  ["watthours", "Wh"],
  ["kwh", "kWh"],
  ["w", "W"],
  ["watt", "W"],
  ["watts", "W"],
  ["kw", "kW"],
  ["kilowatt", "kW"],
  ["kilowatts", "kW"],
]);

/** Reads the header `line` of the file `path`. Throws a {@link CsvFault} where it leaves something open. */
export function readHeader(line: string, options: CsvOptions, path: string): CsvHeader {
  const separator = SEPARATORS.find((mark) => line.includes(mark)) ?? ",";
  const names = fieldsOf(line, separator);
  if (names === undefined) throw new CsvFault(`${path} line 1: a quote is not closed: mend the line.`);
  const find = new ColumnFinder(names, path);
  const time = options.timeColumn === undefined ? find.time() : find.named(options.timeColumn, "time");
  const value =
    options.valueColumn === undefined
      ? find.value(time, options.unit !== undefined)
      : find.named(options.valueColumn, "value");
  const unit = options.unit ?? unitOf(names[value] as string);
  if (unit === undefined) {
    throw new CsvFault(`${path}: the column "${names[value]}" names no unit: add unit=kWh, Wh, W or kW.`);
  }
  return { separator, columns: names.length, time, value, unit };
}

/** The unit that a column's name has among its words: `kwh`, `power_kw`, `Energy (Wh)`. */
function unitOf(name: string): Unit | undefined {
  return wordsOf(name)
    .map((word) => UNIT_WORDS.get(word))
    .find((unit) => unit !== undefined);
}

function wordsOf(name: string): string[] {
  return name.toLowerCase().split(/[^a-z0-9]+/);
}

class ColumnFinder {
  readonly #names: readonly string[];
  readonly #path: string;

  constructor(names: readonly string[], path: string) {
    this.#names = names;
    this.#path = path;
  }

  named(wanted: string, option: string): number {
    const isWanted = (name: string) => name.toLowerCase() === wanted.trim().toLowerCase();
    return this.#only(this.#where(isWanted), `called "${wanted}"`, `${option}=COLUMN`);
  }

  time(): number {
    const isTime = (name: string) => {
      const words = wordsOf(name);
      return words.some((word) => TIME_WORDS.has(word)) && !words.some((word) => END_WORDS.has(word));
    };
    return this.#only(this.#where(isTime), "named time, timestamp, datetime, date or start", "time=COLUMN");
  }

  /** The column with a unit; where the unit is known, and there is none, the only one beside the time. */
  value(time: number, isUnitKnown: boolean): number {
    const others = this.#where((_, place) => place !== time);
    const withUnit = others.filter((place) => unitOf(this.#names[place] as string) !== undefined);
    if (isUnitKnown && withUnit.length === 0) return this.#only(others, "beside the time", "value=COLUMN");
    return this.#only(
      withUnit,
      "with a unit in the name (Wh, kWh, W or kW)",
      "value=COLUMN, and unit=UNIT where the name has none",
    );
  }

  #where(isMeant: (name: string, place: number) => boolean): number[] {
    return [...this.#names.keys()].filter((place) => isMeant(this.#names[place] as string, place));
  }

  #only(places: readonly number[], kind: string, remedy: string): number {
    const [place] = places;
    if (place !== undefined && places.length === 1) return place;
    const found = places.length === 0 ? "no column" : `${places.length} columns`;
    const known = this.#names.map((name) => `"${name}"`).join(", ");
    throw new CsvFault(`${this.#path} has ${found} ${kind}: add ${remedy}; its columns are ${known}.`);
  }
}
