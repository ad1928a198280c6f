// `watch`, as a user sees it at a meter that runs.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeTariffFile } from "../../../host-tools/tariff-file.ts";
import { emptyFolder, meterbench, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";
import { HOUSEHOLD, LARGEST } from "../../support/tariffs.ts";

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;
let at: string;

beforeAll(async () => {
  folder = emptyFolder();
  cwd = folder.path;
  at = `udp:127.0.0.1:${await freePort()}`;
  writeFileSync(join(cwd, "household.json"), writeTariffFile(HOUSEHOLD));
  writeFileSync(join(cwd, "largest.json"), writeTariffFile(LARGEST));
  await startMeterbench(["serve", "--at", at, "--load", "watts:1200", "--observe-period", "1"], { cwd });
});
afterAll(async () => {
  await stopAll();
  folder.remove();
});

function lines(stdout: string) {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("registers come at once and then at the meter's period, a document a line", async () => {
  const { code, stdout, stderr } = await meterbench(["watch", at, "1.8.0", "--count", "3", "--json"], {
    cwd,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const readings = lines(stdout);
  expect(readings).toHaveLength(3);
  for (const { meter, registers } of readings) {
    expect(meter).toBe("M1");
    expect(registers).toMatchObject([{ obis: "1-0:1.8.0*255", unit: "Wh", quality: "measured" }]);
  }
  const seconds = readings.map(({ time }) => Date.parse(time) / 1000);
  expect((seconds[2] ?? 0) - (seconds[0] ?? 0)).toBeGreaterThanOrEqual(1);
  const shown = await meterbench(["watch", at, "--count", "1"], { cwd });
  expect(shown.stdout).toMatch(/^Meter M1, .*\n {2}1-0:1\.8\.0\*255 {2}\d+ {2}Wh\n$/);
});

test("an event is shown as it is logged, and those of before are not", async () => {
  let isDone = false;
  const watched = meterbench(["watch", at, "--events", "--count", "1", "--json"], { cwd }).finally(() => {
    isDone = true;
  });
  // From one tariff to another until one of the changes falls after the watch began. Each command is one more session,
  // and the fourth would end that of the watch.
  for (const tariff of ["household.json", "largest.json", "household.json"]) {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    if (!isDone) await meterbench(["tariff", at, "--set", tariff], { cwd });
  }
  const { code, stdout } = await watched;
  expect(code).toBe(0);
  expect(lines(stdout)).toMatchObject([{ meter: "M1", log: "standard", alarm: false }]);
});

test("what cannot be watched is said before or instead", async () => {
  expect(await meterbench(["watch", at, "1.8.0", "--events"], { cwd })).toEqual({
    code: 2,
    stdout: "",
    stderr: "A watch is of registers or of events: leave --events or the OBIS codes out.\n",
  });
});
