// `flash IMAGE --to TARGET`: an image onto a board, by whatever way leads there.
import { constants } from "node:os";
import type { Command } from "commander";
import { IMAGE_BYTES_MAX } from "../../../firmware/update/manifest.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { flash } from "../../flash/flash.ts";
import { readFlashImage } from "../../flash/image-file.ts";
import type { FlashImage } from "../../flash/target.ts";
import { type SetUpOptions, setUpOf, withSetUp } from "../board-set-up.ts";
import { usageFault } from "../fault.ts";
import { exitOf, FlashProgress, flashDocument, flashLines } from "../flash-output.ts";
import { withFlashTarget } from "../flash-target.ts";
import { readUpTo } from "../home.ts";
import { say, sayJson } from "../output.ts";
import { type TargetOptions, withTargetOptions } from "../target.ts";

interface FlashCommandOptions extends TargetOptions, SetUpOptions {
  readonly to: string;
  readonly dryRun?: boolean;
  readonly wait: boolean;
}

const HELP = `
TARGET is one of
  dir:PATH                              a mounted SD card, or any folder that is a board's root
  ssh:[USER@]HOST[:PORT][/ROOT]         a board with an ssh server; ?identity=FILE&known-hosts=FILE&sudo=yes
  serial:PATH?baud=115200               the recovery console of a board's loader (pty: and tcp: too)
  coap:TARGET                           a meter that runs, as in coap:meter:M1 --via DAP; needs the right 'update'

An upload that was cut goes on where it was; an image older than what the board has confirmed is never taken.
The first time at dir: or ssh:, the board is set up with --board-keys, --trust, --author and --conf.
Exit code 5 where the board has tried the image and gone back.

Examples: meterbench flash meter.mbi --to dir:/media/card --dry-run
          meterbench flash meter.mbi --to ssh:root@pi4.lab
          meterbench flash meter.mbi --to coap:meter:M1 --keys utility.key.json`;

export function addFlashCommand(program: Command): void {
  withSetUp(withTargetOptions(program.command("flash <image>")))
    .description(
      "put an image onto a board: a card, over ssh, over its console, or over the meter's own line",
    )
    .requiredOption("--to <target>", "the board (see below)")
    .option("--dry-run", "say what would be done, and why it might be refused, and do nothing")
    .option("--no-wait", "do not wait until a board that runs has confirmed the image")
    .addHelpText("after", HELP)
    .action(flashImage);
}

async function flashImage(path: string, options: FlashCommandOptions): Promise<void> {
  const { to, dryRun = false, wait } = options;
  const image = readImageFile(path);
  const setUp = await setUpOf(options, image);
  // Whatever is open is closed, and what was made here for the way is removed.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  const progress = new FlashProgress();
  const flashed = await withFlashTarget(to, options, async (target) => {
    const result = await flash(target, image, {
      ...{ clock: systemClock, dryRun, wait, ...(setUp !== undefined && { setUp }) },
      onStep: (step) => progress.step(step),
      onProgress: (doneBytes, allBytes) => progress.progress(doneBytes, allBytes),
    });
    return { target: target.name, image, result };
  }).finally(() => progress.end());
  process.exitCode = exitOf(flashed.result);
  if (options.json) return sayJson(flashDocument(flashed));
  for (const line of flashLines(flashed)) say(line);
}

function readImageFile(path: string): FlashImage {
  const bytes = readUpTo(path, "image", IMAGE_BYTES_MAX);
  const image = bytes === undefined ? undefined : readFlashImage(opensslEngine, bytes);
  if (image !== undefined && !("refusal" in image)) return image;
  const why = image?.why?.replace(/\.$/, "") ?? `it has more than ${IMAGE_BYTES_MAX} bytes`;
  throw usageFault(
    `The file ${path} is no image that can be flashed (${why}): make one with 'meterbench image build'.`,
  );
}
