// Where the board's programs and the files that go with them are: in an installed package as it was built, in a clone as the
// source is now.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BoardPrograms } from "./bundle.ts";

/** What `dist/board` has. */
export const PROGRAM_FILES = {
  main: "main.mjs",
  boot: "boot.mjs",
  notices: "THIRD-PARTY-NOTICES.md",
} as const;

/** What the package says of itself, as far as a board has it. */
export interface PackageFacts {
  readonly version: string;
  readonly released: string;
  /** `>=20.19`. */
  readonly engines: { readonly node: string };
}

/** The clone, or `dist/` of an installed package: both have the parts in folders of one name. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const IS_CLONE = existsSync(join(ROOT, "firmware/main.ts"));
const PACKAGE = IS_CLONE ? ROOT : join(ROOT, "..");

/** The programs of this meterbench. */
export async function boardPrograms(): Promise<BoardPrograms> {
  if (IS_CLONE) return (await import("./bundle.ts")).bundlePrograms(ROOT);
  const read = (file: string): Uint8Array => readFileSync(join(ROOT, "board", file));
  return {
    main: read(PROGRAM_FILES.main),
    boot: read(PROGRAM_FILES.boot),
    notices: read(PROGRAM_FILES.notices),
  };
}

/** One of the files that start a board's programs: of systemd, udev, procd, and its shell. */
export function boardFile(name: string): Uint8Array {
  return readFileSync(join(ROOT, IS_CLONE ? "firmware/board" : "board", name));
}

export function packageFacts(): PackageFacts {
  return JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as PackageFacts;
}

export function packageLicence(): Uint8Array {
  return readFileSync(join(PACKAGE, "LICENSE"));
}

/** One of serialport's native modules, by its path below its `prebuilds/`. */
export function nativeModule(path: string): Uint8Array {
  const serialport = createRequire(import.meta.url).resolve("serialport");
  const bindings = createRequire(serialport).resolve("@serialport/bindings-cpp");
  return readFileSync(join(dirname(bindings), "..", "prebuilds", path));
}
