// What a bench offers, known from its file alone: a test is skipped before anything is opened for it.
import { isModem } from "../../hal/node/address.ts";
import type { Bench, BenchMeter } from "./bench.ts";
import type { Need } from "./rig.ts";

const EMULATED: readonly Need[] = [
  "power",
  "clock-set",
  "tariff",
  "load",
  "line-fault",
  "relay",
  "flash",
  "reader",
];

/** What all meters of the bench offer, so that a test may take any of them. */
export function offersOf(bench: Bench): ReadonlySet<Need> {
  const [first = new Set<Need>(), ...others] = bench.meters.map((meter) =>
    offersOfMeter(meter, bench.offers),
  );
  const offers = new Set([...first].filter((need) => others.every((other) => other.has(need))));
  if (bench.kind === "emulated" && bench.timeScale === undefined) offers.add("time");
  if (bench.meters.length > 1) offers.add("second-meter");
  if (bench.dap !== undefined) offers.add("dap");
  if (bench.dap?.kind === "emulated" || (bench.dap !== undefined && bench.offers.includes("group")))
    offers.add("group");
  return offers;
}

function offersOfMeter(meter: BenchMeter, told: readonly Need[]): ReadonlySet<Need> {
  if (meter.kind === "emulated") return new Set(EMULATED);
  const offers = new Set(told.filter((need) => !FOUND_OUT.has(need)));
  if (meter.power !== undefined) offers.add("power");
  if (meter.load !== undefined) offers.add("load");
  if (meter.image !== undefined) offers.add("flash");
  // Faults are of bytes, and a radio or a network shows only whole datagrams.
  if (meter.line.kind !== "udp" && !(isModem(meter.line) && meter.line.kind === "xbee"))
    offers.add("line-fault");
  return offers;
}

/** What nobody need say, as it shows. */
const FOUND_OUT: ReadonlySet<Need> = new Set([
  ...(["power", "load", "line-fault", "time", "second-meter", "dap", "flash", "reader"] as const),
]);
