import { setTimeout as pause } from "node:timers/promises";
import type { Bench } from "../bench.ts";
import { openPowerDriver } from "../power/open.ts";

/**
 * Takes the supply of all boards of a bench and gives it back, where it can. A meter that is a process is left out: the
 * next test starts it anew. Rejects with an InfrastructureFault.
 */
export async function powerCycle({ meters, folder }: Pick<Bench, "meters" | "folder">): Promise<void> {
  for (const meter of meters) {
    if (meter.kind !== "real" || meter.power === undefined || meter.power.driver === "process") continue;
    const driver = await openPowerDriver(meter.power, { meter: meter.id, folder });
    try {
      await driver.off();
      await pause(meter.power.offSeconds * 1000);
      await driver.on();
    } finally {
      await driver.close();
    }
  }
}
