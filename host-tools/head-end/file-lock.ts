// One process at a time changes a file; the others wait, for a bounded while.
import { mkdirSync, rmdirSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { makePrivateFolder } from "../../hal/node/private-file.ts";
import { RegistryError } from "./errors.ts";

/** A change is a read and a synced write: some milliseconds, and seconds on a worn SD card. */
const STALE_MS = 10_000;
/** Longer than a lock takes to go stale, so that one left by a killed process is outlived. */
const PATIENCE_MS = 15_000;
/** Between two tries; drawn, so that those who wait do not keep step. */
const PAUSE_MS = { least: 2, most: 10 } as const;

/**
 * Runs `work` while no other process runs any under the same path's lock, which is the folder
 * `PATH.lock`: making a folder either succeeds or finds one there. Blocks meanwhile. Throws
 * {@link RegistryError} where the lock cannot be had.
 */
export function withFileLock<Result>(path: string, work: () => Result): Result {
  const lock = `${path}.lock`;
  acquire(path, lock);
  try {
    return work();
  } finally {
    removeFolder(lock);
  }
}

function acquire(path: string, lock: string): void {
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  while (!makeFolder(path, lock)) {
    if (performance.now() > giveUpAtMs)
      throw new RegistryError(
        `The registry ${path} is being changed by another process: try again, or remove ${lock}* if there is none.`,
      );
    removeIfStale(path, lock);
    pause(PAUSE_MS.least + Math.random() * (PAUSE_MS.most - PAUSE_MS.least));
  }
}

/** False where it was there already; `path` is the file that it is for. */
function makeFolder(path: string, folder: string): boolean {
  try {
    makePrivateFolder(dirname(folder));
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    throw new RegistryError(
      `The registry ${path} cannot be changed (${code}): check its folder's owner and rights.`,
    );
  }
}

/** Whoever removes a lock holds the right to that first: else one could remove its successor's lock. */
function removeIfStale(path: string, lock: string): void {
  if (!isStale(lock)) return;
  const right = `${lock}.removal`;
  if (!makeFolder(path, right)) return;
  try {
    if (isStale(lock)) removeFolder(lock);
  } finally {
    removeFolder(right);
  }
}

function isStale(lock: string): boolean {
  const stats: Stats | undefined = statSync(lock, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > STALE_MS;
}

/** Harmless where it is gone. */
function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
