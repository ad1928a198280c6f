import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { InfrastructureFault } from "../infrastructure.ts";
import type { PowerDriver, PoweredBoard, PowerSettings } from "../power.ts";
import { shown, startTrouble } from "./run-program.ts";

/** From source, on a busy machine, a meter's start takes some seconds. */
const READY_MS = 30_000;
/** What is kept of all that it prints: the last of it. */
const CONSOLE_CHARS_MAX = 262_144;
/** Waits for the end of its input, which comes with the end of whoever holds it, and then ends a group of processes. */
const GUARD = "cat >/dev/null; kill -9 -$0";

/**
 * A meter that is a program, such as `meterbench serve`, and whose supply is its life: on starts it and waits for the
 * first line that it prints; off ends it by SIGKILL, which gives it as much warning as a power cut. It never outlives
 * this process, however that ends.
 */
export class ProcessPower implements PowerDriver {
  readonly #words: readonly string[];
  readonly #board: PoweredBoard;
  #console = "";
  #child: ChildProcess | undefined;

  constructor({ start }: Extract<PowerSettings, { driver: "process" }>, board: PoweredBoard) {
    this.#words = start;
    this.#board = board;
  }

  async on(): Promise<void> {
    if (this.#child !== undefined) return;
    const [program = "", ...args] = this.#words;
    // A group of its own, so that what it starts itself, as npx does, ends with it.
    const child = spawn(program, args, {
      cwd: this.#board.folder,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#child = child;
    const guard = guardOf(child);
    child.once("close", () => {
      guard?.kill("SIGKILL");
      if (this.#child === child) this.#child = undefined;
    });
    try {
      await this.#untilReady(child, program);
    } catch (error) {
      endGroup(child);
      throw error;
    }
  }

  async off(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    endGroup(child);
    await closed;
  }

  console(): string {
    return this.#console;
  }

  close(): Promise<void> {
    return this.off();
  }

  #untilReady(child: ChildProcess, program: string): Promise<void> {
    const began = this.#console.length;
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(patience);
        reject(new InfrastructureFault(`${this.#board.meter} could not be started: ${why}.`));
      };
      const said = (): string => shown(this.#console.slice(began));
      const patience = setTimeout(
        () => fail(`${program} printed no line within ${READY_MS / 1000} s and said ${said()}`),
        READY_MS,
      );
      eachLine(child.stderr, (line) => this.#hear(line));
      eachLine(child.stdout, (line) => {
        this.#hear(line);
        clearTimeout(patience);
        resolve();
      });
      child.once("error", (error: NodeJS.ErrnoException) => {
        this.#child = undefined;
        fail(startTrouble(program, error));
      });
      child.once("close", (code, signal) =>
        fail(`${program} ended with ${code ?? signal} and said ${said()}`),
      );
    });
  }

  #hear(line: string): void {
    this.#console = `${this.#console}${line}\n`.slice(-CONSOLE_CHARS_MAX);
  }
}

/** Whoever ends the group where this process ends without a word, as in a crash; undefined where none was started. */
function guardOf({ pid }: ChildProcess): ChildProcess | undefined {
  if (pid === undefined) return undefined;
  const guard = spawn("sh", ["-c", GUARD, String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.once("error", () => {});
  guard.stdin.once("error", () => {});
  guard.once("close", () => guard.stdin.destroy());
  guard.unref();
  return guard;
}

function eachLine(stream: ChildProcess["stdout"], hear: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on("line", hear);
}

/** Harmless where it has ended. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
