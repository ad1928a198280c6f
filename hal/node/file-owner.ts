import { statSync } from "node:fs";
import { attempt } from "./file-storage.ts";

/** What root writes into a folder, the folder's owner could not read: root works as that user from now on. */
export function becomeOwnerOf(folder: string): void {
  if (process.getuid?.() !== 0) return;
  const owner = attempt(() => statSync(folder));
  if (owner === undefined || owner.uid === 0) return;
  process.setgroups?.([owner.gid]);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
}
