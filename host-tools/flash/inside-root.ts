// Reading in a mounted tree as the board itself would see it: its links are its own, and lead nowhere out of it.
import { closeSync, fstatSync, lstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";
import type { ElfSource } from "../image/elf.ts";

/** As Linux follows at most (MAXSYMLINKS). */
const LINKS_MAX = 40;

/** Where `path` of the board is here; undefined where it is not. An absolute link begins at the tree's root again. */
export function insideRoot(root: string, path: string): string | undefined {
  const ahead = path.split("/").reverse();
  const done: string[] = [];
  for (let links = 0; ahead.length > 0; ) {
    const segment = ahead.pop() as string;
    if (segment === "" || segment === ".") continue;
    // Above its root a tree has nothing: the root itself stands there.
    if (segment === "..") {
      done.pop();
      continue;
    }
    const here = join(root, ...done, segment);
    const stats = lstatSync(here, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (!stats.isSymbolicLink()) {
      done.push(segment);
      continue;
    }
    if (++links > LINKS_MAX) return undefined;
    const target = readlinkSync(here);
    if (target.startsWith("/")) done.length = 0;
    ahead.push(...target.split("/").reverse());
  }
  return join(root, ...done);
}

/** What `work` makes of a file of the board, undefined where there is none that can be read. */
export function withFile<Result>(
  root: string,
  path: string,
  work: (source: ElfSource) => Result,
): Result | undefined {
  const here = insideRoot(root, path);
  const stats = here === undefined ? undefined : lstatSync(here, { throwIfNoEntry: false });
  // A pipe or a device of that name would hold us up.
  if (here === undefined || !stats?.isFile()) return undefined;
  let file: number;
  try {
    file = openSync(here, "r");
  } catch {
    return undefined;
  }
  try {
    return work({ bytes: fstatSync(file).size, read: (offset, length) => readAt(file, offset, length) });
  } finally {
    closeSync(file);
  }
}

function readAt(file: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
}
