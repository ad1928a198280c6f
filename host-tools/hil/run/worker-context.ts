// What the worker of a bench was told to do.
import { inject } from "vitest";
import { RESULTS_FOLDER_DEFAULT, RUN_CONTEXT, type RunContext } from "./run-context.ts";

/** Where tests are run by vitest itself, the environment says what the options of `hil run` would. */
const PLAIN = { bench: "METERBENCH_BENCH", seed: "METERBENCH_SEED" } as const;

/** What this worker was told. Without the runner: the bench file and seed of the environment, or the emulated bench. */
export function runContext(): RunContext {
  return inject(RUN_CONTEXT) ?? plainContext();
}

function plainContext(): RunContext {
  const seed = Number(process.env[PLAIN.seed] ?? Number.NaN);
  return {
    benchFile: process.env[PLAIN.bench],
    seed: Number.isSafeInteger(seed) && seed >= 0 ? seed : undefined,
    resultsFolder: RESULTS_FOLDER_DEFAULT,
    keep: "failed",
    isOwnSuite: false,
  };
}
