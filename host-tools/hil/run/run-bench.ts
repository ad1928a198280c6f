// All tests at one bench: one worker, file by file, with a second try of what the bench itself spoilt.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVitest, type TestCase, type Vitest } from "vitest/node";
import type { Bench } from "../bench.ts";
import { BenchReporter, type PassOutcome } from "./bench-reporter.ts";
import { BenchWorker } from "./bench-worker.ts";
import type { TestOutcome } from "./outcome.ts";
import { powerCycle } from "./power-cycle.ts";
import { progressMark } from "./progress-mark.ts";
import { endedQuarantines, quarantined } from "./quarantine.ts";
import { repeatLine } from "./repeat-line.ts";
import { RUN_CONTEXT, type RunContext } from "./run-context.ts";

/** What a test may take where it says nothing of that, times the bench's multiplier; and how long it waits for a meter. */
const TEST_TIMEOUT_MS = 30_000;
const METER_TIMEOUT_MS = 35_000;
/** A person who switches supplies may be at another desk. */
const PERSON_MS = 15 * 60_000;

export interface BenchJob {
  readonly bench: Bench;
  /** Paths of test files. */
  readonly files: readonly string[];
  /** Only tests in whose name this is. */
  readonly test: string | undefined;
  readonly context: RunContext;
  /** The clone whose source this is; undefined in a package that is built. */
  readonly sourceFolder: string | undefined;
  /** A day of UTC, as 2027-01-31. */
  readonly today: string;
  /** Each as soon as it is certain. */
  onOutcome(outcome: TestOutcome): void;
  onOutput(text: string): void;
}

/** Runs them and gives what became of each; trouble of vitest itself comes as an outcome too. */
export async function runBench(job: BenchJob): Promise<TestOutcome[]> {
  const outcomes: TestOutcome[] = [];
  const finish = (outcome: PassOutcome, attempts = 1, more: readonly string[] = []): void => {
    const final = quarantined(finished(job, outcome, attempts, more), job.bench.quarantine, job.today);
    outcomes.push(final);
    job.onOutcome(final);
  };
  const isSpoilt = ({ id, outcome }: PassOutcome): boolean =>
    outcome === "infrastructure" && id !== undefined;

  const passes = new Passes(job, (outcome) => {
    if (!isSpoilt(outcome)) finish(outcome);
  });
  try {
    await passes.open();
    const spoilt = (await passes.run()).filter(isSpoilt);
    if (spoilt.length > 0) await repeat(job, passes, spoilt, finish);
  } finally {
    await passes.close();
  }
  const ended = endedQuarantines(outcomes, job.bench.quarantine, { bench: job.bench.name, today: job.today });
  for (const outcome of ended) job.onOutcome(outcome);
  return [...outcomes, ...ended];
}

/** What the bench spoilt, once more after a power cycle: that is no proof against what is tested, nor for it. */
async function repeat(
  { bench }: BenchJob,
  passes: Passes,
  spoilt: readonly PassOutcome[],
  finish: (outcome: PassOutcome, attempts: number, more: readonly string[]) => void,
): Promise<void> {
  try {
    await powerCycle(bench);
  } catch (error) {
    const why = `It was not tried again: ${(error as Error).message}`;
    for (const outcome of spoilt) finish(outcome, 1, [why]);
    return;
  }
  const again = await passes.run(spoilt);
  for (const first of spoilt) {
    const second = again.find(({ id }) => id === first.id) ?? first;
    const isFlaky = second.outcome === "passed";
    const more = isFlaky
      ? [
          "It passed at its second try, after a power cycle where the bench can; at the first:",
          ...first.reasons,
        ]
      : [];
    // What was kept of the first try says what the bench did then.
    const story = second.story?.evidence === undefined ? (first.story ?? second.story) : second.story;
    finish({ ...second, story, outcome: isFlaky ? "flaky" : second.outcome }, 2, more);
  }
}

function finished(
  { bench, context }: BenchJob,
  { id, name, file, outcome, reasons, durationMs, story }: PassOutcome,
  attempts: number,
  more: readonly string[],
): TestOutcome {
  const repeatable = id !== undefined && file !== undefined;
  const at = { file: context.benchFile, seed: context.seed ?? bench.seed };
  return {
    ...{ bench: bench.name, name, file, outcome, durationMs, attempts, story },
    reasons: [...reasons, ...more],
    repeat: repeatable
      ? repeatLine({ name, file: context.isOwnSuite ? undefined : file }, at, process.cwd())
      : undefined,
  };
}

/** Vitest with one bench, which runs its tests, or some of them once more. */
class Passes {
  readonly #job: BenchJob;
  readonly #worker = new BenchWorker();
  readonly #reporter: BenchReporter;
  readonly #pattern: RegExp | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), "meterbench-hil-"));
  readonly #progressFile = join(this.#folder, "test.json");
  #vitest: Vitest | undefined;
  /** Undefined while all are asked for. */
  #askedIds: ReadonlySet<string> | undefined;

  constructor(job: BenchJob, onOutcome: (outcome: PassOutcome) => void) {
    this.#job = job;
    this.#pattern = job.test === undefined ? undefined : patternOf(job.test);
    this.#reporter = new BenchReporter({
      isAsked: (test) => this.#isAsked(test),
      onOutcome: (outcome) => {
        if (this.#askedIds === undefined || outcome.id === undefined) onOutcome(outcome);
      },
      onOutput: (text) => job.onOutput(text),
      endWorker: () => void this.#worker.end(),
      progress: () => progressMark(this.#progressFile),
    });
  }

  async open(): Promise<void> {
    const { bench, sourceFolder } = this.#job;
    const resolve = { conditions: sourceFolder === undefined ? [] : ["meterbench-source"] };
    const hasPerson = bench.meters.some((meter) => meter.kind === "real" && meter.power?.driver === "manual");
    const ownMs = (TEST_TIMEOUT_MS + METER_TIMEOUT_MS * bench.meters.length) * bench.timeoutMultiplier;
    const testTimeout = ownMs + (hasPerson ? PERSON_MS : 0);
    this.#vitest = await createVitest(
      "test",
      {
        // A user's own configuration is for other tests: what these need is here.
        ...{ config: false, watch: false, cache: false, api: false, include: [], passWithNoTests: true },
        // One worker that keeps what it has loaded: a bench is one, and each line of it is opened by one.
        ...{ pool: this.#worker.pool, isolate: false, maxWorkers: 1, fileParallelism: false },
        ...{ testTimeout, hookTimeout: testTimeout, reporters: [this.#reporter] },
        ...(this.#pattern !== undefined && { testNamePattern: this.#pattern }),
        ...(sourceFolder !== undefined && loadedByTsx(sourceFolder)),
        provide: { [RUN_CONTEXT]: { ...this.#job.context, progressFile: this.#progressFile } },
      },
      {
        ...{ resolve, ssr: { resolve }, logLevel: "error", server: { watch: null } },
      },
      // What workers print past vitest must not get between the lines of a report.
      { stdout: process.stderr, stderr: process.stderr },
    );
    await this.#vitest.standalone();
  }

  /** All, or those that an earlier pass left. */
  async run(only?: readonly PassOutcome[]): Promise<readonly PassOutcome[]> {
    const vitest = this.#vitest as Vitest;
    const project = vitest.getRootProject();
    this.#askedIds = only && new Set(only.flatMap(({ id }) => id ?? []));
    const specifications = this.#job.files
      .map((file) => ({
        file,
        testIds: only?.filter((one) => one.file === file).flatMap(({ id }) => id ?? []),
      }))
      .filter(({ testIds }) => testIds === undefined || testIds.length > 0)
      .map(({ file, testIds }) =>
        project.createSpecification(file, testIds === undefined ? undefined : { testIds }),
      );
    await vitest.runTestSpecifications(specifications);
    return this.#reporter.takeOutcomes();
  }

  async close(): Promise<void> {
    await this.#vitest?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #isAsked(test: TestCase): boolean {
    if (this.#askedIds !== undefined) return this.#askedIds.has(test.id);
    return this.#pattern === undefined || this.#pattern.test(test.fullName.replaceAll(" > ", " "));
  }
}

/** The kit's own source as the command has it, compiled once and kept: vitest would compile it anew for each run. */
function loadedByTsx(sourceFolder: string) {
  const folder = sourceFolder.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return {
    execArgv: ["--import", import.meta.resolve("tsx")],
    server: { deps: { external: [new RegExp(`^${folder}/(hal|firmware|host-tools)/`)] } },
  };
}

/** Vitest puts spaces between the groups of a name, and shows it with arrows. */
function patternOf(test: string): RegExp {
  return new RegExp(test.replaceAll(" > ", " ").replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
}
