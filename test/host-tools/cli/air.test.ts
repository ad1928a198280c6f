// Meters by radio, over processes: `npm run test:commands` has this.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emptyFolder, meterbench, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";

let folder: ReturnType<typeof emptyFolder>;
const inFolder = (...args: string[]) => meterbench(args, { cwd: folder.path });

beforeAll(async () => {
  folder = emptyFolder();
  await startMeterbench(["serve", "--at", "xbee:pty:./air", "--count", "3", "--history", "2d"], {
    cwd: folder.path,
  });
}, 30_000);
afterAll(async () => {
  await stopAll();
  folder.remove();
}, 30_000);

/** Yesterday's intervals of a meter, all of them known. */
async function intervalsOfYesterday(...target: string[]): Promise<number> {
  const day = (agoMs: number) => new Date(Date.now() - agoMs).toISOString().slice(0, 10);
  const range = ["--from", day(86_400_000), "--to", day(0)];
  const { code, stdout, stderr } = await inFolder("profile", ...target, ...range, "--json");
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout).intervals.length;
}

test("each of three meters on an emulated air is read by its station, and then by its name", async () => {
  for (const number of [1, 2, 3]) {
    const at = `xbee:pty:./air?station=0013a2004100000${number}`;
    const read = await inFolder("read", at, "--meter", `M${number}`, "--json");
    expect([read.code, read.stderr]).toEqual([0, ""]);
    expect(JSON.parse(read.stdout)).toMatchObject({ meter: `M${number}` });
  }
  expect(await intervalsOfYesterday("meter:M2")).toBe(96);
}, 60_000);

test("and by a DAP whose module is at that PTY, a whole day in blocks of what a packet carries", async () => {
  const meters = [1, 2, 3].map(
    (number) => `  M${number}: { link: air, station: "0013A2004100000${number}" }`,
  );
  const routes = ["links: { air: xbee:pty:./air }", "meters:", ...meters].join("\n");
  writeFileSync(join(folder.path, "routes.yaml"), routes);
  const at = `udp:127.0.0.1:${await freePort()}`;
  const dap = await startMeterbench(["dap", "--at", at, "--routes", "routes.yaml"], { cwd: folder.path });
  expect(await intervalsOfYesterday("meter:M1", "--via", at)).toBe(96);
  expect(await intervalsOfYesterday("meter:M3", "--via", at)).toBe(96);
  await dap.stop();
}, 60_000);

test("a station that is not there is no answer, and an address without one a usage fault that says how", async () => {
  const missing = await inFolder("read", "xbee:pty:./air?station=0013a20041000009", "--timeout", "2");
  expect(missing.code).toBe(3);
  const nobody = await inFolder("read", "xbee:pty:./air");
  expect(nobody.code).toBe(2);
  expect(nobody.stderr).toContain("add the meter's station, as in xbee:pty:./air?station=0013a20041000001");
}, 60_000);

test("a line without a module there says what to look at", async () => {
  const { child } = await startMeterbench(["serve", "--at", "pty:./meter"], { cwd: folder.path });
  const read = await inFolder("read", "xbee:pty:./meter?station=0013a20041000001");
  child.kill();
  expect(read.code).toBe(3);
  expect(read.stderr).toContain("does not answer in API mode: set its AP to 1 or 2");
}, 60_000);
