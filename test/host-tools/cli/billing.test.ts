// The options that a served meter bills by, as far as a file or a text can be wrong.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type BillingOptions,
  billingOf,
  type TariffOptions,
  tariffOf,
  withBilling,
} from "../../../host-tools/cli/billing.ts";
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

function planOf(tariff: string, next: TariffOptions = {}) {
  return tariffOf({ tariff, ...next });
}

describe("--padding", () => {
  const paddingOf = (...options: string[]) => {
    const command = withBilling(new Command())
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    return billingOf(command.parse(options, { from: "user" }).opts<BillingOptions>()).profilePaddingTenths;
  };

  test("is one of three factors, and that of a plain house unless given", () => {
    expect(paddingOf()).toBe(14);
    expect(["1.4", "2.1", "4.1"].map((factor) => paddingOf("--padding", factor))).toEqual([14, 21, 41]);
  });

  test.each(["3", "14", "1.40", ""])("of %j is refused with those that there are", (factor) => {
    expect(() => paddingOf("--padding", factor)).toThrow("A factor is one of 1.4, 2.1, 4.1.");
  });
});

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

test.each(["1970-01-01T18:12:15Z", "2106-02-07T06:28:15Z", "2027-02-30", "tomorrow"])(
  "a next table cannot take over at %s, which no meter can keep or tell",
  (nextTariffFrom) => {
    const path = join(folder.path, "household");
    const plan = () => planOf(path, { nextTariff: path, nextTariffFrom });
    expect(plan).toThrow(`${nextTariffFrom} is no time from 1970-01-02 to 2106`);
  },
);

test.each([
  ["1970-01-01T18:12:16Z", 0x10000],
  ["2106-02-07T06:28:14Z", 0xfffffffe],
])(
  "a next table takes over at %s, of the first and the last that there are",
  (nextTariffFrom, fromSeconds) => {
    const path = join(folder.path, "household");
    const plan = planOf(path, { nextTariff: path, nextTariffFrom });
    expect(plan?.passive).toEqual({ table: HOUSEHOLD, fromSeconds });
  },
);
