// How a CSV file is to be read, as a person writes it behind the file's name.
import { DURATION_FORMS, parseDuration } from "../duration.ts";
import { CsvFault } from "./csv-fault.ts";
import { parseZoneMs } from "./csv-time.ts";

export type Unit = "Wh" | "kWh" | "W" | "kW";

export interface CsvOptions {
  /** Names of columns, where the header's words are not to be trusted. */
  readonly timeColumn?: string;
  readonly valueColumn?: string;
  readonly unit?: Unit;
  /** Offset from UTC of times that name none; without it such times are refused. */
  readonly zoneMs?: number;
  /** The file repeats before its start and after its end; otherwise nothing is drawn there. */
  readonly loop: boolean;
  /** Below 0 to turn import and export round. */
  readonly scale: number;
  /** How much later the file is played than its times say. */
  readonly offsetMs: number;
  /** What stands in for a value that is not there: nothing may, no power, or the value before. */
  readonly gaps: "refuse" | "zero" | "hold";
}

const DEFAULTS: CsvOptions = { loop: true, scale: 1, offsetMs: 0, gaps: "refuse" };

const UNITS: ReadonlyMap<string, Unit> = new Map([
  ["wh", "Wh"],
  ["kwh", "kWh"],
  ["w", "W"],
  ["kw", "kW"],
]);

/** The options, and what each takes. */
const TAKES: Readonly<Record<string, string>> = {
  time: "the name of a column",
  value: "the name of a column",
  unit: "Wh, kWh, W or kW",
  zone: "Z or an offset from UTC such as +01:00",
  loop: "yes or no",
  scale: "a number other than 0",
  offset: `a duration such as ${DURATION_FORMS}, with - before it for earlier`,
  gaps: "refuse, zero or hold",
};

/**
 * Reads `key=value&key=value`, where a value may be percent-encoded. `load` is the whole text, to name
 * it in a {@link CsvFault}.
 */
export function parseCsvOptions(query: string, load: string): CsvOptions {
  let options = DEFAULTS;
  for (const pair of query === "" ? [] : query.split("&")) {
    const [key = "", ...rest] = pair.split("=");
    const value = decoded(rest.join("="));
    const option = value === undefined || value === "" ? undefined : readOption(key, value);
    if (option === undefined) throw new CsvFault(`The load "${load}" says "${pair}", ${remedy(key)}.`);
    options = { ...options, ...option };
  }
  return options;
}

function remedy(key: string): string {
  const takes = Object.hasOwn(TAKES, key) ? TAKES[key] : undefined;
  return takes === undefined
    ? `which is no option: give ${Object.keys(TAKES).join(", ")}, as in csv:FILE?unit=kWh&scale=2`
    : `and ${key} takes ${takes}`;
}

function readOption(key: string, value: string): Partial<CsvOptions> | undefined {
  switch (key) {
    case "time":
      return { timeColumn: value };
    case "value":
      return { valueColumn: value };
    case "unit":
      return optional("unit", UNITS.get(value.toLowerCase()));
    case "zone":
      return optional("zoneMs", parseZoneMs(value));
    case "loop":
      return value === "yes" || value === "no" ? { loop: value === "yes" } : undefined;
    case "scale":
      return /^-?\d+(\.\d+)?$/.test(value) && Number(value) !== 0 ? { scale: Number(value) } : undefined;
    case "offset":
      return optional("offsetMs", parseDuration(value));
    case "gaps":
      return value === "refuse" || value === "zero" || value === "hold" ? { gaps: value } : undefined;
    default:
      return undefined;
  }
}

function optional<Key extends keyof CsvOptions>(
  key: Key,
  value: CsvOptions[Key] | undefined,
): Partial<CsvOptions> | undefined {
  return value === undefined ? undefined : ({ [key]: value } as Partial<CsvOptions>);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
