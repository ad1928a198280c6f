// What became of each test, in classes that say whose trouble it was.
import { isInfrastructureFault } from "../infrastructure.ts";
import type { TestStory } from "./run-context.ts";

/**
 * `failed`: what is tested is wrong. `infrastructure`: the bench is, and nothing is known of what was tested. `timeout`:
 * a test did not end in its time. `flaky`: it passed once its bench had been power-cycled. `quarantined`: it failed, as
 * its bench's file expects until a date.
 */
export const OUTCOME_CLASSES = [
  "passed",
  "failed",
  "infrastructure",
  "timeout",
  "skipped",
  "flaky",
  "quarantined",
] as const;
export type OutcomeClass = (typeof OUTCOME_CLASSES)[number];

/** A test at a bench, or something that went wrong outside of any. */
export interface TestOutcome {
  readonly bench: string;
  readonly name: string;
  /** Undefined for what belongs to no file. */
  readonly file: string | undefined;
  readonly outcome: OutcomeClass;
  /** Why it is not just passed; a sentence or more. */
  readonly reasons: readonly string[];
  readonly durationMs: number;
  /** 2 where it was repeated after a power cycle. */
  readonly attempts: number;
  readonly story: TestStory | undefined;
  /** The command that runs it again; undefined for what belongs to no file. */
  readonly repeat: string | undefined;
}

/** An error as it comes out of a worker. */
export interface WorkerError {
  readonly name?: string | undefined;
  readonly message: string;
  readonly cause?: unknown;
}

/** Longer chains of causes are a loop, or somebody's joke. */
const CAUSES_MAX = 8;
/** As vitest words it; it gives such errors no name of their own. */
const TIMED_OUT = /^(Test|Hook) timed out in \d+ms/;

/** The class of a test that failed by these: one that is wrong is never blamed on its bench. */
export function failureClass(errors: readonly WorkerError[]): OutcomeClass {
  const classes = new Set(errors.map(classOf));
  if (classes.has("failed") || classes.size === 0) return "failed";
  return classes.has("infrastructure") ? "infrastructure" : "timeout";
}

function classOf(error: WorkerError): OutcomeClass {
  let at: unknown = error;
  for (let depth = 0; depth < CAUSES_MAX && typeof at === "object" && at !== null; depth++) {
    if (isInfrastructureFault(at)) return "infrastructure";
    at = (at as WorkerError).cause;
  }
  return TIMED_OUT.test(error.message) ? "timeout" : "failed";
}

/** How an error reads in a report. */
export function reasonOf({ name, message }: WorkerError): string {
  const [first = "", ...rest] = message.split("\n");
  // What vitest adds is advice for another configuration than a bench's.
  if (TIMED_OUT.test(first)) return first;
  const text = [first, ...rest].join("\n").trim();
  return name === undefined || name === "Error" || name === "InfrastructureFault" ? text : `${name}: ${text}`;
}

export type Counts = Readonly<Record<OutcomeClass, number>>;

export function countsOf(outcomes: readonly Pick<TestOutcome, "outcome">[]): Counts {
  const counts = Object.fromEntries(OUTCOME_CLASSES.map((name) => [name, 0])) as Record<OutcomeClass, number>;
  for (const { outcome } of outcomes) counts[outcome]++;
  return counts;
}
