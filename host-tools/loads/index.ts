// Loads by the name that a person gives: what `--load` takes.
import { h25Load, h25PeakWatts } from "./h25.ts";
import { constantLoad, type Load } from "./load.ts";

export { type Load, loadWattHours, mainsOf } from "./load.ts";

/** Less than the BL0942 reference board's power register ends at (13.4 kW). */
const LARGEST_WATTS = 13_000;

export interface LoadOptions {
  /** A year's use that a profile is scaled to. */
  readonly annualKilowattHours: number;
}

/** A load, or one sentence that says why there is none and what to give. */
export function parseLoad(text: string, options: LoadOptions): Load | { readonly error: string } {
  if (text === "h25") return parseH25(options.annualKilowattHours);
  const [, watts] = /^watts:(-?\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (watts === undefined) {
    return { error: `No load is called "${text}": give h25, or watts:N with N in watts, such as watts:230.` };
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
