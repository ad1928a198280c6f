// A board's files as they come from the workbench, made by the commands that a person has for it.
import { mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { tell } from "./commands.ts";
import type { Machine } from "./machine.ts";

/** The files of one bench folder, by the names that the commands are given. */
export const FILES = {
  meterKey: "M1.key.json",
  headEndKey: "utility.key.json",
  authorKey: "acme.key.json",
  conf: "meter.conf",
  root: "root",
} as const;

/** Makes the keys that a production board takes, and the head-end's enrolment of the meter. */
export async function makeKeys(bench: string): Promise<void> {
  await makeKey(bench, "meter", "M1", FILES.meterKey);
  await makeKey(bench, "head-end", "utility", FILES.headEndKey);
  await makeKey(bench, "author", "acme", FILES.authorKey);
  await tell(bench, ["enrol", credentialOf(FILES.meterKey)]);
}

async function makeKey(bench: string, role: string, id: string, file: string): Promise<void> {
  await tell(bench, ["keys", "new", role, "--id", id, "--out", file]);
  const credential = await tell(bench, ["keys", "credential", file]);
  writeFileSync(join(bench, credentialOf(file)), JSON.stringify(credential));
}

/** Builds an image for the machine and gives its file's name. */
export async function buildImage(bench: string, { arch }: Machine, sequence: number): Promise<string> {
  const out = `${arch}-${sequence}.mbi`;
  await tell(bench, [
    "image",
    "build",
    "--target",
    `linux-${arch}`,
    "--sequence",
    String(sequence),
    "--keys",
    FILES.authorKey,
    "--out",
    out,
  ]);
  return out;
}

/**
 * Makes a board of an empty folder: the loader, keys and settings, the machine's Node as one that is shipped, and the first
 * image. Throws what `flash` says where it refuses.
 */
export async function setUpRoot(bench: string, image: string, board: BoardParts): Promise<void> {
  mkdirSync(join(bench, FILES.root));
  writeFileSync(join(bench, FILES.conf), `${board.settings.join("\n")}\n`);
  const believed = ["--trust", credentialOf(FILES.headEndKey), "--author", credentialOf(FILES.authorKey)];
  const own = ["--board-keys", FILES.meterKey, "--conf", FILES.conf, "--node", board.node];
  await tell(bench, ["flash", image, "--to", `dir:${FILES.root}`, ...believed, ...own]);
}

interface BoardParts {
  readonly settings: readonly string[];
  readonly node: string;
}

/** Where a board has the Node that was shipped to it. */
export function shippedNode(bench: string): string {
  return join(bench, FILES.root, "opt/meterbench/node/bin/node");
}

export function loaderOf(bench: string): readonly string[] {
  const root = join(bench, FILES.root);
  return [join(root, "opt/meterbench/boot.mjs"), "run", "--root", root];
}

/** The program in the slot that is not the confirmed one. */
export function otherProgram(bench: string): string {
  const data = join(bench, FILES.root, "var/lib/meterbench");
  const confirmed = basename(readlinkSync(join(data, "current")));
  return join(data, "slots", confirmed === "a" ? "b" : "a", "app/main.mjs");
}

function credentialOf(keyFile: string): string {
  return keyFile.replace(".key.", ".credential.");
}
