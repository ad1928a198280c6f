import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockBench } from "../../../../host-tools/hil/run/bench-lock.ts";
import { emptyFolder, run } from "../../../support/command.ts";

let folder: ReturnType<typeof emptyFolder>;
let file: string;

beforeEach(() => {
  folder = emptyFolder();
  file = join(folder.path, "lab.yaml");
  writeFileSync(file, "");
});
afterEach(() => folder.remove());

const IN_USE = {
  name: "InfrastructureFault",
  message: "The bench lab is in use by another run of tests: wait for its end.",
};

test.runIf(process.platform === "linux")(
  "a bench is one run's at a time, by whatever name its file is called",
  async () => {
    const unlock = await lockBench(file, "lab");
    symlinkSync(file, join(folder.path, "other.yaml"));
    await expect(lockBench(join(folder.path, "other.yaml"), "lab")).rejects.toMatchObject(IN_USE);
    unlock();
    (await lockBench(file, "lab"))();
  },
);

test("a run that is killed leaves nothing that keeps the next one out", async () => {
  const script = join(folder.path, "run.mts");
  const module = join(process.cwd(), "host-tools/hil/run/bench-lock.ts");
  writeFileSync(
    script,
    `import { lockBench } from ${JSON.stringify(module)};
    await lockBench(${JSON.stringify(file)}, "lab");
    process.stdout.write("taken");
    process.kill(process.pid, "SIGKILL");`,
  );
  expect((await run(process.execPath, ["--import", "tsx", script])).stdout).toBe("taken");
  (await lockBench(file, "lab"))();
});
