// What a board does that has nothing to start: it waits at its recovery console, in a state that anybody can see.
import { systemdSupervisor } from "../../hal/node/systemd.ts";
import type { SlotsReport } from "../update/slots-report.ts";
import { EXIT } from "./board-fault.ts";
import type { LoaderSettings } from "./loader-settings.ts";
import { openSlots } from "./open-slots.ts";

export interface RecoveryOptions {
  readonly root: string;
  readonly settings: Pick<LoaderSettings, "recovery" | "profile">;
  readonly why: string;
  /** True where the board could start: then only who is at the console says when. */
  readonly isAsked: boolean;
}

/** How often it is looked whether somebody has installed an image by another way: a flasher over ssh, a card put back. */
const LOOK_EVERY_MS = 5000;

/** Never a loop of starts that crash: the process stays, tells why, and ends with {@link EXIT.again} once there is an image. */
export async function openRecovery({ root, settings, why, isAsked }: RecoveryOptions): Promise<void> {
  const slots = openSlots(root, settings.profile);
  const supervisor = systemdSupervisor();
  const status = `Recovery: ${why}`;
  process.stderr.write(`${status}\n`);
  supervisor.ready(status);
  setInterval(() => {
    supervisor.alive();
    if (!isAsked && canStart(slots.report())) process.exit(EXIT.again);
  }, LOOK_EVERY_MS);
}

function canStart({ current, trial, slots }: SlotsReport): boolean {
  return trial !== undefined || (current !== undefined && slots[current]?.state === "confirmed");
}
