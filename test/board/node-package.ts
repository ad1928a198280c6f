// Node for another processor, out of an npm package.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Where the packed file is kept: no commit knows of it, and it goes with node_modules. */
const KEPT = "node_modules/.cache/meterbench-board";
const BINARY = "package/bin/node";

export interface NodePackage {
  readonly name: string;
  readonly version: string;
  /** Of the packed file, in base 64, as a lock file has it: no other bytes are run. */
  readonly sha512: string;
}

/** The packed file, or the sentence that says how to get it. */
export function keptNodePackage(
  wanted: NodePackage,
): { readonly path: string } | { readonly missing: string } {
  const file = fileOf(wanted);
  const path = join(ROOT, KEPT, file);
  if (!existsSync(path))
    return { missing: `The board's Node, ${file}, is not here: run with --fetch, which asks npm for it.` };
  const digest = createHash("sha512").update(readFileSync(path)).digest("base64");
  if (digest === wanted.sha512) return { path };
  return { missing: `${KEPT}/${file} is not the file that is meant: remove it and run with --fetch.` };
}

/** Has npm put the packed file where it is looked for; where npm cannot, it is missing as before. */
export function fetchNodePackage(wanted: NodePackage): void {
  const folder = join(ROOT, KEPT);
  if (existsSync(join(folder, fileOf(wanted)))) return;
  mkdirSync(folder, { recursive: true });
  const args = ["pack", `${wanted.name}@${wanted.version}`, "--silent", "--pack-destination", folder];
  try {
    execFileSync("npm", args, { stdio: ["ignore", "ignore", "inherit"] });
  } catch {}
}

/** Unpacks a kept package below `folder` and gives the path of its Node. */
export function nodeFor({ node }: { readonly node: NodePackage }, folder: string): string {
  const kept = keptNodePackage(node);
  if ("missing" in kept) throw new Error(kept.missing);
  execFileSync("tar", ["-xzf", kept.path, "-C", folder, BINARY]);
  return join(folder, BINARY);
}

function fileOf({ name, version }: NodePackage): string {
  return `${name}-${version}.tgz`;
}
