import { HeadEndError } from "../head-end/errors.ts";
import { obisOf, registerValue } from "./readings.ts";
import type { RigClock, RigHeadEnd, RigMeter } from "./rig.ts";

/** A board's system starts within that, and so does a meter that was killed. */
const READY_WITHIN_MS = 30_000;
const AGAIN_MS = 500;
/** The register may be of before its start; the power is of now. */
const MEASURED = [obisOf("1.8.0"), obisOf("1.7.0")];

/**
 * Asks until the meter has answered, has proved its name, and measures. Who proves to be somebody else, or refuses this
 * head-end, is told at once: waiting does not change that.
 */
export async function untilReady(meter: RigMeter, headEnd: RigHeadEnd, clock: RigClock): Promise<void> {
  let last = "";
  const answers = async (): Promise<boolean> => {
    try {
      const reading = await headEnd.readRegisters(meter, MEASURED);
      for (const register of MEASURED) registerValue(reading, register);
      return true;
    } catch (error) {
      if (error instanceof HeadEndError && error.kind === "identity") throw error;
      if (!(error instanceof Error) || error.name === "InfrastructureFault") throw error;
      last = error.message;
      return false;
    }
  };
  if (await clock.until(answers, READY_WITHIN_MS, AGAIN_MS)) return;
  throw new Error(`${meter.id} was not ready in time. ${last}`);
}
