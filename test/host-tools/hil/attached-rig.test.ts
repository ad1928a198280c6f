// A bench whose meter is a process of its own at a PTY: to the kit it is as real as any board.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { Bench } from "../../../host-tools/hil/bench.ts";
import { readBenchFile } from "../../../host-tools/hil/bench-file.ts";
import { openRig } from "../../../host-tools/hil/open-rig.ts";
import { rigContract } from "../../contracts/rig.ts";
import { emptyFolder } from "../../support/command.ts";

const MAIN = fileURLToPath(new URL("../../../dist/host-tools/cli/main.js", import.meta.url));
const folder = emptyFolder();
afterAll(() => folder.remove());

function benchOf(meters: string): Bench {
  const bench = readBenchFile(`name: lab\nheadEnd: { home: home }\nmeters: [${meters}]`, folder.path);
  if ("error" in bench) throw new Error(bench.error);
  return bench;
}

const serve = (id: string): string => {
  const words = [process.execPath, MAIN, "serve", "--at", `pty:./${id}`, "--id", id, "--load", "watts:12000"];
  return JSON.stringify([...words, "--state", "state", "--home", "home", "--json"]);
};
const processMeter = (id: string): string =>
  `{ id: ${id}, line: "pty:./${id}", power: { driver: process, start: ${serve(id)}, offSeconds: 0.3 } }`;
const LAB = benchOf(processMeter("M1"));

rigContract("a bench of a process at a PTY", () => openRig(LAB));

describe("an attached bench", () => {
  test("keeps what its boards print", async () => {
    const rig = await openRig(LAB);
    await rig.meters[0]?.ready();
    expect((await rig.evidence()).console).toContain('M1 printed: {"ready":true,"id":"M1"');
    await rig.close();
  });

  test("mixed with emulated meters has one head-end for all, in real time", async () => {
    const rig = await openRig(benchOf(`${processMeter("M1")}, { id: E1, watts: 3000 }`));
    expect(rig.kind).toBe("mixed");
    for (const meter of rig.meters) {
      await meter.ready();
      expect(await rig.headEnd.readNameplate(meter)).toMatchObject({ type: "meterbench 1-phase" });
    }
    expect([rig.offers.has("time"), rig.offers.has("power"), rig.offers.has("load")]).toEqual([
      false,
      true,
      false,
    ]);
    await rig.close();
  });

  test("with a meter that is not plugged in opens at once, and only that meter's use is the bench's fault", async () => {
    const startedMs = performance.now();
    const rig = await openRig(benchOf(`{ id: M9, line: "pty:./not-there" }, ${processMeter("M1")}`));
    const [gone, there] = rig.meters;
    if (gone === undefined || there === undefined) throw new Error("a bench of two");
    await expect(gone.ready()).rejects.toMatchObject({ name: "InfrastructureFault" });
    expect(() => gone.line).toThrow(/not-there/);
    await there.ready();
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    await rig.close();
  });

  test.each([
    ["{ home: nowhere }", "There is no head-end's key"],
    ["{ keys: nowhere.key.json, trust: [x.json] }", "nowhere.key.json cannot be read (ENOENT)"],
  ])("whose keys are not there, %s, says so", async (headEnd, sentence) => {
    mkdirSync(folder.path, { recursive: true });
    const bench = readBenchFile(
      `name: a\nheadEnd: ${headEnd}\nmeters: [{ id: M1, line: 'pty:x' }]`,
      folder.path,
    );
    if ("error" in bench) throw new Error(bench.error);
    await expect(openRig(bench)).rejects.toMatchObject({
      name: "InfrastructureFault",
      message: expect.stringContaining(sentence),
    });
  });

  test("does not show a development key beyond this machine", async () => {
    const first = await openRig(LAB);
    await first.close();
    const rig = await openRig(benchOf(`{ id: M1, line: "udp:192.0.2.1:5683" }`));
    await expect(rig.meters[0]?.ready()).rejects.toThrow(/development key/);
    await rig.close();
  });
});
