import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockBench } from "../../../../host-tools/hil/run/bench-lock.ts";
import { emptyFolder } from "../../../support/command.ts";

let folder: ReturnType<typeof emptyFolder>;
let file: string;

beforeEach(() => {
  folder = emptyFolder();
  file = join(folder.path, "lab.yaml");
  writeFileSync(file, "");
});
afterEach(() => folder.remove());

function lockOf(path: string): string {
  const hash = createHash("sha256").update(realpathSync(path)).digest("hex").slice(0, 16);
  return join(tmpdir(), `meterbench-hil-${hash}.lock`);
}

test("a bench is one run's at a time, by whatever name its file is called", () => {
  const unlock = lockBench(file, "lab");
  symlinkSync(file, join(folder.path, "other.yaml"));
  expect(() => lockBench(join(folder.path, "other.yaml"), "lab")).toThrow(
    `The bench lab is in use by process ${process.pid}: wait for it`,
  );
  unlock();
  lockBench(file, "lab")();
  expect(existsSync(lockOf(file))).toBe(false);
});

test("a lock whose process is gone, or that names none, is no lock", async () => {
  const child = spawn("true");
  await new Promise((resolve) => child.once("close", resolve));
  for (const left of [`${child.pid}\n`, "", "nonsense", "-1"]) {
    writeFileSync(lockOf(file), left);
    lockBench(file, "lab")();
  }
});

test("a link that somebody put in the lock's place is not written through", () => {
  const victim = join(folder.path, "victim");
  writeFileSync(victim, "untouched");
  symlinkSync(victim, lockOf(file));
  lockBench(file, "lab")();
  expect(existsSync(victim)).toBe(true);
});
