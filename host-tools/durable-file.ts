import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { makePrivateFolder } from "../hal/node/private-file.ts";

/** Replaces a file so that a cut leaves the old or the new one: write, sync, rename, sync the folder. */
export function writeDurably(path: string, text: string, mode = 0o644): void {
  const folder = dirname(path);
  makePrivateFolder(folder);
  const temporary = `${path}.${randomBytes(4).toString("hex")}`;
  const file = openSync(temporary, "wx", mode);
  try {
    writeSync(file, text);
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
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
