// From a bench to a rig that a test can use.
import { attachedParties } from "./attached/keys.ts";
import { AttachedLines, openSupplies } from "./attached/open.ts";
import type { Bench } from "./bench.ts";
import { BenchRig } from "./bench-rig.ts";
import { directMeter, emulatedParties } from "./emulated/meters.ts";
import type { Rig } from "./rig.ts";
import { undo, type Wiring, wiringOf } from "./wiring.ts";

/**
 * Opens a bench for one test. Rejects with an InfrastructureFault; a meter's line that is not there does so where it is
 * first used, so that the tests of other meters go on.
 */
export async function openRig(bench: Bench, seed = bench.seed): Promise<Rig> {
  const wiring = wiringOf(bench, seed);
  try {
    return await wired(wiring);
  } catch (error) {
    await undo(wiring.ends);
    throw error;
  }
}

/** Supplies first: a program that is a meter makes its line, and notes its key, as it starts. */
async function wired(wiring: Wiring): Promise<Rig> {
  const { bench } = wiring;
  const real = bench.meters.filter((meter) => meter.kind === "real");
  const drivers = await openSupplies(real, wiring);
  const parties =
    bench.headEnd === undefined
      ? { ...emulatedParties(wiring), trusted: [] }
      : attachedParties(bench.headEnd);
  const rig = new BenchRig(wiring, parties);
  const { untilReady, placeOf } = rig.making;
  const lines = new AttachedLines({ wiring, drivers, parties, untilReady, placeOf });
  for (const settings of bench.meters) {
    const { meter, at } =
      settings.kind === "real" ? await lines.meter(settings) : directMeter(rig.making, settings);
    rig.add(meter, at);
  }
  if (bench.dap?.kind === "real") rig.addDap(await lines.dap(bench.dap));
  return rig;
}
