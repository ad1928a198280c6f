// What a board does that has nothing to start, or is asked to wait: it stays up and tells why, with a console where it has
// a line for one. Never a loop of starts that crash.
import { formatAddress, openLink, parseAddress } from "../../hal/node/address.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import { systemdSupervisor } from "../../hal/node/systemd.ts";
import type { TrustProfile } from "../identity/trust.ts";
import type { BoardSlots } from "../update/board-slots.ts";
import { RecoveryConsole } from "../update/recovery-console.ts";
import type { SlotsReport } from "../update/slots-report.ts";
import { EXIT } from "./board-fault.ts";
import { openSlots } from "./open-slots.ts";

export interface RecoveryOptions {
  readonly root: string;
  readonly profile: TrustProfile;
  /** The line of the console, as an address; undefined where the board has none. */
  readonly line: string | undefined;
  /** As the end of a sentence. */
  readonly why: string;
  /** True for as long as somebody wants the console of a board that could start. */
  readonly isAsked: () => boolean;
}

/** How often it is looked whether an image came by another way: a flasher over ssh, a card put back. */
const LOOK_EVERY_MS = 5000;

/** Stays until there is an image to start, and ends the process with {@link EXIT.again} then. */
export async function openRecovery({ root, profile, line, why, isAsked }: RecoveryOptions): Promise<void> {
  const slots = openSlots(root, profile, "at rest");
  const supervisor = systemdSupervisor();
  const again = (): never => process.exit(EXIT.again);
  const where =
    line === undefined ? "no line in meter.conf for a console" : await openConsole(line, slots, again);
  const status = `Recovery, as ${why}; ${where}.`;
  process.stderr.write(`${status}\n`);
  supervisor.ready(status);
  const look = (): void => {
    supervisor.alive();
    if (!isAsked() && canStart(slots.report())) again();
    systemClock.after(LOOK_EVERY_MS, look);
  };
  systemClock.after(LOOK_EVERY_MS, look);
}

/** Where the console is, or why there is none: a line that cannot be opened is no reason to end. */
async function openConsole(text: string, slots: BoardSlots, restart: () => void): Promise<string> {
  const address = parseAddress(text);
  if ("error" in address) return address.error.replace(/\.$/, "");
  try {
    const { link } = await openLink(address, "serve");
    new RecoveryConsole({ link, clock: systemClock, random: systemRandom.fork("recovery"), slots, restart });
    return `console at ${formatAddress(address)}`;
  } catch (error) {
    return (error as Error).message.replace(/\.$/, "");
  }
}

function canStart({ current, trial, slots }: SlotsReport): boolean {
  return trial !== undefined || (current !== undefined && slots[current]?.state === "confirmed");
}
