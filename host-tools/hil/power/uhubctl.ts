import { InfrastructureFault } from "../infrastructure.ts";
import type { PowerDriver, PoweredBoard, PowerSettings } from "../power.ts";
import { runProgram, shown } from "./run-program.ts";

type HubSettings = Extract<PowerSettings, { driver: "uhubctl" }>;

/**
 * A port of a USB hub, by the program uhubctl. Many hubs say that they switched a port and leave its 5 V on, so what the
 * hub tells of the port afterwards is looked at too; that the board has no other supply is for whoever wired it.
 */
export class HubPower implements PowerDriver {
  readonly #settings: HubSettings;
  readonly #board: PoweredBoard;

  constructor(settings: HubSettings, board: PoweredBoard) {
    this.#settings = settings;
    this.#board = board;
  }

  off(): Promise<void> {
    return this.#switch("off");
  }

  on(): Promise<void> {
    return this.#switch("on");
  }

  async close(): Promise<void> {}

  async #switch(to: "on" | "off"): Promise<void> {
    const { hub, port } = this.#settings;
    const what = `${this.#board.meter}'s supply, port ${port} of hub ${hub}, could not be switched ${to}`;
    const words = ["uhubctl", "-l", hub, "-p", String(port), "-a", to];
    const output = await runProgram(words, { what, folder: this.#board.folder });
    const states = statesAfter(output, port);
    if (states.length === 0)
      throw new InfrastructureFault(
        `${what}: uhubctl tells no state of it and said ${shown(output)}: look at the hubs by uhubctl.`,
      );
    if (states.some((state) => state !== to))
      throw new InfrastructureFault(
        `${what}: the hub says that it is ${to === "off" ? "on" : "off"} still; most hubs cannot switch their ports: see uhubctl's list of those that can.`,
      );
  }
}

/** What the port is by the status after the switching; a hub of USB 3 tells it twice, once for each of its halves. */
function statesAfter(output: string, port: number): ("on" | "off")[] {
  const [, ...after] = output.split(/^New status for hub/m);
  return after.flatMap((section) => {
    const [, status] = new RegExp(`^\\s*Port ${port}: [0-9a-f]{4}(.*)$`, "m").exec(section) ?? [];
    return status === undefined ? [] : [/\bpower\b/.test(status) ? "on" : "off"];
  });
}
