// A DAP as a process between a head-end and meters that are processes, too.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { emptyFolder, meterbench, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;

beforeAll(() => {
  folder = emptyFolder();
  cwd = folder.path;
});
afterEach(stopAll);
afterAll(() => folder.remove());

/** A routes file with one meter M1 at a free port, and places for the DAP and the meter. */
async function places() {
  const [meter, dap] = [await freePort(), await freePort()];
  writeFileSync(join(cwd, "routes.yaml"), `meters: { M1: udp:127.0.0.1:${meter} }\ngroups: { B7: [M1] }\n`);
  return { meter: `udp:127.0.0.1:${meter}`, dap: `udp:127.0.0.1:${dap}` };
}

describe("a DAP", () => {
  test("is read through, or does without a process of its own, shows how it works, and counts for whoever collects", async () => {
    const { meter, dap } = await places();
    const metrics = await freePort();
    await startMeterbench(["serve", "--at", meter], { cwd });
    const more = ["--distribute", "fan-out", "--metrics", String(metrics)];
    const { ready } = await startMeterbench(["dap", "--at", dap, "--routes", "routes.yaml", ...more], {
      cwd,
    });
    expect(ready).toEqual({ ready: true, id: "DAP", address: dap });
    const read = await meterbench(["read", "meter:M1", "--via", dap, "--json"], { cwd });
    expect(read).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(read.stdout)).toMatchObject({ meter: "M1", registers: [{ obis: "1-0:1.8.0*255" }] });
    const status = await meterbench(["dap-status", dap, "--json"], { cwd });
    expect(JSON.parse(status.stdout)).toMatchObject({ id: "DAP", meters: 1, groups: { B7: ["M1"] } });
    const own = await meterbench(["read", "meter:M1", "--via", "routes:routes.yaml", "--json"], { cwd });
    expect(own).toMatchObject({ code: 0, stderr: "" });
    const counted = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    expect(counted).toContain("meterbench_dap_requests_total 2\n");
  });

  test("that is killed while it keeps a request goes on when it is started anew", async () => {
    const { meter, dap } = await places();
    const args = ["dap", "--at", dap, "--routes", "routes.yaml", "--return", "hold"];
    const first = await startMeterbench(args, { cwd });
    // A key, and the enrolment of the meter that is not there yet.
    await (await startMeterbench(["serve", "--at", meter], { cwd })).stop();
    const reading = meterbench(["read", "meter:M1", "--via", dap, "--delay-tolerance", "25"], { cwd });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await first.kill();
    await startMeterbench(args, { cwd });
    await startMeterbench(["serve", "--at", meter], { cwd });
    expect(await reading).toMatchObject({ code: 0, stderr: "" });
  });

  test("of a third party that is told to keep or to bundle says that it may not, and ends with 2", async () => {
    await places();
    for (const how of ["hold", "bundle"]) {
      const args = ["--at", "udp:127.0.0.1:1", "--routes", "routes.yaml", "--return", how, "--third-party"];
      const { code, stderr } = await meterbench(["dap", ...args], { cwd });
      expect([code, stderr]).toEqual([2, expect.stringContaining("third-party")]);
    }
  });

  test.each([
    ["routes that are wrong", "meters: { M1: { link: bus } }", [], "At meters.M1: there is no link bus"],
    [
      "a routes file that is no YAML",
      "meters:\n  M1: {",
      [],
      "routes.yaml cannot be used. It is no YAML at line 2",
    ],
    ["a meter of its own name", "meters: { DAP: udp:127.0.0.1:2 }", [], "give it another --id"],
    ["a meter at its own address", "meters: { M1: udp:127.0.0.1:1 }", [], "give one of them another port"],
    ["a time to keep what it does not keep", "{}", ["--hold", "5"], "give --return hold too"],
    ["a development key for the network", "{}", ["--at", "udp:0.0.0.0:1"], "give real keys with --keys"],
  ] as const)("with %s says so in one sentence, and does not start", async (_, routes, more, sentence) => {
    writeFileSync(join(cwd, "routes.yaml"), routes);
    const args = ["dap", "--at", "udp:127.0.0.1:1", "--routes", "routes.yaml", ...more];
    const { code, stderr } = await meterbench(args, { cwd });
    expect(code).toBe(more.some((each) => each.includes("0.0.0.0")) ? 4 : 2);
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test("that is asked as if it were a meter says what it is", async () => {
    const { dap } = await places();
    await startMeterbench(["dap", "--at", dap, "--routes", "routes.yaml"], { cwd });
    const read = await meterbench(["read", dap], { cwd });
    expect([read.code, read.stderr]).toEqual([
      2,
      expect.stringContaining("is a DAP and no meter: name a meter"),
    ]);
  });
});
