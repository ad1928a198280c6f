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
  makePrivateFolder(dirname(path));
  const temporary = `${path}.${randomBytes(4).toString("hex")}`;
  replaceWith(temporary, path, mode, (file) =>
    typeof text === "function" ? text(fstatSync(file, { bigint: true })) : text,
  );
}

/** Puts a new file at `temporary`, where nothing may be, into the place of the one at `path`; `contentOf` gets it open. */
export function replaceWith(
  temporary: string,
  path: string,
  mode: number,
  contentOf: (file: number) => string | Uint8Array,
): void {
  const file = openSync(temporary, "wx", mode);
  try {
    // All of it or an error: one write alone may end short on a disk that is getting full.
    writeFileSync(file, contentOf(file));
    fsyncSync(file);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  syncFolder(dirname(path));
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
