import { expect, test } from "vitest";
import { repeatLine } from "../../../../host-tools/hil/run/repeat-line.ts";

test("a name that cannot be shown as it is is asked for by its longest part that can", () => {
  const line = repeatLine(
    { name: "\u001b[31mreads all \u202eregisters\r\nof it", file: undefined },
    { file: undefined, seed: 1 },
    "/lab",
  );
  expect(line).toBe("npx meterbench hil run --seed 1 --test '[31mreads all '");
});

test("the line names the file and bench from where it is pasted, the seed, and the test as one word of a shell", () => {
  const line = repeatLine(
    { name: "group > it's $(reboot)", file: "/lab/tests/read.hil.ts" },
    { file: "/lab/my benches/one.yaml", seed: 7 },
    "/lab",
  );
  expect(line).toBe(
    "npx meterbench hil run tests/read.hil.ts --bench 'my benches/one.yaml' --seed 7 --test 'group > it'\\''s $(reboot)'",
  );
});
