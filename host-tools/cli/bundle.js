// Makes dist/host-tools/cli: the command in a few files, with all packages but the native one inside. A hundred
// modules, and CommonJS among them, are a third of a command's start and some megabytes of a meter's memory.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const OUT = "dist/host-tools/cli";

const { metafile } = await build({
  entryPoints: ["host-tools/cli/main.ts"],
  outdir: OUT,
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node20.19",
  external: ["serialport", "vitest"],
  // Packages in CommonJS ask for Node's own modules by a function that modules of today do not have.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  metafile: true,
  logLevel: "warning",
});

const inside = Object.keys(metafile.inputs).map(
  (path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1],
);
const packages = [...new Set(inside.filter((name) => name !== undefined))].sort();
writeFileSync(join(OUT, "THIRD-PARTY-NOTICES.md"), packages.map(noticeOf).join("\n"));

/** Name, version and licence of a package, as its licence asks of whoever hands it on. */
function noticeOf(name) {
  const folder = join("node_modules", name);
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file: it cannot be handed on`);
  return `## ${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}
