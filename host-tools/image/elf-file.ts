import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type ElfFacts, readElf } from "./elf.ts";

/** The facts of the ELF file at `path`, or what is wrong with it, as the end of a sentence. It is not read as a whole. */
export function readElfFile(path: string): ElfFacts | { readonly error: string } {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    return { error: `cannot be read (${(error as NodeJS.ErrnoException).code})` };
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return { error: "is no file" };
    return readElf({
      bytes: stats.size,
      read: (offset, length) => {
        const bytes = new Uint8Array(length);
        return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
      },
    });
  } finally {
    closeSync(file);
  }
}
