// Groups on the command line: meters, a DAP and head-ends, each a process of its own.
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { emptyFolder, type Finished, meterbench, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";

const folder = emptyFolder();
const cwd = folder.path;

afterEach(async () => {
  await stopAll();
  folder.remove();
});

/** The lines of JSON that a command prints. */
function linesOf({ stdout }: Finished) {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("a group is proposed, made, read through a DAP and with a member away, and made smaller", async () => {
  const run = (...args: string[]): Promise<Finished> => meterbench(args, { cwd });
  const ports = [await freePort(), await freePort(), await freePort()];
  const serve = (id: string, port = 0) =>
    startMeterbench(["serve", "--id", id, "--at", `udp:127.0.0.1:${port}`, "--block", "B7"], { cwd });
  await serve("M1", ports[0]);
  const second = await serve("M2", ports[1]);
  const routes = `meters: { M1: "udp:127.0.0.1:${ports[0]}", M2: "udp:127.0.0.1:${ports[1]}" }\ngroups: { B7: [M1, M2] }\n`;
  writeFileSync(join(cwd, "routes.yaml"), routes);
  const at = `udp:127.0.0.1:${ports[2]}`;
  await startMeterbench(
    ["dap", "--at", at, "--routes", "routes.yaml", "--distribute", "fan-out", "--return", "bundle"],
    { cwd },
  );

  const unknown = await run("group", "suggest");
  expect(unknown.stdout).toContain("Nothing is known of M1, M2");
  for (const id of ["M1", "M2"]) await run("info", `meter:${id}`, "--via", at);
  const [proposal] = linesOf(await run("group", "suggest", "--json"));
  expect(proposal).toMatchObject({ proposals: [{ name: "B7", block: "B7", members: ["M1", "M2"] }] });

  const misnamed = await run("group", "create", "B/7", "M1");
  expect([misnamed.code, misnamed.stderr]).toEqual([
    2,
    expect.stringMatching(/^B\/7 is no name: give 1 to 32/),
  ]);
  const made = await run("group", "create", "B7", "M1", "M2", "--json");
  expect([made.code, linesOf(made)]).toEqual([
    0,
    [{ group: "B7", members: ["M1", "M2"].map((meter) => ({ meter, outcome: "joined" })) }],
  ]);
  expect(statSync(join(cwd, ".meterbench", "groups.json")).mode & 0o777).toBe(0o600);

  const read = await run("group", "read", "B7", "1.8.0", "--json");
  expect(read.code).toBe(0);
  expect(linesOf(read)).toMatchObject([
    { meter: "M1", outcome: "answered", registers: [{ obis: "1-0:1.8.0*255", unit: "Wh" }] },
    { meter: "M2", outcome: "answered" },
    { group: "B7", answered: 2, missing: 0 },
  ]);
  // One request for both.
  expect(linesOf(read).at(-1)?.["requestBytes"]).toBeLessThan(110);

  await second.stop();
  const partly = await run("group", "read", "B7", "--within", "3", "--timeout", "1", "--json");
  expect(partly.code).toBe(5);
  expect(linesOf(partly)).toMatchObject([
    { meter: "M1", outcome: "answered" },
    { meter: "M2", outcome: "missing", why: expect.stringContaining("Nobody at") },
    { group: "B7", answered: 1, missing: 1 },
  ]);

  expect((await run("group", "remove", "B7", "M2", "--timeout", "1")).stdout).toBe(
    "Meter M1 has the keys of the group.\n",
  );
  const { stdout } = await run("group", "list");
  expect(stdout).toMatch(/B7 +block B7 +by configuration +1 of 1 joined/);
});
