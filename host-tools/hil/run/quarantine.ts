// Tests whose failures a bench's file expects until a date.
import type { Quarantine } from "../bench.ts";
import type { TestOutcome } from "./outcome.ts";

/**
 * The outcome as the bench's quarantine has it. One that the bench itself spoilt stays what it is: nothing is known of
 * the test then.
 */
export function quarantined(
  outcome: TestOutcome,
  entries: readonly Quarantine[],
  today: string,
): TestOutcome {
  const entry = entries.find((one) => isOf(one, outcome) && !hasEnded(one, today));
  if (entry === undefined) return outcome;
  const { reasons } = outcome;
  if (outcome.outcome === "passed")
    return { ...outcome, reasons: [`It passed, and is in quarantine (${whyOf(entry)}): take it out.`] };
  if (outcome.outcome !== "failed" && outcome.outcome !== "timeout") return outcome;
  return {
    ...outcome,
    outcome: "quarantined",
    reasons: [`In quarantine until ${entry.until}: ${whyOf(entry)}.`, ...reasons],
  };
}

/** A failure for each entry that has ended and is of one of these tests: nobody would look at it otherwise. */
export function endedQuarantines(
  outcomes: readonly TestOutcome[],
  entries: readonly Quarantine[],
  { bench, today }: { bench: string; today: string },
): TestOutcome[] {
  return entries
    .filter((entry) => hasEnded(entry, today) && outcomes.some((outcome) => isOf(entry, outcome)))
    .map((entry) => ({
      ...{ bench, name: `quarantine of "${entry.test}"`, file: undefined, outcome: "failed", durationMs: 0 },
      reasons: [
        `It ended on ${entry.until} (${whyOf(entry)}): mend the test and take the entry out of the bench file, or give it a new date.`,
      ],
      ...{ attempts: 1, story: undefined, repeat: undefined },
    }));
}

/** Entries that are of none of these tests: a name that was mistyped, or a test that is gone. */
export function idleQuarantines(
  outcomes: readonly TestOutcome[],
  entries: readonly Quarantine[],
): readonly string[] {
  return entries
    .filter((entry) => !outcomes.some((outcome) => isOf(entry, outcome)))
    .map(({ test }) => `No test of this run is named "${test}", which is in quarantine: check the name.`);
}

/** The last day is of it, in UTC as all dates of a report. */
function hasEnded({ until }: Quarantine, today: string): boolean {
  return until < today;
}

function whyOf({ reason, issue }: Quarantine): string {
  return issue === undefined ? reason : `${reason}, issue ${issue}`;
}

/** By the whole name with its groups, or by the test's own, in which `*` is anything. */
function isOf({ test }: Quarantine, { name, file }: TestOutcome): boolean {
  if (file === undefined) return false;
  const parts = test.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${parts.join(".*")}$`, "i");
  return pattern.test(name) || pattern.test(name.split(" > ").at(-1) ?? "");
}
