// Starts what is in a board's slots: the image on trial, or the confirmed one, or else the recovery console.
import { existsSync, realpathSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { holdExclusively } from "../../hal/node/exclusive.ts";
import type { BootChoice } from "../update/slots-report.ts";
import { BoardFault, EXIT } from "./board-fault.ts";
import { placesBelow } from "./board-places.ts";
import { loaderSettings } from "./loader-settings.ts";
import { openSlots } from "./open-slots.ts";
import { openRecovery } from "./recovery.ts";
import { limitTrial, TRIAL_LIMIT_MS } from "./trial-limit.ts";

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
    const isAsked = (): boolean => existsSync(recoveryFlag);
    return openRecovery({ root, profile, line, why: choice.why, isAsked });
  }
  if (choice.isTrial) limitTrial({ data, folder: choice.folder, limitMs: trialLimitMs });
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
  if (!existsSync(recoveryFlag)) return;
  rmSync(recoveryFlag, { recursive: true, force: true });
  process.stderr.write("The recovery console was asked for, and meter.conf names no line for it.\n");
}

/** In this process: one is all that a small board has memory for. */
async function startImage(
  root: string,
  { folder, slot, manifest, isTrial }: Extract<BootChoice, { kind: "start" }>,
): Promise<void> {
  // Whatever becomes of links above, one start has all its files of one place.
  const entry = join(realpathSync(join(placesBelow(root).data, folder)), manifest.entry);
  const trial = isTrial ? ["--trial", slot] : [];
  process.argv = [process.execPath, entry, "--board", root, ...trial];
  try {
    await import(pathToFileURL(entry).href);
  } catch (error) {
    // Half a program may hold the process up.
    process.stderr.write(`The image in ${folder} does not start: ${(error as Error).stack}\n`);
    process.exit(EXIT.trouble);
  }
}
