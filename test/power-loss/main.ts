// `npm run power-loss [-- mutants | kill | keys | case NAME] [-- --json] [-- --seed N]`: see firmware/journal/README.md.
// `npm run power-loss -- update | update-mutants | update-case NAME [MUTANT]`: see firmware/update/README.md.
import { enumerate, repeatCase } from "./enumerate.ts";
import { rotateThroughTroubles } from "./keys.ts";
import { killRepeatedly } from "./kill.ts";
import { MUTANTS } from "./mutants.ts";
import { enumerateUpdates, repeatUpdateCase } from "./update/enumerate.ts";
import { LIVES } from "./update/life.ts";
import { sampleOf, UPDATE_MUTANTS } from "./update/mutants.ts";
import { enumerateSideBySide } from "./update/side-by-side.ts";

/** How often `kill` ends the writer. */
const KILLS = 200;
/** Rotations with several troubles in a row. */
const ROTATIONS = 200;

const words = process.argv.slice(2).filter((word) => word !== "--json");
const seed = optionOf("--seed") ?? "1";
const isJson = process.argv.includes("--json");

const COMMANDS: Readonly<Record<string, () => Promise<boolean> | boolean>> = {
  cuts: () => {
    const { failures, ...tally } = enumerate();
    const again = failures.map(
      (failure) => `${failure}: npm run power-loss -- case ${failure.split(" ")[1]}`,
    );
    report({ ...tally, seconds: seconds() }, again);
    return failures.length === 0;
  },
  mutants: () => {
    const losses = [...MUTANTS].map(([name, wrap]) => {
      const { cases, lost, invented, unreadable } = enumerate({ wrap, every: 2, everySecond: 5 });
      return { mutant: name, cases, lost, invented, unreadable };
    });
    const missed = losses.filter(({ lost }) => lost === 0).map(({ mutant }) => `${mutant} lost nothing`);
    report({ mutants: losses, seconds: seconds() }, missed);
    return missed.length === 0;
  },
  kill: async () => {
    const { failures, ...figures } = await killRepeatedly(KILLS, seed);
    const again = failures.map((failure) => `${failure}: npm run power-loss -- kill --seed ${seed}`);
    report({ ...figures, seed, seconds: seconds() }, again);
    return failures.length === 0;
  },
  keys: async () => {
    const { failures, ...figures } = await rotateThroughTroubles(ROTATIONS, seed);
    report({ ...figures, seed, seconds: seconds() }, failures);
    return failures.length === 0;
  },
  case: () => {
    const [name, mutant] = words.slice(1);
    const verdict = repeatCase(name ?? "", mutant === undefined ? undefined : MUTANTS.get(mutant));
    report({ case: name, verdict }, []);
    return verdict === "kept";
  },
  "update-lives": () => {
    const lives = LIVES.filter((life) => words.includes(life));
    process.stdout.write(`${JSON.stringify(enumerateUpdates({ lives }))}\n`);
    return true;
  },
  update: async () => {
    const { failures, ...tally } = await enumerateSideBySide();
    const again = failures.map(
      (failure) => `${failure}: npm run power-loss -- update-case ${failure.split(" ")[1]}`,
    );
    report({ ...tally, seconds: seconds() }, again);
    return failures.length === 0;
  },
  "update-mutants": () => {
    const found = [...UPDATE_MUTANTS].map(([mutant, make]) => ({ mutant, ...sampleOf(make) }));
    const missed = found
      .filter(({ failures }) => failures.length === 0)
      .map(({ mutant }) => `${mutant} passes`);
    report({ mutants: found, seconds: seconds() }, missed);
    return missed.length === 0;
  },
  "update-case": () => {
    const [name, mutant] = words.slice(1);
    const verdict = repeatUpdateCase(
      name ?? "",
      mutant === undefined ? undefined : UPDATE_MUTANTS.get(mutant),
    );
    report({ case: name, verdict }, []);
    return verdict === "kept";
  },
};

const command = COMMANDS[words[0] ?? "cuts"];
if (command === undefined) throw new Error(`power-loss knows ${Object.keys(COMMANDS).join(", ")}`);
process.exitCode = (await command()) ? 0 : 1;

function optionOf(name: string): string | undefined {
  const at = words.indexOf(name);
  return at < 0 ? undefined : words.splice(at, 2)[1];
}

function seconds(): number {
  return Number(process.uptime().toFixed(1));
}

function report(figures: Readonly<Record<string, unknown>>, failures: readonly string[]): void {
  const lines = Object.entries(figures).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((one) => JSON.stringify(one)) : [`${name}: ${value}`],
  );
  const text = isJson
    ? JSON.stringify({ ...figures, failures }, null, 2)
    : [...lines, ...failures].join("\n");
  process.stdout.write(`${text}\n`);
}
