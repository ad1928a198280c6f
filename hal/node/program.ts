// What a program on a board needs of Node beside its ports: paths, its command line, files that it only reads.
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";

export { join, resolve } from "node:path";
export { parseArgs } from "node:util";

/** All of these throw what Node does where there is no such file, or none for this program. */
export function readText(path: string): string {
  return readFileSync(path, "utf8");
}

export function readBytes(path: string): Uint8Array {
  return readFileSync(path);
}

export function sizeOf(path: string): number {
  return statSync(path).size;
}

export function namesIn(folder: string): string[] {
  return readdirSync(folder);
}

export function isThere(path: string): boolean {
  return existsSync(path);
}

/** A file, or a folder with all that is in it; nothing where there is nothing. */
export function removeAll(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** The path without links on the way. */
export function realPath(path: string): string {
  return realpathSync(path);
}

/** Runs a module in this process, with these words as its command line. */
export async function runModule(path: string, words: readonly string[]): Promise<void> {
  process.argv = [process.execPath, path, ...words];
  await import(pathToFileURL(path).href);
}
