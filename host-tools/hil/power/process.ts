import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { InfrastructureFault } from "../infrastructure.ts";
import type { PowerDriver, PowerPlace } from "./power.ts";
import { shown, startTrouble } from "./run-program.ts";
import type { PowerSettings } from "./settings.ts";

/** From source, on a busy machine, a meter's start takes some seconds. */
const READY_MS = 30_000;
/** What it said before it was ready, shown where it never was. */
const LINES_MAX = 20;

/**
 * A meter that is a program, such as `meterbench serve`, and whose supply is its life: on starts it and waits for the
 * first line that it prints; off ends it by SIGKILL, which gives it as much warning as a power cut.
 */
export class ProcessPower implements PowerDriver {
  readonly name: string;
  readonly #words: readonly string[];
  readonly #place: PowerPlace;
  #child: ChildProcess | undefined;

  constructor({ start }: Extract<PowerSettings, { driver: "process" }>, place: PowerPlace) {
    this.name = `the process of ${place.meter}`;
    this.#words = start;
    this.#place = place;
  }

  async on(): Promise<void> {
    if (this.#child !== undefined) return;
    const [program = "", ...args] = this.#words;
    // A group of its own, so that what it starts itself, as npx does, ends with it.
    const child = spawn(program, args, {
      cwd: this.#place.folder,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#child = child;
    const endWithThis = (): void => endGroup(child);
    process.once("exit", endWithThis);
    child.once("close", () => {
      process.off("exit", endWithThis);
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

  close(): Promise<void> {
    return this.off();
  }

  #untilReady(child: ChildProcess, program: string): Promise<void> {
    const lines: string[] = [];
    const { meter } = this.#place;
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(guard);
        reject(new InfrastructureFault(`${meter} could not be started: ${why}.`));
      };
      const guard = setTimeout(
        () =>
          fail(`${program} printed no line within ${READY_MS / 1000} s; it said ${shown(lines.join(" "))}`),
        READY_MS,
      );
      const hear = (line: string): void => {
        if (lines.length < LINES_MAX) lines.push(line);
        this.#place.onLine(line);
      };
      eachLine(child.stderr, hear);
      eachLine(child.stdout, (line) => {
        hear(line);
        clearTimeout(guard);
        resolve();
      });
      child.once("error", (error: NodeJS.ErrnoException) => {
        this.#child = undefined;
        fail(startTrouble(program, error));
      });
      child.once("close", (code, signal) =>
        fail(`${program} ended with ${code ?? signal} and said ${shown(lines.join(" "))}`),
      );
    });
  }
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
