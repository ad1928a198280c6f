// The report that people read: one file, without scripts, that shows the same on any machine and years later.
import { OUTCOME_CLASSES, type TestOutcome } from "../run/outcome.ts";
import type { BenchReport, RunReport } from "../run/run-hil.ts";
import { escaped, escapedLines } from "./markup.ts";
import { plotsText } from "./plot.ts";

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { max-width: 72rem; margin: 1.5rem auto; padding: 0 1rem; }
code, pre { font: 13px/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
details { border-top: 1px solid #8884; padding: .3rem 0; }
summary { cursor: pointer; }
.class { display: inline-block; min-width: 7.5em; font-weight: 600; }
.passed { color: #1a7f37; } .failed, .timeout { color: #cf222e; } .infrastructure { color: #9a6700; }
.skipped { color: #777; } .flaky, .quarantined { color: #8250df; }
.ms { color: #777; }
.plots { display: flex; flex-wrap: wrap; gap: .6rem 1rem; margin: .5rem 0; }
svg { width: 340px; height: 110px; }
svg text { font-size: 9px; fill: currentColor; } svg line { stroke: #8888; }
svg polyline { fill: none; stroke: #0969da; stroke-width: 1.2; } svg circle { fill: #0969da; }
`;

/** The page. What devices and tests said is text in it and nothing else; the policy at its top forbids the rest. */
export function htmlText(report: RunReport): string {
  const { benches, outcomes, startedUtc, durationMs } = report;
  const sections = benches.map((bench) =>
    sectionText(
      bench,
      outcomes.filter((outcome) => outcome.bench === bench.name),
    ),
  );
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>meterbench hil: ${escaped(totalsText(report.counts))}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Tests at ${benches.length === 1 ? "a bench" : `${benches.length} benches`}</h1>
<p>${escaped(totalsText(report.counts))}; ${escaped(startedUtc)}, ${(durationMs / 1000).toFixed(1)} s</p>
${sections.join("\n")}
</body>
</html>
`;
}

function sectionText(bench: BenchReport, outcomes: readonly TestOutcome[]): string {
  const about = [
    `${bench.kind} bench`,
    `seed ${bench.seed}`,
    ...(bench.file === undefined ? [] : [bench.file]),
  ];
  const warnings = bench.warnings.map((warning) => `<p class="flaky">${escaped(warning)}</p>`);
  return [
    `<h2>${escaped(bench.name)}</h2>`,
    `<p>${escaped(about.join(", "))}: ${escaped(totalsText(bench.counts))}</p>`,
    ...warnings,
    ...outcomes.map(testText),
  ].join("\n");
}

/** What needs a look is open. */
function testText(outcome: TestOutcome): string {
  const { name, durationMs, attempts } = outcome;
  const isWell = outcome.outcome === "passed" || outcome.outcome === "skipped";
  const tries = attempts > 1 ? `, ${attempts} tries` : "";
  const reason = outcome.outcome === "skipped" ? ` (${outcome.reasons.join(" ")})` : "";
  return [
    `<details${isWell ? "" : " open"}><summary><span class="class ${outcome.outcome}">${outcome.outcome}</span> `,
    `${escaped(name)}${escaped(reason)} <span class="ms">${durationMs} ms${tries}</span></summary>`,
    ...(outcome.reasons.length > 0 && !isWell
      ? [`<pre>${escapedLines(outcome.reasons.join("\n"))}</pre>`]
      : []),
    storyText(outcome),
    "</details>",
  ].join("");
}

function storyText({ story, repeat }: TestOutcome): string {
  const lines = [
    ...(story?.evidence === undefined ? [] : [`Evidence: <code>${escaped(story.evidence)}</code>`]),
    ...(story?.trouble === undefined ? [] : [`Its evidence is incomplete: ${escaped(story.trouble)}`]),
    ...(repeat === undefined ? [] : [`Again: <code>${escaped(repeat)}</code>`]),
  ];
  const plots = plotsText(story?.curves ?? []);
  return `<p>${lines.join("<br>")}</p>${plots === "" ? "" : `<div class="plots">${plots}</div>`}`;
}

function totalsText(counts: RunReport["counts"]): string {
  const told = OUTCOME_CLASSES.filter((name) => counts[name] > 0).map((name) => `${counts[name]} ${name}`);
  return told.length === 0 ? "nothing" : told.join(", ");
}
