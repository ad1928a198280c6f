import { type Mains, mainsFromLoad, steadyPieces } from "../../hal/emulated/mains.ts";

/** What an installation draws, as a function of UTC. The same instant always gives the same power. */
export interface Load {
  /** As a person asked for it: `h25`, `watts:230`. */
  readonly name: string;
  /** Active power in watts, negative for export. */
  wattsAt(utcMs: number): number;
  /** Until when the power at `utcMs` stays; Infinity for ever, `utcMs` itself where it varies continuously. */
  steadyUntilMs(utcMs: number): number;
}

/** Less than the BL0942 reference board's power register ends at (13.4 kW). */
export const LARGEST_WATTS = 13_000;

/** A continuously varying load is sampled this often by the integral. */
const STEP_MS = 1000;
const MS_PER_HOUR = 3_600_000;

/** The same power for ever. */
export function constantLoad(name: string, watts: number): Load {
  return { name, wattsAt: () => watts, steadyUntilMs: () => Number.POSITIVE_INFINITY };
}

/** Energy in watt-hours from one instant to a later one; exact where the load is steady in pieces. */
export function loadWattHours(load: Load, fromUtcMs: number, toUtcMs: number): number {
  let wattMilliseconds = 0;
  for (const { lengthMs, sampleMs } of steadyPieces(load, fromUtcMs, toUtcMs, STEP_MS)) {
    wattMilliseconds += load.wattsAt(sampleMs) * lengthMs;
  }
  return wattMilliseconds / MS_PER_HOUR;
}

/** The mains that a part feels under the load, on a monotonic clock whose 0 is the given UTC. */
export function mainsOf(load: Load, utcAtMonotonicZeroMs: number): Mains {
  return mainsFromLoad({
    wattsAt: (monotonicMs) => load.wattsAt(monotonicMs + utcAtMonotonicZeroMs),
    steadyUntilMs: (monotonicMs) =>
      load.steadyUntilMs(monotonicMs + utcAtMonotonicZeroMs) - utcAtMonotonicZeroMs,
  });
}
