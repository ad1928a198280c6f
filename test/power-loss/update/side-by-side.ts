// All lives side by side, each in a process of its own: the cores that there are do the work.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { UpdateTally } from "./enumerate.ts";
import { LIVES } from "./life.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

export async function enumerateSideBySide(): Promise<UpdateTally> {
  const tallies = await Promise.all(LIVES.map(inProcess));
  const total = (figure: Exclude<keyof UpdateTally, "failures">): number =>
    tallies.reduce((sum, tally) => sum + tally[figure], 0);
  return {
    ...{ operations: total("operations"), cases: total("cases"), bricked: total("bricked") },
    ...{ unconfirmed: total("unconfirmed"), downgraded: total("downgraded"), lost: total("lost") },
    failures: tallies.flatMap(({ failures }) => failures),
  };
}

async function inProcess(life: string): Promise<UpdateTally> {
  const words = ["--import", "tsx", MAIN, "update-life", life];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return JSON.parse(stdout);
}
