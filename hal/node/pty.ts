import { readlinkSync, symlinkSync, unlinkSync } from "node:fs";
import { resolve } from "node:path";
import type { Uart, UartSettings } from "../ports/uart.ts";
import { holdExclusively } from "./exclusive.ts";
import { LineError } from "./line-error.ts";
import { type Connection, connectStreams, type LineUart, type StallRule } from "./line-uart.ts";
import { atProcessEnd } from "./process-end.ts";
import { type PtyHelper, type RunningHelper, startPtyHelper } from "./pty-helper.ts";
import { openAndReopen } from "./reopen.ts";

/** In the order they are tried: socat starts faster. */
const HELPERS: readonly PtyHelper[] = ["socat", "python3"];

/** A PTY has no line rate, so whoever reads at all takes bytes in far less; see {@link StallRule}. */
const STALL: StallRule = { patienceMs: () => 100, reaction: "discard" };

/** Devices that a PTY can have: Linux, then macOS. */
const PTY_DEVICE = /^\/dev\/(pts\/|ttys)\d+$/;

/**
 * Makes a PTY that other programs open by the name `path`, a symbolic link, and serves its other
 * end. Readers may come, go, and leave bytes unread. When the helper program dies, the line is down
 * and comes back under the same name. Closing, and the end of this process, remove the link.
 *
 * Rejects with a LineError where the name is taken (only a link to a PTY is replaced, and only where
 * no other meterbench serves it), the link cannot be made, or none of `helpers` runs. Line rate and character format are not emulated.
 */
export async function makePty(
  path: string,
  settings: UartSettings,
  helpers: readonly PtyHelper[] = HELPERS,
): Promise<Uart> {
  const link = resolve(path);
  const letGo = await holdExclusively(`pty ${link}`);
  if (letGo === undefined)
    throw cannotMake(link, "another meterbench serves it; stop that one or choose another name");
  try {
    return await openAndReopen(settings, STALL, (line) => serve(line, link, helpers), "reject", letGo);
  } catch (error) {
    letGo();
    throw error;
  }
}

async function serve(line: LineUart, link: string, helpers: readonly PtyHelper[]): Promise<Connection> {
  refuseTakenName(link);
  const { child, device } = await startAny(helpers, link);
  const end = () => {
    takeBackCleanUp();
    child.kill("SIGKILL");
    removeLink(link, (target) => target === device);
  };
  const takeBackCleanUp = atProcessEnd(end);
  try {
    // What a process that was killed left; its device may be somebody's terminal by now.
    removeLink(link, (target) => PTY_DEVICE.test(target));
    symlinkSync(device, link);
  } catch (error) {
    end();
    throw cannotMake(link, `${(error as Error).message}; check the folder and your rights in it`);
  }
  return connectStreams(line, child.stdout, child.stdin, end);
}

async function startAny(helpers: readonly PtyHelper[], link: string): Promise<RunningHelper> {
  const failures: string[] = [];
  for (const helper of helpers) {
    try {
      return await startPtyHelper(helper);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw cannotMake(
    link,
    `${failures.join(" and ")}; install socat (apt install socat) or python3, or use tcp:HOST:PORT`,
  );
}

function refuseTakenName(link: string): void {
  try {
    if (PTY_DEVICE.test(readlinkSync(link))) return;
  } catch (error) {
    // EINVAL: it is there, but no symbolic link. Any other trouble shows when the link is made.
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") return;
  }
  throw cannotMake(link, "the name is taken by something that is no PTY; remove it or choose another name");
}

/** Removes the link if it leads to such a device; one that cannot be removed is in the way later. */
function removeLink(link: string, isMeant: (device: string) => boolean): void {
  try {
    if (isMeant(readlinkSync(link))) unlinkSync(link);
  } catch {}
}

function cannotMake(link: string, reason: string): LineError {
  return new LineError(`Cannot make the line ${link}: ${reason}.`);
}
