import { HeadEndError } from "../head-end/errors.ts";
import type { RigClock, RigHeadEnd, RigMeter } from "./rig.ts";

/** A board's system starts within that, and so does a meter that was killed. */
const READY_WITHIN_MS = 30_000;
const AGAIN_MS = 500;

/** Asks until the meter has answered and proved its name. Who proves to be somebody else is told at once. */
export async function untilReady(meter: RigMeter, headEnd: RigHeadEnd, clock: RigClock): Promise<void> {
  let last = "";
  const answers = async (): Promise<boolean> => {
    try {
      await headEnd.readClock(meter);
      return true;
    } catch (error) {
      if (!(error instanceof HeadEndError) || error.kind === "identity") throw error;
      last = error.message;
      return false;
    }
  };
  if (await clock.until(answers, READY_WITHIN_MS, AGAIN_MS)) return;
  throw new Error(`${meter.id} did not come back in time. ${last}`);
}
