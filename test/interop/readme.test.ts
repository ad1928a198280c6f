// The README's list of faults of others names tests that are there.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const readme = readFileSync("test/interop/README.md", "utf8");
const files = readdirSync("test", { recursive: true, encoding: "utf8" }).filter((path) =>
  path.endsWith(".test.ts"),
);

/** A file's end, without `.test.ts`, and words of the names of tests in it. */
function namedTests(): { file: string; words: readonly string[] }[] {
  const [, rows = ""] = /^\| fault .*\n\|.*\n((?:\|.*\n)+)/m.exec(readme) ?? [];
  return [...rows.matchAll(/`([^`]+)`: ([^`|]+)/g)].map(([, file = "", words = ""]) => ({
    file,
    words: words
      .split(";")
      .map((one) => one.trim())
      .filter((one) => one !== ""),
  }));
}

test("each fault of others is kept out by tests that are there", () => {
  const named = namedTests();
  expect(named).toHaveLength(28);
  for (const { file, words } of named) {
    const path = files.find((one) => one.endsWith(`${file}.test.ts`));
    const source = readFileSync(`test/${path}`, "utf8");
    expect(
      words.filter((one) => !source.includes(one)),
      file,
    ).toEqual([]);
  }
});
