// Steps on a tree that come one after the other, and what is durable when they are done.
import type { FileTree } from "../../hal/ports/file-tree.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";

/** Takes the steps until one is not done, and says why not. */
export function inTurn(...steps: readonly (() => StorageResult)[]): StorageResult {
  for (const step of steps) {
    const result = step();
    if (result !== "done") return result;
  }
  return "done";
}

/**
 * Puts these bytes in a file's place: a cut leaves the old ones or the new ones. The file for the new bytes is a fresh one,
 * as nothing is known of one whose sync has failed before.
 */
export function replaceDurably(tree: FileTree, path: string, bytes: Uint8Array): StorageResult {
  const fresh = `${path}.new`;
  return inTurn(
    () => tree.removeAll(fresh),
    () => tree.write(fresh, bytes),
    () => tree.sync(fresh),
    () => tree.rename(fresh, path),
    () => tree.syncFolder(folderOf(path)),
  );
}

/** Where a path leads; "" is the root. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}
