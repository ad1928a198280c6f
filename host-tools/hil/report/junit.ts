// The report that build servers read.
import { join, relative } from "node:path";
import { countsOf, type TestOutcome } from "../run/outcome.ts";
import type { BenchReport, RunReport } from "../run/run-hil.ts";
import { escaped, escapedLines } from "./markup.ts";

/** A suite for each bench; reasons of what was skipped, seeds and the paths of captures are in it. */
export function junitText({ benches, outcomes, startedUtc }: RunReport): string {
  const suites = benches.map((bench) =>
    suiteText(
      bench,
      outcomes.filter((outcome) => outcome.bench === bench.name),
      startedUtc,
    ),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="meterbench hil">\n${suites.join("")}</testsuites>\n`;
}

function suiteText(bench: BenchReport, outcomes: readonly TestOutcome[], startedUtc: string): string {
  const { failed, timeout, infrastructure, skipped, quarantined } = countsOf(outcomes);
  const seconds = outcomes.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
  const attributes = attributesText({
    name: bench.name,
    timestamp: startedUtc,
    tests: outcomes.length,
    failures: failed + timeout,
    errors: infrastructure,
    skipped: skipped + quarantined,
    time: seconds,
  });
  const about = propertiesText({ kind: bench.kind, seed: bench.seed, bench: bench.file }, "    ");
  return `  <testsuite${attributes}>\n${about}${outcomes.map(caseText).join("")}  </testsuite>\n`;
}

function caseText(outcome: TestOutcome): string {
  const { bench, name, file, durationMs, attempts, story, repeat } = outcome;
  const classname = file === undefined ? bench : `${bench}.${relative(process.cwd(), file)}`;
  const about = { seed: story?.seed, attempts, evidence: story?.evidence, repeat };
  return [
    `    <testcase${attributesText({ name, classname, time: durationMs / 1000 })}>\n`,
    propertiesText(about, "      "),
    resultText(outcome),
    outputText(outcome),
    "    </testcase>\n",
  ].join("");
}

function resultText({ outcome, reasons }: TestOutcome): string {
  const [message = ""] = (reasons[0] ?? "").split("\n");
  const element = (name: string): string =>
    `      <${name}${attributesText({ type: outcome, message })}>${escapedLines(reasons.join("\n"))}</${name}>\n`;
  switch (outcome) {
    case "passed":
      return "";
    case "failed":
    case "timeout":
      return element("failure");
    case "infrastructure":
      return element("error");
    case "skipped":
    case "quarantined":
      return `      <skipped${attributesText({ message: reasons.join(" ") })}/>\n`;
    case "flaky":
      return element("flakyError");
  }
}

/** Paths as Jenkins and GitLab attach files. */
function outputText({ story }: TestOutcome): string {
  if (story?.evidence === undefined) return "";
  const capture = join(story.evidence, "frames.pcapng");
  return `      <system-out>${escaped(`[[ATTACHMENT|${capture}]]`)}</system-out>\n`;
}

type Values = Readonly<Record<string, string | number | undefined>>;

function attributesText(values: Values): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join("");
}

function propertiesText(values: Values, indent: string): string {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  const lines = entries.map(([name, value]) => `${indent}  <property${attributesText({ name, value })}/>\n`);
  return `${indent}<properties>\n${lines.join("")}${indent}</properties>\n`;
}
