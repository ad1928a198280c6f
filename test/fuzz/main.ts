// `npm run fuzz`: the seeded tests of test/fuzz at their full length.
// `npm run fuzz -- TARGET [--seconds N] [--seed S] [--keep]`: a search at one door, or at `all`.
// `npm run fuzz -- TARGET --input HEX`: one input again.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { fromHex, toHex } from "../../firmware/protocol/bytes.ts";
import type { Door } from "./doors/door.ts";
import { DOOR_NAMES, loadDoor } from "./doors/doors.ts";
import { addToCorpus, readCorpus } from "./search/corpus.ts";
import { Coverage } from "./search/coverage.ts";
import { examine, type Finding, Search } from "./search/search.ts";

const OPTIONS = {
  seconds: { type: "string", default: "10" },
  seed: { type: "string", default: "1" },
  /** Puts what reached new code into the corpus too; what is wrong always comes there. */
  keep: { type: "boolean", default: false },
  input: { type: "string" },
} as const;

const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
const [target] = positionals;
process.exitCode = target === undefined ? runTests() : await fuzz(target);

function runTests(): number {
  const env = { ...process.env, METERBENCH_FUZZ_INPUTS: "100000" };
  return spawnSync("npx", ["vitest", "run", "test/fuzz"], { stdio: "inherit", env }).status ?? 1;
}

async function fuzz(target: string): Promise<number> {
  const names = target === "all" ? DOOR_NAMES : [target];
  const seconds = Number(values.seconds);
  if (!names.every((name) => DOOR_NAMES.includes(name)))
    return usage(`No target is called ${target}: name one of ${DOOR_NAMES.join(", ")}, or all.`);
  if (!(seconds > 0)) return usage(`--seconds takes a number above 0, not ${values.seconds}.`);
  if (values.input !== undefined) return tryInput(target, values.input);
  let findings = 0;
  for (const name of names) findings += await searchAt(name, seconds);
  return findings === 0 ? 0 : 1;
}

/** Prints what came of it; how many findings there were. */
async function searchAt(name: string, seconds: number): Promise<number> {
  const coverage = new Coverage();
  const door = (await loadDoor(name)) as Door;
  const outcome = new Search(door, readCorpus(name), coverage, { seconds, seed: values.seed }).run();
  coverage.stop();
  const { inputs, reached, findings } = outcome;
  const rate = Math.round(inputs / outcome.seconds);
  const of = (kind: Finding["kind"]): number => findings.filter((finding) => finding.kind === kind).length;
  say(
    `${name}: ${inputs} inputs in ${outcome.seconds.toFixed(1)} s, ${rate} a second, seed ${values.seed}; ` +
      `${reached.length} reached new code; ${of("crash")} crashes, ${of("hang")} hangs`,
  );
  for (const { kind, input, why } of findings)
    say(`  ${kind}: ${why}\n    again: npm run fuzz -- ${name} --input ${toHex(input)}`);
  addToCorpus(name, [...findings.map(({ input }) => input), ...(values.keep ? reached : [])]);
  return findings.length;
}

async function tryInput(target: string, text: string): Promise<number> {
  const [door, input] = [await loadDoor(target), fromHex(text)];
  if (door === undefined || input === undefined) return usage("--input takes hex, for one target.");
  const finding = examine(door, input);
  say(
    finding === undefined ? `${target}: taken as it should be` : `${target}: ${finding.kind}, ${finding.why}`,
  );
  if (finding?.kind === "crash") door.check(input);
  return finding === undefined ? 0 : 1;
}

function usage(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return 2;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
