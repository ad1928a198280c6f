// Starts what is in a board's slots: the image on trial, or the confirmed one, or else the recovery console.
import { holdExclusively } from "../../hal/node/exclusive.ts";
import { isThere, join, realPath, removeAll, resolve, runModule } from "../../hal/node/program.ts";
import { limitTrial } from "../../hal/node/trial-limit.ts";
import { TRIAL_LIMIT_MS } from "../update/boot-state.ts";
import type { BootChoice } from "../update/slots-report.ts";
import { BoardFault, EXIT } from "./board-fault.ts";
import { placesBelow } from "./board-places.ts";
import { loaderSettings } from "./loader-settings.ts";
import { openSlots } from "./open-slots.ts";
import { openRecovery } from "./recovery.ts";

export interface LoaderOptions {
  /** `/` on a board. */
  readonly root: string;
  /** How long an image on trial may take until it is confirmed. */
  readonly trialLimitMs?: number;
}

/** Runs the board from here on: the image in this process, or the recovery console. */
export async function runBoard({ root: given, trialLimitMs = TRIAL_LIMIT_MS }: LoaderOptions): Promise<void> {
  const root = resolve(given);
  const { data, recoveryFlag } = placesBelow(root);
  await runAlone(root);
  const { profile, recovery: line } = loaderSettings(root);
  if (line === undefined) forgetRequest(recoveryFlag);
  const choice = openSlots(root, profile).choose();
  if (choice.kind === "recovery") {
    const isAsked = (): boolean => isThere(recoveryFlag);
    return openRecovery({ root, profile, line, why: choice.why, isAsked });
  }
  if (choice.isTrial)
    limitTrial({ data, folder: choice.folder, limitMs: trialLimitMs, exitCode: EXIT.again });
  await startImage(root, choice);
}

/**
 * Takes the board for this process. Each start spends one of a trial, and a console writes into slots that do not run: what
 * somebody starts beside the service by mistake must do neither.
 */
export async function runAlone(root: string): Promise<void> {
  const { data } = placesBelow(root);
  if ((await holdExclusively(`board of ${data}`)) === undefined)
    throw new BoardFault(
      EXIT.usage,
      `Another process runs the board of ${data} already: stop that one first.`,
    );
}

/** A console that there is no line for is nothing to wait at. */
function forgetRequest(recoveryFlag: string): void {
  if (!isThere(recoveryFlag)) return;
  removeAll(recoveryFlag);
  process.stderr.write("The recovery console was asked for, and meter.conf names no line for it.\n");
}

/** In this process: one is all that a small board has memory for. */
async function startImage(
  root: string,
  { folder, slot, manifest, isTrial }: Extract<BootChoice, { kind: "start" }>,
): Promise<void> {
  // Whatever becomes of links above, one start has all its files of one place.
  const entry = join(realPath(join(placesBelow(root).data, folder)), manifest.entry);
  const trial = isTrial ? ["--trial", slot] : [];
  try {
    await runModule(entry, ["--board", root, ...trial]);
  } catch (error) {
    // Half a program may hold the process up.
    process.stderr.write(`The image in ${folder} does not start: ${(error as Error).stack}\n`);
    process.exit(EXIT.trouble);
  }
}
