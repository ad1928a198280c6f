// Whose the files of a board are.
import { statSync } from "node:fs";
import { attempt } from "../../hal/node/file-storage.ts";
import { placesBelow } from "./board-places.ts";

/** What root writes into the data folder, the meter's own user could not read: there root works as that user. */
export function becomeOwnerOf(root: string): void {
  if (process.getuid?.() !== 0) return;
  const owner = attempt(() => statSync(placesBelow(root).data));
  if (owner === undefined || owner.uid === 0) return;
  process.setgroups?.([owner.gid]);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
}
