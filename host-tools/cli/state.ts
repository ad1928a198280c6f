// `--state DIR`: where served meters keep what they have measured.
import { join } from "node:path";
import type { MeterState } from "../../firmware/meter-state.ts";
import { type FileStorage, openFileStorage } from "../../hal/node/file-storage.ts";
import type { StorageFault } from "../../hal/ports/storage.ts";
import { printable } from "./output.ts";

/** A folder of its own for each meter; none where no state is kept. */
export async function openStates(folder: string | undefined, ids: readonly string[]): Promise<FileStorage[]> {
  const storages: FileStorage[] = [];
  if (folder === undefined) return storages;
  try {
    for (const id of ids) storages.push(await openFileStorage(join(folder, id)));
  } catch (error) {
    for (const storage of storages) storage.close();
    throw error;
  }
  return storages;
}

/** Tells of a state that is not as it was left. */
export function tellRecovery(id: string, { recovery, condition }: MeterState): void {
  const { damage } = recovery;
  if (damage.length > 0)
    warn(`The state of ${id} is damaged: some of what it had measured and told may be gone.`);
  if (condition !== "done") tellFault(id, condition);
}

/** Tells that from now on nothing is kept. */
export function tellFault(id: string, fault: StorageFault, { aside }: Aside = DIRECT): void {
  const why = { full: "the disk is full", "read-only": "it may not be written", broken: "the disk fails" }[
    fault
  ];
  const sentence = `The state of ${id} cannot be kept (${why}): it measures on and gives no readings; mend that and start it anew.`;
  aside(() => warn(sentence));
}

/** How a sentence gets onto a terminal that somebody else draws on. */
export interface Aside {
  aside(tell: () => void): void;
}

const DIRECT: Aside = { aside: (tell) => tell() };

function warn(sentence: string): void {
  process.stderr.write(`${printable(sentence)}\n`);
}
