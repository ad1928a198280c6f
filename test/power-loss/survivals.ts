// What a cut may leave of a disk, by name; and runs that end where the power does.
import { PowerCut, type Survival } from "../../hal/storage/disk-model.ts";

const SURVIVALS: readonly Survival[] = (
  ["none", "all", "torn", "zeros", "last-only", "torn-and-zeros"] as const
).flatMap((bytes) =>
  (["none", "first-half", "last-half", "all"] as const).map((folder) => ({ bytes, folder })),
);

/** A fresh disk has nothing pending: this copies it. */
export const NOTHING_PENDING: Survival = { bytes: "none", folder: "none" };

/** What a cut could take or damage. */
interface Unsynced {
  readonly bytes: boolean;
  readonly folderChanges: number;
}

/** Those that may leave another disk than a simpler one does: a quick test before the disks are compared. */
export function distinctSurvivals(unsynced: Unsynced): readonly Survival[] {
  return SURVIVALS.filter(({ bytes, folder }) => {
    if (bytes !== "none" && !unsynced.bytes) return false;
    if (folder === "none") return true;
    return folder === "all" ? unsynced.folderChanges > 0 : unsynced.folderChanges > 1;
  });
}

export function nameOf({ bytes, folder }: Survival): string {
  return `${bytes}+${folder}`;
}

export function survivalNamed(name: string | undefined): Survival {
  const found = SURVIVALS.find((survival) => nameOf(survival) === name);
  if (found === undefined) throw new Error(`no such survival: ${name}`);
  return found;
}

export function untilCut(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
}
