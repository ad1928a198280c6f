// All lives side by side, in as many processes as there are cores.
import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { UpdateTally } from "./enumerate.ts";
import { LIVES } from "./life.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

export async function enumerateSideBySide(): Promise<UpdateTally> {
  const processes = Math.min(availableParallelism(), LIVES.length);
  const shares = Array.from({ length: processes }, (_, i) => LIVES.filter((__, at) => at % processes === i));
  const tallies = await Promise.all(shares.map(inProcess));
  const total = (figure: Exclude<keyof UpdateTally, "failures">): number =>
    tallies.reduce((sum, tally) => sum + tally[figure], 0);
  return {
    ...{ operations: total("operations"), cases: total("cases"), bricked: total("bricked") },
    ...{ unconfirmed: total("unconfirmed"), downgraded: total("downgraded"), lost: total("lost") },
    failures: tallies.flatMap(({ failures }) => failures),
  };
}

async function inProcess(lives: readonly string[]): Promise<UpdateTally> {
  const words = ["--import", "tsx", MAIN, "update-lives", ...lives];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return JSON.parse(stdout);
}
