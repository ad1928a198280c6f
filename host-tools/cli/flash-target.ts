// From a TARGET of `flash` and `slots` to the board that is there.

import { openLink, parseAddress } from "../../hal/node/address.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import { AskedBoard } from "../flash/asked-board.ts";
import { protectedAsker, recoveryAsker } from "../flash/board-askers.ts";
import { DirTarget } from "../flash/dir.ts";
import { type FlashPlace, parseFlashPlace } from "../flash/place.ts";
import { PlainAsker } from "../flash/plain-asker.ts";
import { SshTarget } from "../flash/ssh.ts";
import type { FlashTarget } from "../flash/target.ts";
import { LineWatch } from "./capture.ts";
import { usageFault } from "./fault.ts";
import { type TargetOptions, withHeadEnd } from "./target.ts";

/** Opens the way to the board at TARGET, lets `work` flash there, and closes it whatever happens. */
export async function withFlashTarget<Result>(
  text: string,
  options: TargetOptions,
  work: (target: FlashTarget) => Promise<Result>,
): Promise<Result> {
  const place = parseFlashPlace(text);
  if ("error" in place) throw usageFault(place.error);
  if (place.kind === "coap") return withMeter(place.target, options, work);
  const target = await openTarget(text, place, options);
  try {
    return await work(target);
  } finally {
    await target.close();
  }
}

async function openTarget(
  text: string,
  place: Exclude<FlashPlace, { kind: "coap" }>,
  options: TargetOptions,
): Promise<FlashTarget> {
  switch (place.kind) {
    case "dir":
      return DirTarget.open(text, place.path, opensslEngine);
    case "ssh":
      // Files of keys are nobody's concern who reads what was done.
      return new SshTarget(text.replace(/\?.*$/s, ""), place);
    case "console":
      return openConsole(text, options);
  }
}

/** A meter that runs takes images by its protected line, as it takes all other questions. */
function withMeter<Result>(
  meter: string,
  options: TargetOptions,
  work: (target: FlashTarget) => Promise<Result>,
): Promise<Result> {
  return withHeadEnd(meter, options, (headEnd, target) =>
    work(new AskedBoard(protectedAsker({ headEnd, target, clock: systemClock }))),
  );
}

/** The recovery console of a loader: nothing is protected there but the image, by its own signature. */
async function openConsole(text: string, options: TargetOptions): Promise<FlashTarget> {
  const address = parseAddress(text);
  if ("error" in address) throw usageFault(address.error);
  const watch = new LineWatch(options);
  const { link: line } = await openLink(address, "reach");
  const link = watch.link(line, text, "head-end");
  const asker = new PlainAsker({ link, clock: systemClock, random: systemRandom });
  const close = async (): Promise<void> => {
    link.close();
    watch.close();
  };
  return new AskedBoard(recoveryAsker({ asker, name: text, clock: systemClock, close }));
}
