// Starts what is in a board's slots: the image on trial, or the confirmed one, or else the recovery console.
import { existsSync, realpathSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { closeDebugPorts } from "../../hal/node/debug-ports.ts";
import { syncFolder } from "../../hal/node/durable-file.ts";
import type { BootChoice } from "../update/slots-report.ts";
import { EXIT } from "./board-fault.ts";
import { placesBelow } from "./board-places.ts";
import { type LoaderSettings, loaderSettings } from "./loader-settings.ts";
import { openSlots } from "./open-slots.ts";
import { openRecovery } from "./recovery.ts";
import { limitTrial, TRIAL_LIMIT_MS } from "./trial-limit.ts";

export interface LoaderOptions {
  /** `/` on a board. */
  readonly root: string;
  /** How long an image on trial may take until it is confirmed. */
  readonly trialLimitMs?: number;
}

/** Whoever wants the console of a board that starts well puts a file of this name into the data folder. */
const RECOVERY_FLAG = "recovery";

/** Runs the board from here on: the image in this process, or the recovery console. */
export async function runBoard({ root: given, trialLimitMs = TRIAL_LIMIT_MS }: LoaderOptions): Promise<void> {
  closeDebugPorts();
  const root = resolve(given);
  const { data } = placesBelow(root);
  const settings = loaderSettings(root);
  if (isRecoveryAsked(data, settings)) {
    return openRecovery({ root, settings, why: "It was asked for.", isAsked: true });
  }
  const choice = openSlots(root, settings.profile).choose();
  if (choice.kind === "recovery") return openRecovery({ root, settings, why: choice.why, isAsked: false });
  if (choice.isTrial) limitTrial({ data, folder: choice.folder, limitMs: trialLimitMs });
  await startImage(root, choice);
}

/** Asked for once: the start after it is one like any other. */
function isRecoveryAsked(data: string, { recovery }: LoaderSettings): boolean {
  const flag = join(data, RECOVERY_FLAG);
  if (!existsSync(flag)) return false;
  rmSync(flag, { force: true, recursive: true });
  syncFolder(data);
  if (recovery === undefined)
    process.stderr.write("The recovery console was asked for, and meter.conf names no line for it.\n");
  return recovery !== undefined;
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
