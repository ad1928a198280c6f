import { closeSync, openSync, writeSync } from "node:fs";
import type { CaptureSink } from "./capture.ts";

/**
 * A capture file at `path`, in place of any that was there, readable by its owner only. Blocks are handed to
 * the operating system one by one, so that the end of this process, however it comes, loses none. The first
 * that cannot be written (a full disk, a reader of a pipe that left) ends the file: `onEnd` is told why,
 * once, as the end of a sentence, and the lines go on. An error instead of a sink: as the end of a sentence
 * too.
 */
export function openCaptureFile(
  path: string,
  onEnd: (why: string) => void,
): CaptureSink | { readonly error: string } {
  let file: number | undefined;
  try {
    file = openSync(path, "w", 0o600);
  } catch (error) {
    return { error: reason(error) };
  }
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  const write = (block: Uint8Array): void => {
    if (file === undefined) return;
    try {
      writeWhole(file, block);
    } catch (error) {
      close();
      onEnd(reason(error));
    }
  };
  return { write, close };
}

/** The system may take less than it is given. */
function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "its folder does not exist"],
  ["EACCES", "you may not write there"],
  ["EPERM", "you may not write there"],
  ["EISDIR", "it is a folder"],
  ["ENOSPC", "the disk is full"],
  ["EPIPE", "its reader has left"],
]);

function reason(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS.get(code) ?? message;
}
