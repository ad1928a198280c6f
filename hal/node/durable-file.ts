import { randomBytes } from "node:crypto";
import {
  type BigIntStats,
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { makePrivateFolder } from "./private-file.ts";

/**
 * Replaces a file so that a cut leaves the old or the new one: write, sync, rename, sync the folder. A text may be made
 * of the new file's inode and birth, which no copy of it has.
 */
export function writeDurably(
  path: string,
  text: string | Uint8Array | ((stats: BigIntStats) => string),
  mode = 0o644,
): void {
  const folder = dirname(path);
  makePrivateFolder(folder);
  const temporary = `${path}.${randomBytes(4).toString("hex")}`;
  const file = openSync(temporary, "wx", mode);
  try {
    const content = typeof text === "function" ? text(fstatSync(file, { bigint: true })) : text;
    // All of it or an error: one write alone may end short on a disk that is getting full.
    writeFileSync(file, content);
    fsyncSync(file);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  syncFolder(folder);
}

/** Makes names in a folder durable: a file that is new there, or goes by another name. */
export function syncFolder(folder: string): void {
  // Windows opens no folders, and its file system makes their changes durable by itself.
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
