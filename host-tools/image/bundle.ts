// Makes the board's programs of source, each one file: a meter on a board has no packages.
import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { build, type Metafile } from "esbuild";

/** Programs as they are put on a board, and the licences of the packages that are inside of them. */
export interface BoardPrograms {
  /** The meter: `app/main.mjs` of an image. */
  readonly main: Uint8Array;
  /** What starts it from a slot. */
  readonly boot: Uint8Array;
  readonly notices: Uint8Array;
}

/** The native module as seen from each program; `ARCH` becomes what Node calls the board's. */
const PROGRAMS = {
  main: { source: "firmware/main.ts", native: "../prebuilds/linux-ARCH/@serialport+bindings-cpp.node" },
  boot: { source: "firmware/boot.ts", native: "./prebuilds/linux-ARCH/@serialport+bindings-cpp.node" },
} as const;

/** What serialport is without its parsers and its mock, and what it asks for that a board should not have. */
const STAND_INS = {
  serialport: "serialport/dist/serialport.js",
  "node-gyp-build": "./host-tools/image/stand-ins/node-gyp-build.cjs",
  debug: "./host-tools/image/stand-ins/debug.cjs",
};

/** Packages in CommonJS ask for Node's own modules by a function that modules of today do not have. */
export const REQUIRE_BANNER = {
  js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
};

/**
 * Bundles the programs of the source in `root`. What comes out depends on the source and the packages there and on nothing
 * else: not on the folder's name, the time, the user or the environment.
 */
export async function bundlePrograms(root: string): Promise<BoardPrograms> {
  const main = await bundle(root, PROGRAMS.main);
  const boot = await bundle(root, PROGRAMS.boot);
  const packages = packagesIn([main.metafile, boot.metafile]);
  return {
    ...{ main: main.code, boot: boot.code },
    notices: new TextEncoder().encode(noticesOf(root, packages)),
  };
}

interface Bundle {
  readonly code: Uint8Array;
  readonly metafile: Metafile;
}

async function bundle(root: string, { source, native }: (typeof PROGRAMS)["main" | "boot"]): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [source],
    bundle: true,
    minify: true,
    legalComments: "none",
    platform: "node",
    format: "esm",
    target: "node20.19",
    alias: STAND_INS,
    define: { NATIVE_MODULE: JSON.stringify(native), __dirname: "import.meta.dirname" },
    banner: REQUIRE_BANNER,
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const stranger = Object.values(metafile.outputs)
    .flatMap(({ imports }) => imports)
    .find(({ path }) => !isBuiltin(path));
  if (stranger !== undefined) throw new Error(`${source} asks for ${stranger.path}, which no board has`);
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`${source} became no program`);
  return { code: file.contents, metafile };
}

/** The packages of which code is inside, by name. */
export function packagesIn(metafiles: readonly Metafile[]): readonly string[] {
  const names = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

/** Name, version and licence of each package, as its licence asks of whoever hands it on. */
export function noticesOf(root: string, packages: readonly string[]): string {
  return packages.map((name) => noticeOf(join(root, "node_modules", name), name)).join("\n");
}

function noticeOf(folder: string, name: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file: it cannot be handed on`);
  return `## ${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}
