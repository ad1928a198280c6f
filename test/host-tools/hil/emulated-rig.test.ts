import { describe, expect, test } from "vitest";
import { emulatedBench } from "../../../host-tools/hil/bench.ts";
import { openRig } from "../../../host-tools/hil/open-rig.ts";
import type { Rig } from "../../../host-tools/hil/rig.ts";
import { rigContract } from "../../contracts/rig.ts";

const BENCH = emulatedBench("/");

rigContract("an emulated bench", () => openRig(BENCH));

describe("an emulated bench", () => {
  const story = async (seed: number) => {
    const rig = await openRig(BENCH, seed);
    const [meter] = rig.meters;
    if (meter === undefined) throw new Error("a rig has a meter");
    await meter.ready();
    await meter.power?.cut({ at: "any-write" });
    await meter.ready();
    return ending(rig);
  };
  const ending = async (rig: Rig) => {
    const { framesPcapng, console } = await rig.evidence();
    await rig.close();
    return { frames: Buffer.from(framesPcapng).toString("hex"), console };
  };

  test("does the same again for the same seed, to the byte, and something else for another", async () => {
    const first = await story(7);
    expect(await story(7)).toEqual(first);
    expect((await story(8)).frames).not.toBe(first.frames);
  });

  test("plays a day at once, with the energy of it", async () => {
    const rig = await openRig(BENCH);
    const [meter] = rig.meters;
    if (meter === undefined) throw new Error("a rig has a meter");
    await meter.ready();
    await rig.clock.pass(86_400_000);
    const { entries } = await rig.headEnd.readRegisters(meter);
    // 2 kW for a day, by a part that is good to some parts in a thousand.
    expect(entries).toEqual([
      { register: "1-0:1.8.0*255", quality: "measured", value: expect.closeTo(48_000, -3) },
    ]);
    await rig.close();
  });

  test("at a time scale lives in real time, so much faster", async () => {
    const rig = await openRig({ ...BENCH, timeScale: 200 });
    expect(rig.offers.has("time")).toBe(false);
    // The bench has caught up with what its making took.
    await rig.clock.pass(1);
    const startedMs = performance.now();
    await rig.clock.pass(20_000);
    expect(performance.now() - startedMs).toBeGreaterThan(50);
    await rig.close();
  });
});
