// What vitest tells of one bench's tests, collected.
import { stripVTControlCharacters } from "node:util";
import type { UserConsoleLog } from "vitest";
import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node";
import { failureClass, type OutcomeClass, reasonOf, type WorkerError } from "./outcome.ts";
import type { ProgressMark } from "./progress-mark.ts";
import type { TestStory } from "./run-context.ts";

/** A test as one pass of a bench left it. */
export interface PassOutcome {
  /** Vitest's, by which it is asked for again; undefined for what is no test. */
  readonly id: string | undefined;
  readonly name: string;
  readonly file: string | undefined;
  readonly outcome: OutcomeClass;
  readonly reasons: readonly string[];
  readonly durationMs: number;
  readonly story: TestStory | undefined;
}

/** On top of what a test may take, for what it does at its end, such as a bench that is closed. */
const HANG_GRACE_MS = 10_000;
const PROGRESS_EVERY_MS = 1000;
/** Between tests: a file is loaded, hooks run. */
const BETWEEN_MS = 60_000;

export interface BenchReporterSettings {
  /** False for those that this pass leaves out, which vitest calls skipped. */
  isAsked(test: TestCase): boolean;
  onOutcome(outcome: PassOutcome): void;
  /** What tests print. */
  onOutput(text: string): void;
  /** Ends the worker, as nothing else stops a test that never gives its turn back. */
  endWorker(): void;
  /** What the worker says itself. */
  progress(): ProgressMark | undefined;
}

/** Collects the outcomes of one pass over one bench's tests, and notices a test that does not end. */
export class BenchReporter implements Reporter {
  readonly #settings: BenchReporterSettings;
  #outcomes: PassOutcome[] = [];
  #running: TestCase | undefined;
  #hung: TestCase | "between tests" | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #progress: NodeJS.Timeout | undefined;
  readonly #tests = new Map<string, TestCase>();
  /** When the worker began the last test that it was seen in. */
  #seenMs = 0;
  /** That a worker has begun a test it may tell only as that ends: then this long is no sign of a hang. */
  #longestMs = 0;

  constructor(settings: BenchReporterSettings) {
    this.#settings = settings;
  }

  /** Those of the pass that has just ended. */
  takeOutcomes(): readonly PassOutcome[] {
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    return outcomes;
  }

  onTestRunStart(): void {
    this.#tests.clear();
    this.#seenMs = Date.now();
    this.#watch("between tests");
    this.#progress = setInterval(() => this.#look(), PROGRESS_EVERY_MS);
  }

  onTestModuleCollected({ children }: TestModule): void {
    for (const test of children.allTests()) {
      this.#tests.set(test.id, test);
      this.#longestMs = Math.max(this.#longestMs, test.options.timeout ?? 0);
    }
    this.#watch("between tests");
  }

  onTestCaseReady(test: TestCase): void {
    this.#running = test;
    this.#watch(test);
  }

  onTestCaseResult(test: TestCase): void {
    this.#tests.delete(test.id);
    this.#watch("between tests");
    this.#running = undefined;
    const outcome = outcomeOf(test);
    if (outcome !== undefined && this.#settings.isAsked(test)) this.#add(outcome);
  }

  onUserConsoleLog({ content }: UserConsoleLog): void {
    this.#settings.onOutput(content);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    clearTimeout(this.#watchdog);
    clearInterval(this.#progress);
    for (const module of modules) this.#addUnfinished(module);
    for (const error of unhandled)
      this.#add(
        isEndOfWorker(error)
          ? this.#endOfWorker()
          : { ...outside("outside of any test"), ...toldOutside(error) },
      );
    this.#running = undefined;
    this.#hung = undefined;
  }

  /** Vitest tells of a test once it has given its turn back, which the one that the worker is in may never do. */
  #look(): void {
    const mark = this.#settings.progress();
    const test = mark && this.#tests.get(mark.id);
    // Each try of a test has its time; a mark of the pass before is of no test of this one.
    if (mark === undefined || test === undefined || mark.sinceMs <= this.#seenMs) return;
    this.#seenMs = mark.sinceMs;
    this.#running = test;
    this.#watch(test, Date.now() - mark.sinceMs);
  }

  #watch(what: TestCase | "between tests", sinceMs = 0): void {
    clearTimeout(this.#watchdog);
    const ownMs =
      what === "between tests" ? Math.max(BETWEEN_MS, this.#longestMs) : (what.options.timeout ?? BETWEEN_MS);
    this.#watchdog = setTimeout(
      () => {
        this.#hung = what;
        this.#settings.endWorker();
      },
      ownMs + HANG_GRACE_MS - sinceMs,
    );
  }

  /** Whatever never had its turn, could not be loaded, or failed around its tests. */
  #addUnfinished(module: TestModule): void {
    const file = module.moduleId;
    // Of files that it cannot load vitest tells in colours.
    for (const { message, ...error } of module.errors())
      this.#add({
        ...{ ...outside(module.relativeModuleId), file },
        ...told({ ...error, message: stripVTControlCharacters(message) }),
      });
    for (const suite of module.children.allSuites())
      for (const error of suite.errors()) this.#add({ ...outside(suite.fullName), file, ...told(error) });
    for (const test of module.children.allTests()) {
      if (test.result().state === "pending" && this.#settings.isAsked(test))
        this.#add({ ...blank(test), ...this.#whyUnfinished(test) });
    }
    const isEmpty = module.children.size === 0 && module.errors().length === 0;
    if (isEmpty)
      this.#add({
        ...outside(module.relativeModuleId),
        file,
        outcome: "failed",
        reasons: ["No test was found in it, or its worker ended before it said which there are."],
      });
  }

  #endOfWorker(): PassOutcome {
    const worker = outside("the bench's worker");
    if (this.#hung !== undefined)
      return { ...worker, outcome: "timeout", reasons: ["It gave no sign for too long, and was ended."] };
    return {
      ...worker,
      outcome: "failed",
      reasons: ["It ended in the middle of its tests: a crash, or the system's memory was used up."],
    };
  }

  #whyUnfinished(test: TestCase): Pick<PassOutcome, "outcome" | "reasons"> {
    // Of a test without a bench no worker says that it is in it.
    if (this.#hung === "between tests")
      return {
        outcome: "timeout",
        reasons: ["It, or a test near it, never gave its turn back: the bench's worker was ended."],
      };
    if (test.id === this.#hung?.id)
      return {
        outcome: "timeout",
        reasons: [
          `It did not end within ${test.options.timeout} ms, nor give its turn back: its worker was ended.`,
        ],
      };
    if (test.id === this.#running?.id)
      return { outcome: "failed", reasons: ["The bench's worker ended while it ran."] };
    return {
      outcome: "failed",
      reasons: ["The bench's worker ended before it was known what became of it."],
    };
  }

  #add(outcome: PassOutcome): void {
    this.#outcomes.push(outcome);
    this.#settings.onOutcome(outcome);
  }
}

/** Undefined for one that only another pass asks for. */
function outcomeOf(test: TestCase): PassOutcome | undefined {
  const result = test.result();
  const base = { ...blank(test), durationMs: Math.round(test.diagnostic()?.duration ?? 0) };
  switch (result.state) {
    case "passed":
      return result.errors === undefined || result.errors.length === 0
        ? { ...base, outcome: "passed" }
        : {
            ...base,
            outcome: "flaky",
            reasons: ["It passed when it tried again by itself; before:", ...result.errors.map(reasonOf)],
          };
    case "skipped":
      return { ...base, outcome: "skipped", reasons: [result.note ?? whySkipped(test)] };
    case "failed":
      return {
        ...base,
        outcome: failureClass(result.errors),
        // Of fixtures that fail at their end vitest tells twice.
        reasons: [...new Set(result.errors.map(reasonOf))],
      };
    case "pending":
      return undefined;
  }
}

function whySkipped({ options }: TestCase): string {
  return options.mode === "run" ? "The set-up of its group or file failed." : "It is marked to be skipped.";
}

function blank(test: TestCase): Omit<PassOutcome, "outcome"> {
  const story = test.meta().meterbench;
  return { id: test.id, name: test.fullName, file: test.module.moduleId, reasons: [], durationMs: 0, story };
}

function outside(name: string): Omit<PassOutcome, "outcome" | "reasons"> {
  return { id: undefined, name, file: undefined, durationMs: 0, story: undefined };
}

/** What went wrong outside of a test is nobody's known fault but one of the bench that says so. */
function told(error: WorkerError): Pick<PassOutcome, "outcome" | "reasons"> {
  const reasons = [reasonOf(error)];
  if (error.cause !== undefined) reasons.push(reasonOf(error.cause as WorkerError));
  const outcome = failureClass([error]);
  return { outcome: outcome === "timeout" ? "failed" : outcome, reasons };
}

/** Vitest names the test that was running then, which need not be the one that it comes from. */
function toldOutside(error: SerializedError & { VITEST_TEST_NAME?: unknown }): ReturnType<typeof told> {
  const { outcome, reasons } = told(error);
  const name = error.VITEST_TEST_NAME;
  if (typeof name !== "string") return { outcome, reasons };
  return { outcome, reasons: [...reasons, `It came while "${name}" ran, from it or from a test before.`] };
}

function isEndOfWorker({ message }: SerializedError): boolean {
  return message.startsWith("[vitest-pool]");
}
