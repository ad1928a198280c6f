// The package as npm would publish it, put into a folder as a stranger would.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

function npm(args: readonly string[], cwd: string): void {
  execFileSync("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], { cwd, stdio: "pipe" });
}

/** Packs what is built, and gives the tarball's path. */
export function pack(into: string): string {
  npm(["pack", "--pack-destination", into], process.cwd());
  const tarball = readdirSync(into).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error(`npm has packed nothing into ${into}`);
  return join(into, tarball);
}

/** Installs packages, ours among them by its tarball's path. */
export function install(packages: readonly string[], project: string): void {
  npm(["install", "--prefer-offline", "--ignore-scripts", ...packages], project);
}
