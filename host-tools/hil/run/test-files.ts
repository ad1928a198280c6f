// Which files of tests there are.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** As our own are named, from source and built. */
const NAME = /\.hil\.[cm]?[jt]sx?$/;
/** Folders that are never looked into for tests. */
const PASSED_OVER: ReadonlySet<string> = new Set(["node_modules", ".git"]);
/** A project with more is no project's tests, but some folder by accident. */
const FILES_MAX = 2000;

/** The suite that comes with this program. */
export function ownSuite(): readonly string[] {
  const source = sourceFolder();
  return testFilesOf(join(source ?? join(packageFolder(), "dist"), "host-tools/hil/suite"));
}

/** The clone that this runs in; undefined where it is a package that was built. */
export function sourceFolder(): string | undefined {
  const folder = packageFolder();
  return existsSync(join(folder, "host-tools/hil/index.ts")) ? folder : undefined;
}

/** Test files by paths of files and folders; an error is a sentence about the path that gives none. */
export function namedTestFiles(
  paths: readonly string[],
): { readonly files: readonly string[] } | { readonly error: string } {
  const files = new Set<string>();
  for (const path of paths) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined)
      return { error: `There is no ${path}: name files of tests, or folders of them.` };
    const found = stats.isDirectory() ? testFilesOf(path) : [resolve(path)];
    if (found.length === 0)
      return { error: `${path} holds no file of tests, which are named such as read.hil.ts.` };
    for (const file of found) files.add(file);
  }
  if (files.size > FILES_MAX)
    return { error: `These are ${files.size} files of tests: name a folder with at most ${FILES_MAX}.` };
  return { files: [...files] };
}

/** In a folder and those below it, in the order of their names. */
function testFilesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = resolve(folder, entry.name);
      if (entry.isDirectory()) return PASSED_OVER.has(entry.name) ? [] : testFilesOf(path);
      return NAME.test(entry.name) ? [path] : [];
    });
}

/** The nearest folder above this file that is the package: the built command has this file elsewhere than source has. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!isPackage(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

function isPackage(folder: string): boolean {
  const file = join(folder, "package.json");
  return existsSync(file) && JSON.parse(readFileSync(file, "utf8")).name === "meterbench";
}
