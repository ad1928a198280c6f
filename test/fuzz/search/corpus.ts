// Inputs worth keeping: one file for each door, one input in hex on each line.
import { readFileSync, writeFileSync } from "node:fs";
import { fromHex, toHex } from "../../../firmware/protocol/bytes.ts";

function pathOf(door: string): URL {
  return new URL(`../corpus/${door}.hex`, import.meta.url);
}

/** The inputs kept for a door, in the order of the file; none where there is no file. */
export function readCorpus(door: string): Uint8Array[] {
  let text: string;
  try {
    text = readFileSync(pathOf(door), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line, i) => fromHex(line.trim()) ?? notHex(`${door}.hex`, i + 1));
}

function notHex(file: string, line: number): never {
  throw new Error(`test/fuzz/corpus/${file} has no hex on line ${line}: take the line out.`);
}

/** Adds inputs that the file has not yet. */
export function addToCorpus(door: string, inputs: readonly Uint8Array[]): void {
  const all = new Set([...readCorpus(door), ...inputs].map(toHex));
  writeFileSync(pathOf(door), [...all].map((line) => `${line}\n`).join(""));
}
