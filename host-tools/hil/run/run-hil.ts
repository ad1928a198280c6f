// A run of tests at any number of benches, each with a worker of its own, all at once.

import type { Bench } from "../bench.ts";
import { InfrastructureFault } from "../infrastructure.ts";
import { lockBench } from "./bench-lock.ts";
import { type Counts, countsOf, type TestOutcome } from "./outcome.ts";
import { idleQuarantines } from "./quarantine.ts";
import { runBench } from "./run-bench.ts";
import { sourceFolder } from "./test-files.ts";

export interface RunRequest {
  readonly benches: readonly RequestedBench[];
  readonly files: readonly string[];
  /** True where these are our own suite's. */
  readonly isOwnSuite: boolean;
  readonly test: string | undefined;
  readonly seed: number | undefined;
  readonly resultsFolder: string;
  readonly keep: "failed" | "all";
  onOutcome(outcome: TestOutcome): void;
  onOutput(text: string): void;
}

export interface RequestedBench {
  readonly bench: Bench;
  /** Its file; undefined: the emulated bench that needs none. */
  readonly file: string | undefined;
}

export interface BenchReport {
  readonly name: string;
  readonly kind: Bench["kind"];
  readonly file: string | undefined;
  readonly seed: number;
  readonly counts: Counts;
  readonly warnings: readonly string[];
}

export interface RunReport {
  readonly startedUtc: string;
  readonly durationMs: number;
  readonly counts: Counts;
  readonly benches: readonly BenchReport[];
  readonly outcomes: readonly TestOutcome[];
}

/** Runs all tests at all benches. What goes wrong with a bench is an outcome of that bench, and stops no other. */
export async function runHil(request: RunRequest): Promise<RunReport> {
  const startedMs = Date.now();
  const byBench = await Promise.all(request.benches.map((one) => runLocked(request, one)));
  const outcomes = byBench.flat();
  return {
    startedUtc: new Date(startedMs).toISOString(),
    durationMs: Date.now() - startedMs,
    counts: countsOf(outcomes),
    benches: request.benches.map(({ bench, file }, i) => ({
      ...{ name: bench.name, kind: bench.kind, file, seed: request.seed ?? bench.seed },
      counts: countsOf(byBench[i] ?? []),
      warnings: request.test === undefined ? idleQuarantines(byBench[i] ?? [], bench.quarantine) : [],
    })),
    outcomes,
  };
}

async function runLocked(
  request: RunRequest,
  { bench, file }: RequestedBench,
): Promise<readonly TestOutcome[]> {
  let unlock: (() => void) | undefined;
  try {
    if (file !== undefined && bench.kind !== "emulated") unlock = await lockBench(file, bench.name);
    return await runAt(request, bench, file);
  } catch (error) {
    const outcome = troubleOf(bench, error);
    request.onOutcome(outcome);
    return [outcome];
  } finally {
    unlock?.();
  }
}

function runAt(request: RunRequest, bench: Bench, file: string | undefined): Promise<TestOutcome[]> {
  const { files, test, seed, resultsFolder, keep, isOwnSuite } = request;
  return runBench({
    ...{ bench, files, test },
    context: { benchFile: file, seed, resultsFolder, keep, isOwnSuite },
    sourceFolder: sourceFolder(),
    today: new Date().toISOString().slice(0, "2027-01-31".length),
    onOutcome: (outcome) => request.onOutcome(outcome),
    onOutput: (text) => request.onOutput(text),
  });
}

/** What kept a bench from being used at all. */
function troubleOf(bench: Bench, error: unknown): TestOutcome {
  return {
    ...{ bench: bench.name, name: "the bench", file: undefined, durationMs: 0, attempts: 1 },
    outcome: error instanceof InfrastructureFault ? "infrastructure" : "failed",
    reasons: [error instanceof Error ? error.message : String(error)],
    ...{ story: undefined, repeat: undefined },
  };
}
