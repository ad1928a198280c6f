import { accessSync, chmodSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { makePty } from "../../hal/node/pty.ts";
import type { PtyHelper } from "../../hal/node/pty-helper.ts";
import { openSerialUart } from "../../hal/node/serial-uart.ts";
import type { Uart, UartSettings } from "../../hal/ports/uart.ts";

export const PTY_SETTINGS: UartSettings = { baud: 115_200, dataBits: 8, parity: "none", stopBits: 1 };

/** Where a program is on PATH, or undefined. */
export function programPath(name: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** The helpers for PTYs that are installed here; tests that need one are skipped where there is none. */
export const INSTALLED_HELPERS = (["socat", "python3"] as const).filter(programPath);

/** A folder of the test's own. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "meterbench-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A PTY and a serial port at its far end. */
export interface PtyPair {
  readonly path: string;
  readonly served: Uart;
  readonly reached: Uart;
  /** Process ids of all helpers started so far, the present one last. */
  helperPids(): readonly number[];
  close(): void;
}

/** Makes the pair through `helper`, whose process ids are noted as it starts. */
export async function ptyPair(helper: PtyHelper): Promise<PtyPair> {
  const folder = temporaryFolder();
  const helperPids = notePids(folder.path, helper);
  const path = join(folder.path, "line");
  const served = await makePty(path, PTY_SETTINGS, [helper]);
  const reached = await openSerialUart(path, PTY_SETTINGS);
  const close = () => {
    reached.close();
    served.close();
    restorePath();
    folder.remove();
  };
  return { path, served, reached, helperPids, close };
}

const originalPath = process.env["PATH"];

function restorePath(): void {
  process.env["PATH"] = originalPath;
}

/** Puts a program before `name` on PATH that notes its process id and becomes the real one. */
function notePids(folder: string, name: string): () => readonly number[] {
  const notes = join(folder, "pids");
  const wrapper = join(folder, name);
  writeFileSync(notes, "");
  writeFileSync(wrapper, `#!/bin/sh\necho $$ >> '${notes}'\nexec '${programPath(name)}' "$@"\n`);
  chmodSync(wrapper, 0o755);
  process.env["PATH"] = `${folder}${delimiter}${originalPath}`;
  return () => readFileSync(notes, "utf8").trim().split("\n").map(Number);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
