// `hil`: tests of meters at a bench, emulated or real.
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { processesOf } from "../../doctor/processes.ts";
import { serialPortsOf } from "../../doctor/serial-ports.ts";
import { thisSystem } from "../../doctor/this-system.ts";
import { emulatedBench } from "../../hil/bench.ts";
import { benchDraft, type DraftMeter, draftMeters } from "../../hil/bench-draft.ts";
import { readBenchFile } from "../../hil/bench-file.ts";
import { htmlText } from "../../hil/report/html.ts";
import { junitText } from "../../hil/report/junit.ts";
import type { Counts } from "../../hil/run/outcome.ts";
import { RESULTS_FOLDER_DEFAULT } from "../../hil/run/run-context.ts";
import type { RequestedBench } from "../../hil/run/run-hil.ts";
import { namedTestFiles, ownSuite } from "../../hil/run/test-files.ts";
import { printableLines } from "../../safe-text.ts";
import { numberOption, pathOption, withJson } from "../common.ts";
import { EXIT, type ExitCode, usageFault } from "../fault.ts";
import { outcomeLines, reportDocument, summaryLines } from "../hil-output.ts";
import { printable, say, sayJson } from "../output.ts";

interface RunOptions {
  readonly bench: readonly string[];
  readonly test?: string;
  readonly seed?: number;
  readonly keep: "failed" | "all";
  readonly results: string;
  readonly json?: boolean;
  readonly junit?: string;
  readonly html?: string;
}

const SEED_MAX = 0xffffffff;
/** With 4.1 came the specifications of single tests, by which one is tried again; 5 is not known yet. */
const VITEST = /^4\.(?!0\.)/;

export function addHilCommand(program: Command): void {
  const hil = program.command("hil").description("test meters at a bench, emulated or real");
  addRun(hil);
  addInit(hil);
}

function addInit(hil: Command): void {
  withJson(hil.command("init"))
    .description("write a bench file from what is plugged in, by names that last")
    .option("--out <file>", "the file; one that is there is left alone", pathOption, "bench.yaml")
    .addHelpText("after", "\nExample: meterbench hil init --out lab.yaml")
    .action(({ out, json }: { out: string; json?: boolean }) => {
      const meters = pluggedIn();
      writeNew(out, benchDraft(meters));
      if (json) return sayJson({ file: out, meters });
      for (const { id, line } of meters) say(printable(`${id}  ${line}`));
      say(printable(`${out} is written: give the meters their names in it.`));
    });
}

function pluggedIn(): DraftMeter[] {
  const found = serialPortsOf(thisSystem, processesOf(thisSystem));
  if (found === undefined)
    throw usageFault(
      "Serial ports are found in Linux's sysfs, which is not here: write the bench file yourself, as README.md shows.",
    );
  const meters = draftMeters(found.ports);
  if (meters.length === 0)
    throw usageFault(
      "No serial port is plugged in here that could be opened: plug a meter in, or run without a bench file.",
    );
  return meters;
}

function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw usageFault(`${path} is there already: name another by --out, or remove it.`);
  }
}

function addRun(hil: Command): void {
  withJson(
    hil.command("run").argument("[files...]", "files of tests, or folders of them (default: our suite)"),
  )
    .description("run tests at benches: the emulated one, or those of bench files")
    .option(
      "--bench <file>",
      "bench file; may be given several times, and all benches then run at once",
      collected,
      [],
    )
    .option("--test <name>", "only tests in whose name this is")
    .option(
      "--seed <n>",
      "all chance follows from it (default: the bench's)",
      numberOption(0, SEED_MAX, true),
    )
    .option("--keep <what>", "whose evidence is kept: failed or all", keepOption, "failed")
    .option("--results <dir>", "folder of evidence", pathOption, RESULTS_FOLDER_DEFAULT)
    .option("--junit <file>", "write a JUnit report", pathOption)
    .option("--html <file>", "write a report for people, one file with plots", pathOption)
    .addHelpText(
      "after",
      "\nExit codes: 0 all is well, 1 a test failed or ran out of time, 2 wrong usage or bench file,\n5 nothing failed, but the bench itself did or nothing could be tested.\nExample: meterbench hil run --bench lab.yaml --html report.html",
    )
    .action(async (paths: string[], options: RunOptions) => {
      process.exitCode = await run(paths, options);
    });
}

async function run(paths: readonly string[], options: RunOptions): Promise<ExitCode> {
  const benches = benchesOf(options.bench);
  const files = filesOf(paths);
  refuseUnwritable(options);
  const { runHil } = await theRunner();
  const report = await runHil({
    ...{ benches, files, isOwnSuite: paths.length === 0 },
    ...{ test: options.test, seed: options.seed, keep: options.keep },
    resultsFolder: resolve(options.results, new Date().toISOString().replaceAll(":", "-").slice(0, 19)),
    onOutcome: (outcome) => {
      if (!options.json) for (const line of outcomeLines(outcome, benches.length > 1)) say(printable(line));
    },
    onOutput: (text) => {
      process.stderr.write(printableLines(text));
    },
  });
  if (report.outcomes.length === 0)
    throw usageFault(
      options.test === undefined
        ? "No test was found: a file of tests has at least one."
        : `No test has "${options.test}" in its name: see their names by a run without --test.`,
    );
  if (options.junit !== undefined) writeFileSync(options.junit, junitText(report));
  if (options.html !== undefined) writeFileSync(options.html, htmlText(report));
  if (options.json) sayJson(reportDocument(report));
  else for (const line of summaryLines(report)) say(printable(line));
  return exitOf(report.counts);
}

/** Vitest is what runs them, and comes with whoever writes tests. */
async function theRunner(): Promise<typeof import("../../hil/run/run-hil.ts")> {
  try {
    const { version } = await import("vitest/node");
    if (VITEST.test(version)) return await import("../../hil/run/run-hil.ts");
    throw usageFault(`Tests are run by vitest 4.1 and here is ${version}: npm install --save-dev vitest@4`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw usageFault("Tests are run by vitest, which is not here: npm install --save-dev vitest@4");
  }
}

function benchesOf(paths: readonly string[]): RequestedBench[] {
  if (paths.length === 0) return [{ bench: emulatedBench(process.cwd()), file: undefined }];
  const benches = paths.map(benchAt);
  const names = benches.map(({ bench }) => bench.name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw usageFault(
      `Two of these benches are named ${twice}: each file is given once, under a name of its own.`,
    );
  return benches;
}

function benchAt(path: string): RequestedBench {
  const file = resolve(path);
  if (!existsSync(file))
    throw usageFault(`There is no bench file ${path}: write one, or have "meterbench hil init" do it.`);
  const bench = readBenchFile(textOf(path), dirname(file));
  if ("error" in bench) throw usageFault(`The bench file ${path} cannot be used. ${bench.error}`);
  return { bench, file };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw usageFault(`The bench file ${path} cannot be read (${code}): check its rights.`);
  }
}

function filesOf(paths: readonly string[]): readonly string[] {
  if (paths.length === 0) return ownSuite();
  const named = namedTestFiles(paths);
  if ("error" in named) throw usageFault(named.error);
  return named.files;
}

function exitOf({ passed, failed, infrastructure, timeout, flaky, quarantined }: Counts): ExitCode {
  if (failed + timeout > 0) return EXIT.unexpected;
  const hasShownSomething = passed + flaky + quarantined > 0;
  return infrastructure > 0 || !hasShownSomething ? EXIT.partly : EXIT.done;
}

/** Told before an hour of tests, not after it. */
function refuseUnwritable({ junit, html }: RunOptions): void {
  for (const path of [junit, html]) {
    if (path === undefined) continue;
    try {
      accessSync(dirname(resolve(path)), constants.W_OK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw usageFault(`${path} cannot be written (${code}): check that its folder exists and is yours.`);
    }
  }
}

function keepOption(text: string): "failed" | "all" {
  if (text === "failed" || text === "all") return text;
  throw new InvalidArgumentError("It is failed or all.");
}

function collected(path: string, before: readonly string[]): string[] {
  return [...before, pathOption(path)];
}
