// What the loader does for whoever has a shell on the board: a flasher over ssh, or a person.
import { becomeOwnerOf } from "../../hal/node/file-owner.ts";
import { readBytes, sizeOf } from "../../hal/node/program.ts";
import { IMAGE_BYTES_MAX } from "../update/manifest.ts";
import type { Refused } from "../update/refusals.ts";
import { reportDocument } from "../update/report-json.ts";
import { type Installed, SLOTS, type SlotsReport } from "../update/slots-report.ts";
import { BoardFault, EXIT } from "./board-fault.ts";
import { readAs } from "./board-files.ts";
import { placesBelow } from "./board-places.ts";
import { loaderSettings } from "./loader-settings.ts";
import { openSlots } from "./open-slots.ts";

export interface CommandOptions {
  readonly root: string;
  /** For a program: one document of JSON on standard output. */
  readonly json: boolean;
}

/** Installs the image in a file; a refusal is told, and ends with a code of its own. */
export function installFile(path: string, { root, json }: CommandOptions): void {
  const bytes = readAs(path, readImageFile);
  becomeOwnerOf(placesBelow(root).data);
  const installed = openSlots(root, loaderSettings(root).profile).installImage(bytes);
  tell(installed, json, "refusal" in installed ? refusalText(installed) : installedText(installed));
  if ("refusal" in installed)
    process.exitCode = installed.refusal === "signature" ? EXIT.identity : EXIT.usage;
}

/** Tells what is in the slots. */
export function tellSlots({ root, json }: CommandOptions): void {
  becomeOwnerOf(placesBelow(root).data);
  const report = openSlots(root, loaderSettings(root).profile).report();
  tell(reportDocument(report), json, reportText(report));
}

function readImageFile(path: string): Uint8Array {
  const size = sizeOf(path);
  if (size > IMAGE_BYTES_MAX)
    throw new BoardFault(EXIT.usage, `The file ${path} has ${size} bytes, and no image has more than 4 MiB.`);
  return readBytes(path);
}

function tell(document: object, json: boolean, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(document) : text}\n`);
}

function refusalText({ refusal, why }: Refused): string {
  return `The image was refused (${refusal}). ${why ?? ""}`.trim();
}

function installedText({ slot, sequence, armed }: Installed): string {
  const then = armed ? "the next start tries it" : "it is the one that is started";
  return `The image of sequence ${sequence} is in slot ${slot}: ${then}.`;
}

function reportText({ current, trial, slots, floor, outcome }: SlotsReport): string {
  const lines = SLOTS.flatMap((slot) => {
    const image = slots[slot];
    if (image === undefined) return [];
    const marks = [image.state, ...(slot === current ? ["current"] : [])];
    const left = trial?.slot === slot ? [`${trial.left} starts left`] : [];
    return [`${slot}  ${image.version}  sequence ${image.sequence}  ${[...marks, ...left].join(", ")}`];
  });
  const last = outcome && `last update: ${outcome.kind}, sequence ${outcome.sequence} ${outcome.why ?? ""}`;
  return [...lines, `no image below sequence ${floor} is taken`, ...(last ? [last.trim()] : [])].join("\n");
}
