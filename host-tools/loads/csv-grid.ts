import { CsvFault } from "./csv-fault.ts";
import type { CsvOptions, Unit } from "./csv-options.ts";
import { LARGEST_WATTS } from "./load.ts";
import type { Series } from "./series.ts";

/** Nearly four years of minutes; 16 MB of powers. */
const ROWS_MAX = 2_000_000;
/** No meter here looks more often. */
const STEP_MS_MIN = 1000;
const MS_PER_HOUR = 3_600_000;

/** Rows on an even grid of time, which the first two set, as powers that the part can measure; any other throws. */
export class CsvGrid {
  readonly #unit: Unit;
  readonly #options: CsvOptions;
  readonly #path: string;
  readonly #values: number[] = [];
  #startUtcMs = 0;
  #stepMs = 0;
  #peak = { value: 0, line: 0 };

  constructor(unit: Unit, options: CsvOptions, path: string) {
    this.#unit = unit;
    this.#options = options;
    this.#path = path;
  }

  /** Takes the next row, of the line with this number; an undefined value is one that is not there. */
  add(line: number, utcMs: number, value: number | undefined): void {
    const rows = this.#values.length;
    if (rows === 0) this.#startUtcMs = utcMs;
    else this.#goOn(line, utcMs);
    if (value !== undefined && Math.abs(value) > Math.abs(this.#peak.value)) this.#peak = { value, line };
    this.#push(line, value ?? this.#standIn(line, "the value is empty"));
  }

  /** All rows as powers. */
  series(): Series {
    const stepMs = this.#stepMs;
    if (stepMs === 0) {
      throw new CsvFault(`${this.#path} has fewer than two rows, which give no interval: add rows.`);
    }
    const watts = wattsPerUnit(this.#unit, stepMs) * this.#options.scale;
    this.#refusePeak(watts);
    const powers = new Float64Array(this.#values).map((value) => value * watts);
    return { startUtcMs: this.#startUtcMs, stepMs, watts: powers };
  }

  /** Fills up to the row at `utcMs`, which has to be on the grid and later than all before. */
  #goOn(line: number, utcMs: number): void {
    const sinceStartMs = utcMs - this.#startUtcMs;
    if (this.#stepMs === 0) this.#stepMs = this.#firstStep(line, sinceStartMs);
    const stepMs = this.#stepMs;
    const missing = sinceStartMs / stepMs - this.#values.length;
    if (missing === 0) return;
    if (missing < 0) throw this.#fault(line, "the time is not later than the line before: sort the lines");
    if (!Number.isInteger(missing)) {
      throw this.#fault(line, `the time breaks the interval of ${stepMs / 1000} s: make all lines even`);
    }
    const standIn = this.#standIn(
      line,
      `${missing} ${missing === 1 ? "row is" : "rows are"} missing before it`,
    );
    for (let i = 0; i < missing; i++) this.#push(line, standIn);
  }

  #firstStep(line: number, stepMs: number): number {
    if (stepMs >= STEP_MS_MIN) return stepMs;
    throw this.#fault(line, "the time is less than a second after the line before: give longer intervals");
  }

  #standIn(line: number, why: string): number {
    switch (this.#options.gaps) {
      case "zero":
        return 0;
      case "hold":
        return this.#values.at(-1) ?? 0;
      case "refuse":
        throw this.#fault(line, `${why}: mend the file, or add gaps=zero or gaps=hold`);
    }
  }

  #push(line: number, value: number): void {
    if (this.#values.length >= ROWS_MAX) {
      throw this.#fault(line, `there are more than ${ROWS_MAX} intervals: give a shorter span`);
    }
    this.#values.push(value);
  }

  #refusePeak(wattsPerUnit: number): void {
    const watts = Math.abs(this.#peak.value * wattsPerUnit);
    if (watts <= LARGEST_WATTS) return;
    const fit = (this.#options.scale * LARGEST_WATTS) / watts;
    throw this.#fault(
      this.#peak.line,
      `${Math.round(watts)} W are more than the ${LARGEST_WATTS} W that the part can measure: add scale=${roundedDown(fit)}`,
    );
  }

  #fault(line: number, what: string): CsvFault {
    return new CsvFault(`${this.#path} line ${line}: ${what}.`);
  }
}

/** Mean power of one unit in each interval. */
function wattsPerUnit(unit: Unit, stepMs: number): number {
  switch (unit) {
    case "W":
      return 1;
    case "kW":
      return 1000;
    case "Wh":
      return MS_PER_HOUR / stepMs;
    case "kWh":
      return (1000 * MS_PER_HOUR) / stepMs;
  }
}

/** Three digits of a number, towards 0, as plain decimals. */
function roundedDown(value: number): string {
  const decimals = Math.min(20, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return (Math.trunc(value * 10 ** decimals) / 10 ** decimals).toFixed(decimals);
}
