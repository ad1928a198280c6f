// What `npm run build` makes beside the modules: the command in dist/host-tools/cli, a few files with all packages but the
// native one inside, and a board's programs in dist/board. A hundred modules, and CommonJS among them, are a third of a
// command's start and some megabytes of a meter's memory.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { SERVICE_FILES } from "../flash/loader-parts.ts";
import { bundlePrograms, noticesOf, packagesIn, REQUIRE_BANNER } from "../image/bundle.ts";
import { PROGRAM_FILES } from "../image/programs.ts";

const ROOT = process.cwd();
/** Settings to begin with, and how a board comes to its first reading. */
const FOR_PEOPLE = ["meter.conf", "README.md"];
const NOTICES = "THIRD-PARTY-NOTICES.md";

await bundleCommand("dist/host-tools/cli");
await bundleBoard("dist/board");

async function bundleCommand(out: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: ["host-tools/cli/main.ts"],
    outdir: out,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    // esbuild is for clones, which bundle a board's programs as they are now.
    external: ["serialport", "esbuild", "vitest"],
    banner: REQUIRE_BANNER,
    metafile: true,
    logLevel: "warning",
  });
  writeFileSync(join(out, NOTICES), noticesOf(ROOT, packagesIn([metafile])));
}

async function bundleBoard(out: string): Promise<void> {
  const programs = await bundlePrograms(ROOT);
  mkdirSync(out, { recursive: true });
  for (const [name, file] of Object.entries(PROGRAM_FILES)) {
    const content = programs[name as keyof typeof PROGRAM_FILES];
    writeFileSync(join(out, file), content);
  }
  const files = [...SERVICE_FILES.map(({ file }) => file), ...FOR_PEOPLE];
  for (const file of files) cpSync(join("firmware/board", file), join(out, file));
}
