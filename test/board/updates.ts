// New images for a running board, over the line that its meter answers on.
import { readFileSync, writeFileSync } from "node:fs";
import { meterbench } from "../support/command.ts";
import type { Bench } from "./bench.ts";
import { FILES, otherProgram } from "./board-root.ts";
import type { SupervisedBoard } from "./supervised-board.ts";

/** A board restarts under emulation for an update, which takes a while beside other work. */
const WITHIN_MS = 90_000;

interface Flashed {
  readonly end: string;
  readonly slot: "a" | "b";
  /** Of a roll-back, as the board says. */
  readonly why: string | null;
  readonly sentBytes: number;
  readonly sendMilliseconds: number;
  readonly milliseconds: number;
}

/** Flashes an image over the meter's line, and throws where it does not end as `end` says. */
export async function update({ folder, line }: Bench, image: string, end: "confirmed" | "rolled-back") {
  const to = ["--to", `coap:${line}`, "--meter", "M1", "--keys", FILES.headEndKey];
  const { stdout, stderr } = await meterbench(["flash", image, ...to, "--json"], {
    cwd: folder,
    withinMs: WITHIN_MS,
  });
  if (stdout === "") throw new Error(`flash ended without a word of its own: ${stderr}`);
  const flashed = JSON.parse(stdout) as Flashed;
  if (flashed.end !== end)
    throw new Error(`the image ${image} was ${flashed.end} in place of ${end}: ${stdout}`);
  const { slot, why, sentBytes, sendMilliseconds, milliseconds } = flashed;
  return { end, slot, why, sentBytes, sendSeconds: sendMilliseconds / 1000, seconds: milliseconds / 1000 };
}

/** Changes a bit of the image on trial while the board is off, before it starts that image for the first time. */
export function spoilBeforeNextStart(board: SupervisedBoard, { folder }: Bench): void {
  board.beforeNextStart = () => {
    const path = otherProgram(folder);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  };
}
