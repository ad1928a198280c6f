// What a test is given: a bench for itself, and what stands on it.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { test as base, type TestOptions } from "vitest";
import { type Bench, emulatedBench } from "./bench.ts";
import { readBenchFile } from "./bench-file.ts";
import { InfrastructureFault } from "./infrastructure.ts";
import { offersOf } from "./offers.ts";
import { openRig } from "./open-rig.ts";
import type { Need, Rig, RigClock, RigDap, RigHeadEnd, RigLine, RigMeter, RigPower } from "./rig.ts";
import { keepStory } from "./run/keep-story.ts";
import { markProgress } from "./run/progress-mark.ts";
import { runContext } from "./run/worker-context.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What a test asked for by {@link needs}. */
    needs?: readonly Need[];
  }
}

export interface RigFixtures {
  /** The bench, open for this test alone. It is not called `bench`, which newer versions of vitest keep for themselves. */
  readonly rig: Rig;
  /** The first meter, which has answered; what it is on, and what feeds it. */
  readonly meter: RigMeter;
  readonly line: RigLine;
  readonly power: RigPower;
  /** All meters on lines of their own, which have answered. */
  readonly meters: readonly RigMeter[];
  readonly headEnd: RigHeadEnd;
  readonly dap: RigDap;
  readonly clock: RigClock;
}

/**
 * What a test takes that not every bench has: on one without it the test is skipped, and says so. It stands between the
 * test's name and its function.
 */
export function needs(...names: readonly Need[]): TestOptions {
  return { meta: { needs: names } };
}

/**
 * The same for a test that takes so long in real time, times the bench's multiplier. Where time jumps it takes as long as
 * any other.
 */
export function lasting(seconds: number, ...names: readonly Need[]): TestOptions {
  const bench = soundBench();
  if (bench === undefined || offersOf(bench).has("time")) return needs(...names);
  return { ...needs(...names), timeout: seconds * 1000 * bench.timeoutMultiplier };
}

export const test = base.extend<RigFixtures>({
  rig: [
    async ({ task, skip, onTestFinished }, use) => {
      markProgress(runContext().progressFile, task.id);
      const { bench, seed } = benchOfRun();
      const missing = missingAt(bench, task.meta.needs ?? []);
      if (missing.length > 0) skip(`The bench ${bench.name} does not offer ${missing.join(", ")}.`);
      const rig = await openRig(bench, seed);
      // Not at this fixture's own end, which does not come where another one fails at its end: the bench would stay taken.
      onTestFinished(async () => {
        try {
          await keepStory(task, rig);
        } finally {
          await rig.close();
        }
      });
      await use(rig);
    },
    // A test's needs hold whatever it takes of the bench.
    { auto: true },
  ],
  meter: async ({ rig }, use) => {
    const [meter] = rig.meters;
    if (meter === undefined) throw new InfrastructureFault(`The bench ${rig.name} has no meter.`);
    await stands(meter);
    await use(meter);
  },
  meters: async ({ rig }, use) => {
    for (const meter of rig.meters) await stands(meter);
    await use(rig.meters);
  },
  line: async ({ meter }, use) => use(meter.line),
  power: async ({ meter }, use) => use(offered(meter.power, "power")),
  headEnd: async ({ rig }, use) => use(rig.headEnd),
  dap: async ({ rig }, use) => use(offered(rig.dap, "dap")),
  clock: async ({ rig }, use) => use(rig.clock),
});

/** Meters that were not there for an earlier test: to wait for them again and again would stall the whole run. */
const absent = new Set<string>();

/** At set-up a board that does not answer is the bench's trouble; later on it is what a test has found. */
async function stands(meter: RigMeter): Promise<void> {
  if (absent.has(meter.id))
    throw new InfrastructureFault(
      `${meter.id} was not there for an earlier test, and is not waited for again.`,
    );
  try {
    await meter.ready();
  } catch (error) {
    absent.add(meter.id);
    if (error instanceof InfrastructureFault) throw error;
    throw new InfrastructureFault(`${meter.id} is not there at set-up. ${(error as Error).message}`);
  }
}

function missingAt(bench: Bench, wanted: readonly Need[]): readonly Need[] {
  const offers = offersOf(bench);
  return wanted.filter((need) => !offers.has(need));
}

function offered<Part>(part: Part | undefined, need: Need): Part {
  if (part === undefined)
    throw new InfrastructureFault(`This bench has no ${need}: let the test ask for it by needs("${need}").`);
  return part;
}

/** Undefined where its file is wrong: each of its tests says so. */
function soundBench(): Bench | undefined {
  try {
    return benchOfRun().bench;
  } catch {
    return undefined;
  }
}

/** The bench that this worker is for; its file is read once. */
function benchOfRun(): { readonly bench: Bench; readonly seed: number } {
  const { benchFile, seed } = runContext();
  if (!known.has(benchFile)) known.set(benchFile, readBench(benchFile));
  const bench = known.get(benchFile) as Bench;
  return { bench, seed: seed ?? bench.seed };
}

const known = new Map<string | undefined, Bench>();

function readBench(path: string | undefined): Bench {
  if (path === undefined) return emulatedBench(process.cwd());
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InfrastructureFault(`The bench file ${path} cannot be read (${code}): check its path.`);
  }
  const bench = readBenchFile(text, dirname(resolve(path)));
  if ("error" in bench) throw new InfrastructureFault(`The bench file ${path} is wrong. ${bench.error}`);
  return bench;
}
