// Loads from CSV files: `csv:FILE?...`, a row for each step of an even grid of time.
import { CsvFault } from "./csv-fault.ts";
import { fieldsOf, type Line, linesOf, readCsvText } from "./csv-file.ts";
import { CsvGrid } from "./csv-grid.ts";
import { type CsvHeader, readHeader } from "./csv-header.ts";
import { type CsvOptions, parseCsvOptions } from "./csv-options.ts";
import { parseCsvTime } from "./csv-time.ts";
import type { Load } from "./load.ts";
import { type Series, seriesLoad } from "./series.ts";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/**
 * The load that the file at `path` and the options of `query` make, or one sentence that says why there
 * is none. `name` is what the person wrote.
 */
export function csvLoad(name: string, path: string, query: string): Load | { readonly error: string } {
  try {
    const options = parseCsvOptions(query, name);
    const series = readSeries(readCsvText(path), options, path);
    return seriesLoad(name, { ...series, startUtcMs: series.startUtcMs + options.offsetMs }, options.loop);
  } catch (error) {
    if (error instanceof CsvFault) return { error: error.message };
    throw error;
  }
}

function readSeries(text: string, options: CsvOptions, path: string): Series {
  const lines = linesOf(text);
  const first = lines.next();
  if (first.done) throw new CsvFault(`${path} is empty: give a header line and a row for each value.`);
  const header = readHeader(first.value.text, options, path);
  const grid = new CsvGrid(header.unit, options, path);
  for (const line of lines) {
    const { utcMs, value } = readRow(line, header, options, path);
    grid.add(line.number, utcMs, value);
  }
  return grid.series();
}

interface Row {
  readonly utcMs: number;
  /** Undefined where the cell is empty. */
  readonly value: number | undefined;
}

function readRow(line: Line, header: CsvHeader, options: CsvOptions, path: string): Row {
  const fields = fieldsOf(line.text, header.separator);
  if (fields?.length !== header.columns) {
    const what =
      fields === undefined
        ? "a quote is not closed"
        : `it has not ${header.columns} columns, as the header has`;
    throw lineFault(path, line, `${what}: mend the line`);
  }
  const time = fields[header.time] as string;
  const utcMs = parseCsvTime(time, options.zoneMs);
  if (utcMs === "no-time")
    throw lineFault(path, line, `"${time}" is no time: write it like 2026-11-25T14:00:00Z`);
  if (utcMs === "no-zone") {
    throw lineFault(
      path,
      line,
      `the time "${time}" has no offset from UTC: write it like 2026-11-25T14:00:00Z, or add zone=Z or zone=+01:00 for a clock that never changes`,
    );
  }
  return { utcMs, value: readValue(fields[header.value] as string, header.separator, line, path) };
}

function readValue(cell: string, separator: string, line: Line, path: string): number | undefined {
  if (cell === "") return undefined;
  const value = separator === "," ? cell : cell.replace(",", ".");
  if (NUMBER.test(value)) return Number(value);
  throw lineFault(
    path,
    line,
    `"${cell}" is no number: mend the line or name another column with value=COLUMN`,
  );
}

function lineFault(path: string, { number }: Line, what: string): CsvFault {
  return new CsvFault(`${path} line ${number}: ${what}.`);
}
