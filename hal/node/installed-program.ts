// What is installed here: the version, and a digest of the files that make a meter.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const DIGEST_BYTES = 8;
const PACKAGE_PLACES = ["./package.json", "../../package.json", "../../../package.json"];

/** The package's version. */
export function programVersion(): string {
  return installedPackage().version;
}

/** When the package was released, in milliseconds of UTC: a clock that shows an earlier time is wrong. */
export function programReleasedUtcMs(): number {
  return Date.parse(installedPackage().released);
}

/**
 * The leading 8 bytes of the SHA-256 over the program's files, in the order of their names: those of
 * firmware/ and hal/, or, in a built program, which has them inside, the ones beside this.
 */
export function programDigest(): Uint8Array {
  const hash = createHash("sha256");
  const isModule = /\/hal\/node\/[^/]+$/.test(import.meta.url);
  for (const folder of isModule ? ["../../firmware", "../../hal"] : ["."]) {
    const root = fileURLToPath(new URL(folder, import.meta.url));
    const paths = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.m?[jt]s$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    for (const path of paths) hash.update(readFileSync(path));
  }
  return Uint8Array.from(hash.digest().subarray(0, DIGEST_BYTES));
}

interface InstalledPackage {
  readonly version: string;
  /** A day, as 2026-11-01. */
  readonly released: string;
}

function installedPackage(): InstalledPackage {
  // package.json is beside a board's program, two folders up from source, three from dist/.
  const file = PACKAGE_PLACES.map(readPackage).find((found) => found !== undefined);
  if (file === undefined) throw new Error("package.json is not where it was installed");
  return file;
}

function readPackage(path: string): InstalledPackage | undefined {
  try {
    return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as InstalledPackage;
  } catch {
    return undefined;
  }
}
