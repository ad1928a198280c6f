// What the runner tells the worker of a bench, and what a worker tells of each test.
import { inject } from "vitest";
import type { RigKind } from "../rig.ts";

/** What `hil run` was asked to do, as the worker of one bench needs it. */
export interface RunContext {
  /** The bench file; undefined: the emulated bench that needs none. */
  readonly benchFile: string | undefined;
  readonly seed: number;
  /** Folder of what is kept of tests. */
  readonly resultsFolder: string;
  readonly keep: "failed" | "all";
}

/** Where a test of a user's is run by vitest itself, the environment says what the options of `hil run` would. */
const PLAIN = { bench: "METERBENCH_BENCH", seed: "METERBENCH_SEED" } as const;
const SEED_DEFAULT = 1;
export const RESULTS_FOLDER_DEFAULT = "hil-results";

/** The name under which the runner provides it. */
export const RUN_CONTEXT = "meterbenchRun";

/** What this worker was told. Without the runner: the bench file and seed of the environment, or the emulated bench. */
export function runContext(): RunContext {
  return inject(RUN_CONTEXT) ?? plainContext();
}

function plainContext(): RunContext {
  const seed = Number(process.env[PLAIN.seed] ?? SEED_DEFAULT);
  return {
    benchFile: process.env[PLAIN.bench],
    seed: Number.isSafeInteger(seed) && seed >= 0 ? seed : SEED_DEFAULT,
    resultsFolder: RESULTS_FOLDER_DEFAULT,
    keep: "failed",
  };
}

/** One curve over the time of a test: pairs of seconds and value. */
export interface Curve {
  readonly name: string;
  readonly unit: string;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** What a worker tells the reporter of a test, beside its outcome. */
export interface TestStory {
  readonly bench: string;
  readonly kind: RigKind;
  readonly seed: number;
  /** Folder of what was kept of it. */
  readonly evidence: string | undefined;
  readonly curves: readonly Curve[];
  /** Why there is less of it than there should be. */
  readonly trouble?: string;
}

declare module "vitest" {
  interface ProvidedContext {
    [RUN_CONTEXT]: RunContext | undefined;
  }
  interface TaskMeta {
    /** Of a test that had a rig. */
    meterbench?: TestStory;
  }
}
