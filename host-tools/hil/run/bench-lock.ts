// One run at a time has a bench.
import { realpathSync } from "node:fs";
import { holdExclusively } from "../../../hal/node/exclusive.ts";
import { InfrastructureFault } from "../infrastructure.ts";

/**
 * Takes the bench of a file, by whatever name that is called, for this process, and gives what gives it back; the end of the
 * process does so too. Rejects with an {@link InfrastructureFault} where another run has it. Elsewhere than on Linux only
 * the bench's own lines tell (`hal/node/exclusive.ts`).
 */
export async function lockBench(file: string, name: string): Promise<() => void> {
  const release = await holdExclusively(`bench ${realpathSync(file)}`);
  if (release === undefined)
    throw new InfrastructureFault(`The bench ${name} is in use by another run of tests: wait for its end.`);
  return release;
}
