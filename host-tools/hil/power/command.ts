import type { PowerDriver, PowerPlace } from "./power.ts";
import { runProgram } from "./run-program.ts";
import type { PowerSettings } from "./settings.ts";

/** A supply that two commands of the lab's own switch: an outlet on the network, a relay card, a programmable source. */
export class CommandPower implements PowerDriver {
  readonly name: string;
  readonly #settings: Extract<PowerSettings, { driver: "command" }>;
  readonly #place: PowerPlace;

  constructor(settings: Extract<PowerSettings, { driver: "command" }>, place: PowerPlace) {
    this.name = `the commands for ${place.meter}'s supply`;
    this.#settings = settings;
    this.#place = place;
  }

  off(): Promise<void> {
    return this.#run("off");
  }

  on(): Promise<void> {
    return this.#run("on");
  }

  async close(): Promise<void> {}

  async #run(to: "on" | "off"): Promise<void> {
    const { meter, folder } = this.#place;
    const output = await runProgram(this.#settings[to], {
      what: `${meter}'s supply could not be switched ${to}`,
      folder,
    });
    for (const line of output.split("\n").filter((text) => text !== "")) this.#place.onLine(line);
  }
}
