import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { encodeBlock } from "../../firmware/protocol/readings/interval-block.ts";
import { integerBelow, SeededRandom, uniform } from "../../hal/emulated/seeded-random.ts";
import { parseLoad } from "../../host-tools/loads/index.ts";
import { loadWattHours } from "../../host-tools/loads/load.ts";

const WINDOW = 96;
const QUARTER_HOUR_MS = 900_000;
const SEED = 1;

/** Mean bytes of a bare block for each interval, over windows of 96, by data set. */
export function profileBytesPerInterval(): Record<string, number> {
  return { ukSample: mean(ukSample()), h25: mean(h25()), spikyHome: mean(spikyHome()) };
}

function mean(wattHours: readonly number[]): number {
  let bytes = 0;
  let windows = 0;
  for (let i = 0; i + WINDOW <= wattHours.length; i += WINDOW) {
    bytes += encodeBlock(wattHours.slice(i, i + WINDOW).map((value) => ({ value, flags: 0 }))).length;
    windows++;
  }
  return bytes / (windows * WINDOW);
}

/** Hourly, in whole watt-hours. */
function ukSample(): number[] {
  const path = new URL(
    "../../host-tools/loads/eemeter-uk-electricity-hourly-sample-0.csv.gz",
    import.meta.url,
  );
  const rows = gunzipSync(readFileSync(path)).toString("utf8").trim().split("\n").slice(1);
  return rows.map((row) => Math.round(Number(row.split(",")[1]) * 1000));
}

/** A month of quarter-hours. */
function h25(): number[] {
  const load = parseLoad("h25", { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  const startUtcMs = Date.UTC(2026, 10, 1);
  return Array.from({ length: 30 * WINDOW }, (_, i) => {
    const fromMs = startUtcMs + i * QUARTER_HOUR_MS;
    return Math.round(loadWattHours(load, fromMs, fromMs + QUARTER_HOUR_MS));
  });
}

/** A base load, and appliances of 0.5 to 3 kW for a quarter-hour to three hours, some ten times a day. */
function spikyHome(): number[] {
  const random = new SeededRandom(SEED);
  const values = Array.from({ length: 60 * WINDOW }, () => 20 + integerBelow(random, 30));
  for (let i = 0; i < values.length; i++) {
    if (uniform(random) > 0.1) continue;
    const wattHours = 125 + integerBelow(random, 625);
    const end = Math.min(values.length, i + 1 + integerBelow(random, 12));
    for (let j = i; j < end; j++) values[j] = (values[j] ?? 0) + wattHours;
  }
  return values;
}
