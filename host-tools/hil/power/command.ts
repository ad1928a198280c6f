import type { PowerDriver, PoweredBoard, PowerSettings } from "../power.ts";
import { runProgram } from "./run-program.ts";

type Commands = Extract<PowerSettings, { driver: "command" }>;

/** A supply that two commands of the lab's own switch: an outlet on the network, a relay card, a programmable source. */
export class CommandPower implements PowerDriver {
  readonly #commands: Commands;
  readonly #board: PoweredBoard;
  #said = "";

  constructor(commands: Commands, board: PoweredBoard) {
    this.#commands = commands;
    this.#board = board;
  }

  off(): Promise<void> {
    return this.#run("off");
  }

  on(): Promise<void> {
    return this.#run("on");
  }

  console(): string {
    return this.#said;
  }

  async close(): Promise<void> {}

  /** By the shell, as people write such commands with quotes and pipes. */
  async #run(to: "on" | "off"): Promise<void> {
    const { meter, folder } = this.#board;
    const what = `${meter}'s supply could not be switched ${to}`;
    this.#said += await runProgram(["sh", "-c", this.#commands[to]], { what, folder });
  }
}
