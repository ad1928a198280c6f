// A device's keys in two files: the one that it was started with, and the next one beside it.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { KeyStore } from "../ports/key-store.ts";
import type { StorageResult } from "../ports/storage.ts";
import { readPrivateFile } from "./private-file.ts";

/** For the owner alone. */
const FILE_MODE = 0o600;
/** Faults by the system's error codes; any other is a disk that fails. */
const FAULTS: Readonly<Record<string, StorageResult>> = {
  ...{ ENOSPC: "full", EDQUOT: "full" },
  ...{ EROFS: "read-only", EACCES: "read-only", EPERM: "read-only" },
};

/** The key in the file `path`, and the next one in `path.next`. One process at a time may change them. */
export function keyFiles(path: string): KeyStore {
  const next = `${path}.next`;
  return {
    read: (place) => readKey(place === "current" ? path : next),
    keepNext: (key) => orFault(() => replaceFile(next, key)),
    promote: () => orFault(() => existsSync(next) && renameDurably(next, path)),
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
    writeSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameDurably(aside, path);
}

function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  const folder = openSync(dirname(to), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function orFault(change: () => unknown): StorageResult {
  try {
    change();
    return "done";
  } catch (error) {
    return FAULTS[(error as NodeJS.ErrnoException).code ?? ""] ?? "broken";
  }
}
