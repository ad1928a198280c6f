import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The path of a data file that lies beside this file, or, in the built package, beside its source. */
export function shippedFile(name: string): string {
  const beside = fileURLToPath(new URL(name, import.meta.url));
  return existsSync(beside)
    ? beside
    : fileURLToPath(new URL(`../../../host-tools/loads/${name}`, import.meta.url));
}
