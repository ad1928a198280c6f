import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const HERE = new URL("./", import.meta.url);
const README = readFileSync(new URL("README.md", HERE), "utf8");

/** The list's rows: a number, an attack, and file by file the sentences of tests. */
function rows(): { attack: string; tests: [file: string, sentence: string][] }[] {
  return README.split("\n")
    .filter((line) => /^\| \d/.test(line))
    .map((line) => {
      const [, attack = "", , tests = ""] = line.split("|");
      const inFiles = tests.split(/(?=`[a-z-]+`:)/).map((text) => {
        const file = /`([a-z-]+)`:/.exec(text)?.[1] ?? "";
        return [...text.matchAll(/"([^"]+)"/g)].map(([, sentence = ""]): [string, string] => [
          file,
          sentence,
        ]);
      });
      return { attack: attack.trim(), tests: inFiles.flat() };
    });
}

describe("the README's list of attacks", () => {
  test.each(rows())("names for number $attack tests that are there", ({ tests }) => {
    expect(tests.length).toBeGreaterThan(0);
    for (const [file, sentence] of tests)
      expect(readFileSync(new URL(`${file}.test.ts`, HERE), "utf8")).toContain(`"${sentence}"`);
  });
});
