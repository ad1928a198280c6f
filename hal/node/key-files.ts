// A device's keys in two files: the one that it was started with, and the next one beside it.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { KeyStore } from "../ports/key-store.ts";
import { syncFolder } from "./durable-file.ts";
import { readPrivateFile } from "./private-file.ts";
import { storageResult } from "./storage-result.ts";

/** For the owner alone. */
const FILE_MODE = 0o600;

/** The key in the file `path`, and the next one in `path.next`. One process at a time may change them. */
export function keyFiles(path: string): KeyStore {
  const next = `${path}.next`;
  return {
    read: (place) => readKey(place === "current" ? path : next),
    keepNext: (key) => storageResult(() => replaceFile(next, key)),
    promote: () => storageResult(() => existsSync(next) && renameDurably(next, path)),
  };
}

function readKey(path: string): Uint8Array | undefined {
  if (!existsSync(path)) return undefined;
  const file = readPrivateFile(path);
  return "exposure" in file ? undefined : new TextEncoder().encode(file.text);
}

/** Written aside first: a cut leaves the file as it was, or as it is to be. */
function replaceFile(path: string, bytes: Uint8Array): void {
  const aside = `${path}.new`;
  // One that a cut has left.
  rmSync(aside, { force: true });
  const file = openSync(aside, "wx", FILE_MODE);
  try {
    // All of it or an error: one write alone may end short on a disk that is getting full.
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameDurably(aside, path);
}

function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
}
