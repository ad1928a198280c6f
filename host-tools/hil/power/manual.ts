import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { InfrastructureFault } from "../infrastructure.ts";
import type { PowerDriver } from "../power.ts";

/** The terminal that this process belongs to, whatever its own input and output lead to. */
const TERMINAL = "/dev/tty";

/** A person who switches the supply, asked on the terminal; Enter says that it is done, q that it cannot be. */
export class ManualPower implements PowerDriver {
  readonly #meter: string;
  readonly #terminal: string;

  constructor(meter: string, terminal = TERMINAL) {
    this.#meter = meter;
    this.#terminal = terminal;
  }

  async off(): Promise<void> {
    this.#ask("off");
  }

  async on(): Promise<void> {
    this.#ask("on");
  }

  async close(): Promise<void> {}

  /** Waits as long as it takes, and holds all else up meanwhile: nothing on this bench goes on without the person. */
  #ask(to: "on" | "off"): void {
    const terminal = this.#open(to);
    try {
      writeSync(terminal, `\nSwitch ${this.#meter} ${to.toUpperCase()} and press Enter (q gives up): `);
      if (/^q/i.test(readLine(terminal)))
        throw new InfrastructureFault(
          `${this.#meter}'s supply was not switched ${to}: who was asked gave up.`,
        );
    } finally {
      closeSync(terminal);
    }
  }

  #open(to: "on" | "off"): number {
    try {
      return openSync(this.#terminal, "r+");
    } catch {
      throw new InfrastructureFault(
        `${this.#meter}'s supply could not be switched ${to}: nobody can be asked, as there is no terminal: run it on one, or give the bench another power driver.`,
      );
    }
  }
}

const LINE_BYTES_MAX = 256;

/** The next line; the end of the terminal is a `q`. */
function readLine(terminal: number): string {
  const line = Buffer.alloc(LINE_BYTES_MAX);
  const bytes = readSync(terminal, line, 0, LINE_BYTES_MAX, null);
  return bytes === 0 ? "q" : line.toString("utf8", 0, bytes);
}
