// What switches the supply of a meter on a bench.
import { CommandPower } from "./command.ts";
import { ManualPower } from "./manual.ts";
import { ProcessPower } from "./process.ts";
import type { PowerSettings } from "./settings.ts";
import { HubPower } from "./uhubctl.ts";

/**
 * A supply that can be switched. Each method comes back once it is done and rejects with an `InfrastructureFault` where
 * that is not certain: a supply that is taken for cut and is not would make every test after it a lie.
 */
export interface PowerDriver {
  /** How people call it, such as `port 2 of hub 1-1`. */
  readonly name: string;
  off(): Promise<void>;
  on(): Promise<void>;
  /** Gives up what it holds. A meter that is a process ends; any other keeps the supply that it has. */
  close(): Promise<void>;
}

export interface PowerPlace {
  /** The meter's name, as people know it. */
  readonly meter: string;
  /** Folder of the bench file, in which commands run. */
  readonly folder: string;
  /** What a started program prints, a line each. */
  onLine(line: string): void;
}

/** The driver that a bench file names. Nothing is switched yet. */
export function powerDriver(settings: PowerSettings, place: PowerPlace): PowerDriver {
  switch (settings.driver) {
    case "uhubctl":
      return new HubPower(settings, place);
    case "command":
      return new CommandPower(settings, place);
    case "manual":
      return new ManualPower(place);
    case "process":
      return new ProcessPower(settings, place);
  }
}
