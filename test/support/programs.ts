import { fileURLToPath } from "node:url";

/** A program of the tests' own as `build.ts` has built it, by its place in `test/`; plain Node runs it. */
export function testProgram(name: string): string {
  return fileURLToPath(new URL(`../../node_modules/.cache/meterbench-test/${name}.mjs`, import.meta.url));
}
