import type { VirtualClock } from "../../hal/emulated/virtual-clock.ts";

/** Lets virtual time pass in steps, between which promises that have settled are heard of. */
export async function pass(clock: VirtualClock, milliseconds: number, stepMs: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += stepMs) {
    clock.advanceBy(stepMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
