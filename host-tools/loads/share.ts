import { SeededRandom, uniform } from "../../hal/emulated/seeded-random.ts";
import type { Load } from "./load.ts";

/** At least half, so that no household of a street looks empty; at most all, so that what a part can measure stays enough. */
const LEAST_SHARE = 0.5;

/** The load of one household of a street: between half and all of `load`, a share that follows from `id` alone. */
export function shareOf(load: Load, id: string): Load {
  const share = LEAST_SHARE + (1 - LEAST_SHARE) * uniform(new SeededRandom(id).fork("load"));
  return {
    name: load.name,
    wattsAt: (utcMs) => load.wattsAt(utcMs) * share,
    steadyUntilMs: (utcMs) => load.steadyUntilMs(utcMs),
  };
}
