// The drivers of a bench's supplies, by the names that bench files give them.
import type { OpenPowerDriver } from "../power.ts";
import { CommandPower } from "./command.ts";
import { ManualPower } from "./manual.ts";
import { ProcessPower } from "./process.ts";
import { HubPower } from "./uhubctl.ts";

/** Nothing is switched yet. */
export const openPowerDriver: OpenPowerDriver = async (settings, board) => {
  switch (settings.driver) {
    case "uhubctl":
      return new HubPower(settings, board);
    case "command":
      return new CommandPower(settings, board);
    case "manual":
      return new ManualPower(board.meter);
    case "process":
      return new ProcessPower(settings, board);
  }
};
