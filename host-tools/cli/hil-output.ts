// What `hil run` shows of tests, to people and to machines.
import { join } from "node:path";
import { OUTCOME_CLASSES, type TestOutcome } from "../hil/run/outcome.ts";
import type { RunReport } from "../hil/run/run-hil.ts";

const CLASS_WIDTH = "infrastructure".length;

/** A test as it ends. */
export function outcomeLines(outcome: TestOutcome, withBench: boolean): string[] {
  const { name, bench, reasons, durationMs, story, repeat } = outcome;
  const where = withBench ? `${bench}: ` : "";
  const tries = outcome.attempts > 1 ? ` (${outcome.attempts} tries)` : "";
  const line = `${outcome.outcome.padEnd(CLASS_WIDTH)}  ${where}${name}${tries}`;
  const indent = " ".repeat(CLASS_WIDTH + 2);
  if (outcome.outcome === "passed" && reasons.length === 0) return [`${line} (${durationMs} ms)`];
  if (outcome.outcome === "skipped") return [`${line} (${reasons.join(" ")})`];
  return [
    line,
    ...reasons.flatMap((reason) => reason.split("\n").map((text) => `${indent}${text}`)),
    ...(story?.evidence === undefined ? [] : [`${indent}Evidence: ${story.evidence}`]),
    ...(story?.trouble === undefined ? [] : [`${indent}Its evidence is incomplete: ${story.trouble}`]),
    ...(repeat === undefined || outcome.outcome === "passed" ? [] : [`${indent}Again: ${repeat}`]),
  ];
}

/** All in all. */
export function summaryLines({ counts, benches, durationMs }: RunReport): string[] {
  const told = OUTCOME_CLASSES.filter((name) => name === "passed" || counts[name] > 0);
  const warnings = benches.flatMap(({ name, warnings: all }) => all.map((warning) => `${name}: ${warning}`));
  const where = benches.map(({ name, kind, seed }) => `${name} (${kind}, seed ${seed})`).join(", ");
  return [
    ...warnings,
    `${told.map((name) => `${counts[name]} ${name}`).join(", ")} at ${where} in ${(durationMs / 1000).toFixed(1)} s`,
  ];
}

export function reportDocument({ startedUtc, durationMs, counts, benches, outcomes }: RunReport) {
  return {
    ...counts,
    milliseconds: durationMs,
    started: startedUtc,
    benches: benches.map(({ name, kind, file, seed, counts: own, warnings }) => ({
      ...{ name, kind, file: file ?? null, seed, ...own, warnings },
    })),
    tests: outcomes.map(
      ({ bench, name, file, outcome, reasons, durationMs: ms, attempts, story, repeat }) => ({
        ...{ bench, name, file: file ?? null, class: outcome, reasons, milliseconds: ms, attempts },
        evidence: story?.evidence ?? null,
        capture: story?.evidence === undefined ? null : join(story.evidence, "frames.pcapng"),
        repeat: repeat ?? null,
      }),
    ),
  };
}
