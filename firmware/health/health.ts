// Whether a meter that has just been started does what it is for: what an update is confirmed by.
import type { Cancel } from "../../hal/ports/clock.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";
import { readSelf, type SelfReadParts } from "./self-read.ts";

/** What a check looks at. Whether anybody can be reached is no part of it: a cable that is out is no fault of an image. */
export interface HealthParts extends SelfReadParts {
  /** Makes durable what is to be; "none" for a meter that keeps nothing. */
  readonly store: () => StorageResult | "none";
  /** Readings of the metering part since the start. */
  readonly readings: () => number;
  /** Told what is missing whenever that is something else, as a sentence. */
  readonly onMissing: (missing: string) => void;
  /** Told once that all is well, and to make that hold; after a fault all is looked at again. */
  readonly onWell: () => StorageResult;
}

/** One may be what the part still held from before. */
const READINGS_MIN = 2;
/** Between two looks: at first, and, doubled with each, at the most. */
const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 30_000;

/** Looks again and again until all is well, or it is cancelled. */
export function watchHealth(parts: HealthParts): Cancel {
  const { clock, onMissing, onWell } = parts;
  let told: string | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let cancel: Cancel = () => {};
  const again = (missing: string): void => {
    if (missing !== told) onMissing(missing);
    told = missing;
    cancel = clock.after(pauseMs, look);
    pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS);
  };
  const look = (): void => {
    const missing = missingOf(parts);
    if (missing !== undefined) return again(missing);
    cancel = readSelf(parts, (fault) => {
      const confirmed = fault === undefined ? onWell() : undefined;
      if (confirmed !== "done") again(sentence(fault, confirmed));
    });
  };
  cancel = clock.after(FIRST_PAUSE_MS, look);
  return () => cancel();
}

/** What stands in the way before it is of use to ask. */
function missingOf({ store, readings }: HealthParts): string | undefined {
  const kept = store();
  if (kept === "none") return "The meter keeps nothing: give it a folder with --state.";
  if (kept !== "done") return `The meter's state cannot be kept (${kept}).`;
  return readings() < READINGS_MIN ? "The metering part has not answered yet." : undefined;
}

function sentence(fault: string | undefined, confirmed: StorageResult | undefined): string {
  return fault === undefined
    ? `The meter is well, and its slot cannot be confirmed (${confirmed}).`
    : `The meter asked itself, and ${fault}.`;
}
