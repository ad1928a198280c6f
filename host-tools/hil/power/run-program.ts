// One program, run to its end, with a bound on its time and on what it prints.
import { spawn } from "node:child_process";
import { InfrastructureFault } from "../infrastructure.ts";

/** A hub answers at once, an outlet over the network within some seconds. */
const PATIENCE_MS = 30_000;
/** Of what it prints so much is read, and so much of that shown. */
const OUTPUT_CHARS_MAX = 65_536;
const SHOWN_CHARS_MAX = 300;

/**
 * Runs the words as a program, without a shell, and gives what it printed. Rejects with an {@link InfrastructureFault}
 * that begins with `what`, where it cannot be started, does not end, or ends with another code than 0.
 */
export function runProgram(
  words: readonly string[],
  { what, folder, patienceMs = PATIENCE_MS }: { what: string; folder: string; patienceMs?: number },
): Promise<string> {
  const [program = "", ...args] = words;
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new InfrastructureFault(`${what}: ${why}.`));
    const child = spawn(program, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    const guard = setTimeout(() => {
      child.kill("SIGKILL");
      fail(`${program} did not end within ${patienceMs / 1000} s`);
    }, patienceMs);
    let output = "";
    const read = (data: Buffer): void => {
      if (output.length < OUTPUT_CHARS_MAX) output += data.toString();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(guard);
      fail(startTrouble(program, error));
    });
    child.once("close", (code, signal) => {
      clearTimeout(guard);
      if (code === 0) resolve(output);
      else fail(`${program} ended with ${code ?? signal} and said ${shown(output)}`);
    });
  });
}

/** Why a program cannot be started, as the end of a sentence. */
export function startTrouble(program: string, { code }: NodeJS.ErrnoException): string {
  if (code === "ENOENT") return `there is no program ${program} here: install it, or give its whole path`;
  return `${program} cannot be started (${code}): check its rights`;
}

/** The end of what a program said, on one line. */
export function shown(output: string): string {
  const line = output.trim().replace(/\s+/g, " ");
  return line === "" ? "nothing" : `"${line.slice(-SHOWN_CHARS_MAX)}"`;
}
