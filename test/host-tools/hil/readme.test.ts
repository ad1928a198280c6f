import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readBenchFile } from "../../../host-tools/hil/bench-file.ts";
import { NEEDS } from "../../../host-tools/hil/rig.ts";
import { OUTCOME_CLASSES } from "../../../host-tools/hil/run/outcome.ts";

const README = readFileSync("host-tools/hil/README.md", "utf8");

test("each bench file that README.md shows is one", () => {
  const files = [...README.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  expect(files).toHaveLength(2);
  for (const text of files)
    expect(readBenchFile(text, "/lab")).toMatchObject({ headEnd: { home: "/lab/.meterbench" } });
});

test("README.md has every class of outcome, and all that a test can ask for", () => {
  for (const name of [...OUTCOME_CLASSES, ...NEEDS]) expect(README).toContain(`\`${name}\``);
});
