// What a process keeps, and what is taken for as much as before.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface Memory {
  /** The heap and what hangs on it outside, after all that nobody holds was collected. */
  readonly keptBytes: number;
  readonly residentBytes: number;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
setFlagsFromString("--no-expose-gc");

/** What this process keeps now. */
export function memoryNow(): Memory {
  // What a first collection sets free by finalizers, the second collects.
  collect();
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { keptBytes: heapUsed + external, residentBytes: rss };
}

/** Points of a run at which memory is looked at; the first is a warm-up, and the growth is from the second on. */
export const POINTS = 10;
/** Compiled code and its statistics come and go by less; one small object kept for each of 20,000 reads is more. */
const KEPT_GROWTH_MAX_BYTES = 1_000_000;
/** Pages that the allocator holds back come and go by some megabytes. */
const RESIDENT_GROWTH_MAX_BYTES = 16_000_000;

/** How memory went over a run. */
export interface Growth {
  readonly keptKilobytes: readonly number[];
  readonly keptGrowthKilobytes: number;
  readonly residentMegabytes: readonly number[];
  readonly residentGrowthMegabytes: number;
}

/** From what was looked at in each of the points. */
export function growthOver(samples: readonly Memory[]): Growth {
  const kept = samples.map(({ keptBytes }) => keptBytes);
  const resident = samples.map(({ residentBytes }) => residentBytes);
  return {
    keptKilobytes: kept.map((bytes) => Math.round(bytes / 1000)),
    keptGrowthKilobytes: grown(kept) / 1000,
    residentMegabytes: resident.map((bytes) => Math.round(bytes / 1e6)),
    residentGrowthMegabytes: grown(resident) / 1e6,
  };
}

/** True where memory stayed what it was after the warm-up. */
export function isFlat({ keptGrowthKilobytes, residentGrowthMegabytes }: Growth): boolean {
  return (
    keptGrowthKilobytes * 1000 < KEPT_GROWTH_MAX_BYTES &&
    residentGrowthMegabytes * 1e6 < RESIDENT_GROWTH_MAX_BYTES
  );
}

/** Does a share of the work before each point, and looks then. */
export function sampled(work: () => void): Growth {
  const samples: Memory[] = [];
  for (let point = 0; point < POINTS; point++) {
    work();
    samples.push(memoryNow());
  }
  return growthOver(samples);
}

function grown(values: readonly number[]): number {
  return (values.at(-1) ?? 0) - (values[1] ?? 0);
}
