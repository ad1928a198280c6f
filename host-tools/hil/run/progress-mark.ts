// Which test a worker is in, as it says itself: what vitest tells of it waits for a turn that such a test may never give back.
import { readFileSync, writeFileSync } from "node:fs";

export interface ProgressMark {
  /** The test's, as vitest numbers it. */
  readonly id: string;
  readonly sinceMs: number;
}

export function markProgress(path: string | undefined, id: string): void {
  if (path === undefined) return;
  const mark: ProgressMark = { id, sinceMs: Date.now() };
  writeFileSync(path, JSON.stringify(mark), { mode: 0o600 });
}

/** Undefined before the first test, and while one is being written. */
export function progressMark(path: string): ProgressMark | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
