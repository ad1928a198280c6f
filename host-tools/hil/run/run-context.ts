// What the runner tells the worker of a bench, and what a worker tells of each test.
import type {} from "vitest";
import type { RigKind } from "../rig.ts";

/** What `hil run` was asked to do, as the worker of one bench needs it. */
export interface RunContext {
  /** The bench file; undefined: the emulated bench that needs none. */
  readonly benchFile: string | undefined;
  /** Undefined: the bench file's. */
  readonly seed: number | undefined;
  /** Folder of what is kept of tests. */
  readonly resultsFolder: string;
  readonly keep: "failed" | "all";
  /** Where a worker says which test it is in, by {@link ProgressMark}; undefined where nobody looks. */
  readonly progressFile?: string | undefined;
  /** True where it is our own suite that runs, whose files nobody need name. */
  readonly isOwnSuite: boolean;
}

export const RESULTS_FOLDER_DEFAULT = "hil-results";

/** The name under which the runner provides it. */
export const RUN_CONTEXT = "meterbenchRun";

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
