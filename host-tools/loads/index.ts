// Loads by the name that a person gives: what `--load` takes.
import { csvLoad } from "./csv-load.ts";
import { h25Load, h25PeakWatts } from "./h25.ts";
import { constantLoad, LARGEST_WATTS, type Load } from "./load.ts";
import { shippedFile } from "./shipped-file.ts";

export { type Load, loadWattHours, mainsOf } from "./load.ts";
export { shareOf } from "./share.ts";

/** A household's hours from April 2020 to December 2022; see NOTICE.md. Its header names no unit. */
const UK_FILE = "eemeter-uk-electricity-hourly-sample-0.csv.gz";
const UK_UNIT = "unit=kWh";

/** What `--load` takes, in a line. */
export const LOAD_FORMS = "h25, uk, watts:N with N in watts, or csv:FILE";

/** What `--load` takes, as the help of a command tells it. */
export const LOAD_HELP = `
Loads: h25         a household by BDEW's profile of 2025, scaled to --annual
       uk          a household's hours, an example of a CSV file (takes the options of csv:)
       watts:N     N watts for ever, below 0 for feeding in
       csv:FILE    a file, or a file packed by gzip, with a column of times and one of energies or powers,
                   such as time,kwh or timestamp,watts, in even steps; negative values feed in
       csv:FILE?unit=kWh&time=start&value=used&scale=1.5&offset=2w&loop=no&zone=+01:00&gaps=hold
                   unit, time, value: what the header does not say (columns by name)
                   scale: by a factor; offset: play it later (-2w: earlier); zone: of times that name none
                   loop=no: nothing is drawn outside of the file's time; otherwise it repeats, by whole
                   years of 52 weeks, weeks or days where it is as long
                   gaps=zero, gaps=hold: what stands in for missing values, which are refused otherwise`;

export interface LoadOptions {
  /** A year's use that a profile is scaled to. */
  readonly annualKilowattHours: number;
}

/** A load, or one sentence that says why there is none and what to give. */
export function parseLoad(text: string, options: LoadOptions): Load | { readonly error: string } {
  if (text === "h25") return parseH25(options.annualKilowattHours);
  const [, name = "", query = ""] = /^([^?]*)\??(.*)$/s.exec(text) ?? [];
  if (name === "uk")
    return csvLoad(text, shippedFile(UK_FILE), query === "" ? UK_UNIT : `${UK_UNIT}&${query}`);
  if (name.startsWith("csv:") && name !== "csv:") return csvLoad(text, name.slice(4), query);
  const [, watts] = /^watts:(-?\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (watts === undefined) {
    return { error: `No load is called "${text}": give ${LOAD_FORMS}.` };
  }
  if (Math.abs(Number(watts)) > LARGEST_WATTS) {
    return {
      error: `A load of ${watts} W is more than the part can measure: give at most ${LARGEST_WATTS} W.`,
    };
  }
  return constantLoad(text, Number(watts));
}

function parseH25(annualKilowattHours: number): Load | { readonly error: string } {
  if (!(annualKilowattHours > 0)) {
    return { error: `A year's use of ${annualKilowattHours} kWh is none: give more than 0 kWh.` };
  }
  if (h25PeakWatts(annualKilowattHours) > LARGEST_WATTS) {
    const largest = Math.floor(LARGEST_WATTS / h25PeakWatts(1));
    return {
      error: `A year's use of ${annualKilowattHours} kWh draws more than the part can measure: give at most ${largest} kWh.`,
    };
  }
  return h25Load(annualKilowattHours);
}
