// `npm run fuzz`: the seeded tests of test/fuzz at their full length.
// `npm run fuzz -- TARGET [--seconds N | --inputs N] [--seed S] [--keep] [--json]`: a search at one door, or at `all`.
// `npm run fuzz -- TARGET --input HEX`: one input again.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { fromHex, toHex } from "../../firmware/protocol/bytes.ts";
import type { Door } from "./doors/door.ts";
import { DOOR_NAMES, loadDoor, shareOf } from "./doors/doors.ts";
import { addToCorpus, readCorpus } from "./search/corpus.ts";
import { Coverage } from "./search/coverage.ts";
import { examine, type Finding, type Outcome, Search } from "./search/search.ts";

const OPTIONS = {
  /** For each target. */
  seconds: { type: "string" },
  /** For all targets together, in place of the seconds. */
  inputs: { type: "string" },
  seed: { type: "string", default: "1" },
  /** Puts what reached new code into the corpus too; what is wrong always comes there. */
  keep: { type: "boolean", default: false },
  /** One line of JSON for each target, and one for all. */
  json: { type: "boolean", default: false },
  input: { type: "string" },
} as const;
const SECONDS = 10;

interface Figures {
  readonly target: string;
  readonly seed: string;
  readonly inputs: number;
  readonly seconds: number;
  readonly slowestMs: number;
  readonly reached: number;
  readonly crashes: number;
  readonly hangs: number;
}

const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
const [target] = positionals;
process.exitCode = target === undefined ? runTests() : await fuzz(target);

function runTests(): number {
  const env = { ...process.env, METERBENCH_FUZZ_INPUTS: "100000" };
  return spawnSync("npx", ["vitest", "run", "test/fuzz"], { stdio: "inherit", env }).status ?? 1;
}

async function fuzz(target: string): Promise<number> {
  const names = target === "all" ? DOOR_NAMES : [target];
  const inputs = Number(values.inputs ?? Number.POSITIVE_INFINITY);
  const seconds = Number(
    values.seconds ?? (values.inputs === undefined ? SECONDS : Number.POSITIVE_INFINITY),
  );
  if (!names.every((name) => DOOR_NAMES.includes(name)))
    return usage(`No target is called ${target}: name one of ${DOOR_NAMES.join(", ")}, or all.`);
  if (!(seconds > 0)) return usage(`--seconds takes a number above 0, not ${values.seconds}.`);
  if (!(inputs > 0)) return usage(`--inputs takes a number above 0, not ${values.inputs}.`);
  if (values.input !== undefined) return tryInput(target, values.input);
  const rows: Figures[] = [];
  for (const name of names)
    rows.push(await searchAt(name, seconds, target === "all" ? shareOf(name, inputs) : inputs));
  if (values.json && target === "all") say(JSON.stringify(sum(rows)));
  return rows.every(({ crashes, hangs }) => crashes + hangs === 0) ? 0 : 1;
}

/** Prints what came of it. */
async function searchAt(name: string, seconds: number, inputs: number): Promise<Figures> {
  const coverage = new Coverage();
  const door = (await loadDoor(name)) as Door;
  const { seed } = values;
  const outcome = new Search(door, readCorpus(name), coverage, { seconds, inputs, seed }).run();
  coverage.stop();
  const figures = figuresOf(name, outcome);
  say(values.json ? JSON.stringify(figures) : lineOf(figures));
  for (const { kind, input, why } of outcome.findings)
    process.stderr.write(`  ${kind}: ${why}\n    again: npm run fuzz -- ${name} --input ${toHex(input)}\n`);
  const { findings, reached } = outcome;
  addToCorpus(name, [...findings.map(({ input }) => input), ...(values.keep ? reached : [])]);
  return figures;
}

function figuresOf(name: string, { inputs, seconds, slowestMs, reached, findings }: Outcome): Figures {
  const of = (kind: Finding["kind"]): number => findings.filter((finding) => finding.kind === kind).length;
  return {
    ...{ target: name, seed: values.seed, inputs, seconds: round(seconds), slowestMs: round(slowestMs) },
    ...{ reached: reached.length, crashes: of("crash"), hangs: of("hang") },
  };
}

function sum(rows: readonly Figures[]): Figures {
  const total = (figure: "inputs" | "seconds" | "reached" | "crashes" | "hangs"): number =>
    rows.reduce((all, row) => all + row[figure], 0);
  return {
    ...{ target: "all", seed: values.seed, inputs: total("inputs"), seconds: round(total("seconds")) },
    slowestMs: Math.max(...rows.map(({ slowestMs }) => slowestMs)),
    ...{ reached: total("reached"), crashes: total("crashes"), hangs: total("hangs") },
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function lineOf({ target, seed, inputs, seconds, slowestMs, reached, crashes, hangs }: Figures): string {
  const rate = Math.round(inputs / seconds);
  return (
    `${target}: ${inputs} inputs in ${seconds} s, ${rate} a second, seed ${seed}; slowest ${slowestMs} ms; ` +
    `${reached} reached new code; ${crashes} crashes, ${hangs} hangs`
  );
}

async function tryInput(target: string, text: string): Promise<number> {
  const [door, input] = [await loadDoor(target), fromHex(text)];
  if (door === undefined || input === undefined) return usage("--input takes hex, for one target.");
  const examined = examine(door, input);
  if ("ms" in examined) {
    say(`${target}: taken as it should be, in ${round(examined.ms)} ms`);
    return 0;
  }
  say(`${target}: ${examined.kind}, ${examined.why}`);
  if (examined.kind === "crash") door.check(input);
  return 1;
}

function usage(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return 2;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
