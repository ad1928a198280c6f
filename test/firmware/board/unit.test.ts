// The files that systems start a board by.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CONF_NAMES } from "../../../firmware/startup/board-options.ts";
import { confFault, confLines } from "../../../firmware/startup/meter-conf.ts";
import { emptyFolder, run } from "../../support/command.ts";

const BOARD = join(import.meta.dirname, "../../../firmware/board");
const fileOf = (name: string): string => readFileSync(join(BOARD, name), "utf8");
const trouble =
  spawnSync("systemd-analyze", ["--version"]).error === undefined ? "" : ": systemd-analyze is not installed";

describe("the unit of systemd", () => {
  test.skipIf(trouble !== "")(`is one that systemd takes without a word${trouble}`, async () => {
    const folder = emptyFolder();
    const path = join(folder.path, "meterbench.service");
    writeFileSync(path, fileOf("meterbench.service").replace("/opt/meterbench/start", join(BOARD, "start")));
    const verified = await run("systemd-analyze", ["verify", "--man=no", path]);
    folder.remove();
    expect(verified).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test.skipIf(trouble !== "")(`leaves a meter little to do harm with${trouble}`, async () => {
    const path = join(BOARD, "meterbench.service");
    // A tenth of systemd's points: 10 is a service that may do anything.
    const judged = await run("systemd-analyze", [
      "security",
      "--offline=yes",
      "--threshold=25",
      "--no-pager",
      path,
    ]);
    expect(judged).toMatchObject({ code: 0 });
  });

  test("takes the same settings of Node from the environment as the start script", () => {
    const unset = [...fileOf("meterbench.service").matchAll(/^UnsetEnvironment=(.*)$/gm)].flatMap(
      ([, names]) => names?.split(" "),
    );
    const [, names = ""] = /^unset ([\s\S]*?) 2>/m.exec(fileOf("start")) ?? [];
    expect(names.split(/[\s\\]+/)).toEqual(unset);
  });
});

test.each(["start", "meterbench.procd"])("%s is a script of a plain shell", async (name) => {
  expect(await run("/bin/sh", ["-n", join(BOARD, name)])).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("the settings that a board begins with are ones that a meter takes", () => {
  const settings = fileOf("meter.conf").replace(/^#(?=[a-z])/gm, "");
  expect(confFault(confLines(settings), CONF_NAMES)).toBeUndefined();
  expect(confLines(settings).map(({ name }) => name)).toEqual([
    "at",
    "chip",
    "serial-number",
    "allow",
    "zone",
    "utc",
    "recovery",
  ]);
});
