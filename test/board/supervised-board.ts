import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type Running, start } from "../support/command.ts";

/** A board's loader as a process that is started again whenever it ends, as a supervisor on a board does. */
export class SupervisedBoard {
  readonly #node: string;
  readonly #args: readonly string[];
  #running: Running | undefined;
  #isGivenUp = false;
  /** Why it did not come back; whoever waits for it sees this first. */
  #fault: Error | undefined;
  /** Done once, while nothing runs: what somebody does to a board that is off. */
  beforeNextStart: (() => void) | undefined;
  /** From the start of the process to the meter's word that it serves, for each start. */
  readonly secondsToReady: number[] = [];

  private constructor(node: string, args: readonly string[]) {
    this.#node = node;
    this.#args = args;
  }

  static async start(node: string, args: readonly string[]): Promise<SupervisedBoard> {
    const board = new SupervisedBoard(node, args);
    await board.#start();
    return board;
  }

  /** Of the emulator with all that it runs. */
  get residentMegabytes(): number {
    const status = readFileSync(`/proc/${this.#running?.child.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }

  get starts(): number {
    return this.secondsToReady.length;
  }

  /** Throws what went wrong at a later start. */
  check(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Ends it for good. */
  async giveUp(): Promise<void> {
    this.#isGivenUp = true;
    await this.#running?.kill();
  }

  async #start(): Promise<void> {
    const begun = performance.now();
    this.#running = await start(this.#node, this.#args);
    this.secondsToReady.push((performance.now() - begun) / 1000);
    const { child, output } = this.#running;
    void once(child, "close")
      .then(async () => {
        if (this.#isGivenUp) return;
        this.beforeNextStart?.();
        this.beforeNextStart = undefined;
        await this.#start();
      })
      .catch((error: unknown) => {
        this.#fault = new Error(`the board did not come back: ${(error as Error).message}\n${output.stderr}`);
      });
  }
}
