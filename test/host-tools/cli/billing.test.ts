// The options that a served meter bills by, as far as a file or a text can be wrong.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOUSEHOLD_BILLING } from "../../../firmware/configuration.ts";
import { tariffOf } from "../../../host-tools/cli/billing.ts";
import { writeTariffFile } from "../../../host-tools/tariff-file.ts";
import { emptyFolder } from "../../support/command.ts";
import { HOUSEHOLD } from "../../support/tariffs.ts";

let folder: ReturnType<typeof emptyFolder>;

beforeAll(() => {
  folder = emptyFolder();
  mkdirSync(join(folder.path, "folder"));
  writeFileSync(join(folder.path, "large"), " ".repeat(2 ** 20 + 1));
  writeFileSync(join(folder.path, "household"), writeTariffFile(HOUSEHOLD));
});
afterAll(() => folder.remove());

function planOf(tariff: string) {
  return tariffOf({ zone: "", interval: [15], demand: HOUSEHOLD_BILLING.demand, tariff });
}

test("a tariff file's table is the active one", () => {
  expect(planOf(join(folder.path, "household"))).toEqual({ active: HOUSEHOLD });
});

test.each([
  ["folder", "is no file: name one."],
  ["large", "is too large for any meter: name a tariff file."],
  ["none", "cannot be read (ENOENT): check the path and its owner."],
])("a tariff file that is a %s is refused with a sentence", (name, why) => {
  const path = join(folder.path, name);
  expect(() => planOf(path)).toThrow(`The tariff file ${path} ${why}`);
});

test("a device, which has no end, is no tariff file", () => {
  expect(() => planOf("/dev/zero")).toThrow("The tariff file /dev/zero is no file: name one.");
});
