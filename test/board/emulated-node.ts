// The board's Node as a program of this machine.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emulatorOf, type Machine } from "./machine.ts";

/**
 * Makes a shell script in `folder` that runs the board's Node at `node` under the emulator, and gives its path. What the
 * board starts as its own Node is the script too: the kernel of this machine knows no programs of that kind.
 */
export function emulatedNode(machine: Machine, node: string, folder: string): string {
  const program = join(folder, "emulated-node");
  const itself = join(folder, "itself.cjs");
  writeFileSync(itself, `process.execPath = ${JSON.stringify(program)};\n`);
  const words = [emulatorOf(machine), "-L", machine.libraries, node, "--require", itself];
  writeFileSync(program, `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(" ")} "$@"\n`);
  chmodSync(program, 0o755);
  return program;
}
