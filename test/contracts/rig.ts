import { describe, expect, test } from "vitest";
import { registerValue } from "../../host-tools/hil/readings.ts";
import type { Rig } from "../../host-tools/hil/rig.ts";

const IMPORT = "1.8.0";

/** What any rig does whose first meter can be cut off its supply; `open` opens it for one test. */
export function rigContract(name: string, open: () => Promise<Rig>): void {
  describe(`${name} is a Rig`, () => {
    const withRig = async (run: (rig: Rig) => Promise<void>): Promise<void> => {
      const rig = await open();
      try {
        await run(rig);
      } finally {
        await rig.close();
      }
    };
    const firstOf = ({ meters: [meter] }: Rig) => {
      if (meter === undefined) throw new Error("a rig has a meter");
      return meter;
    };

    test("its first meter gets ready, answers by its name, and leaves frames and points as evidence", () =>
      withRig(async (rig) => {
        const meter = firstOf(rig);
        await meter.ready();
        const reading = await rig.headEnd.readRegisters(meter, [IMPORT]);
        const plate = await rig.headEnd.readNameplate(meter);
        expect(registerValue(reading, IMPORT)).toBeGreaterThanOrEqual(0);
        expect(meter.line.frames.some(({ direction }) => direction === "inbound")).toBe(true);
        const evidence = await rig.evidence();
        expect(evidence.points.some(({ register }) => register === "1-0:1.8.0*255")).toBe(true);
        expect(evidence.versions[`firmware of ${meter.id}`]).toBe(plate.firmwareVersion);
        expect(
          new DataView(evidence.framesPcapng.buffer, evidence.framesPcapng.byteOffset).getUint32(0),
        ).toBe(0x0a0d0d0a);
        expect(evidence.framesPcapng.length).toBeGreaterThan(500);
      }));

    test("what it offers is there", () =>
      withRig(async (rig) => {
        const meter = firstOf(rig);
        expect(meter.power !== undefined).toBe(rig.offers.has("power"));
        expect(meter.load !== undefined).toBe(rig.offers.has("load"));
        expect(meter.flash !== undefined).toBe(rig.offers.has("flash"));
        expect(rig.dap !== undefined).toBe(rig.offers.has("dap"));
        expect(rig.meters.length > 1).toBe(rig.offers.has("second-meter"));
      }));

    test("its clock goes on while time passes, and until gives up in the end", () =>
      withRig(async ({ clock }) => {
        const [startMs, startUtcMs] = [clock.monotonicMs(), clock.utcMs()];
        await clock.pass(120);
        expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(119);
        expect(Math.abs(clock.utcMs() - startUtcMs - (clock.monotonicMs() - startMs))).toBeLessThan(20);
        expect(await clock.until(() => false, 50, 10)).toBe(false);
        expect(await clock.until(async () => clock.monotonicMs() > startMs, 50, 10)).toBe(true);
      }));

    test("a stranger at its line is refused, and the known head-end is not in the least disturbed", () =>
      withRig(async (rig) => {
        const meter = firstOf(rig);
        await meter.ready();
        const stranger = await rig.headEnd.stranger();
        await expect(stranger.readRegisters(meter)).rejects.toMatchObject({ kind: "identity" });
        await rig.headEnd.readRegisters(meter);
      }));

    test("faults of its line hold until it is healed", () =>
      withRig(async (rig) => {
        const meter = firstOf(rig);
        await meter.ready();
        const inbound = (): number =>
          meter.line.frames.filter(({ direction }) => direction === "inbound").length;
        meter.line.setFaults({ drop: 1 });
        const before = inbound();
        const asked = rig.headEnd.readRegisters(meter);
        asked.catch(() => {});
        await rig.clock.pass(700);
        expect(inbound()).toBe(before);
        meter.line.setFaults(undefined);
        await asked;
        expect(inbound()).toBeGreaterThan(before);
      }));

    test("a meter whose supply is off does not answer, and is itself again afterwards", () =>
      withRig(async (rig) => {
        const meter = firstOf(rig);
        await meter.ready();
        const before = registerValue(await rig.headEnd.readRegisters(meter, [IMPORT]), IMPORT);
        await meter.power?.off();
        await meter.power?.off();
        const frames = meter.line.frames.length;
        const asked = rig.headEnd.readRegisters(meter);
        asked.catch(() => {});
        await rig.clock.pass(500);
        expect(meter.line.frames.slice(frames).every(({ direction }) => direction === "outbound")).toBe(true);
        await meter.power?.on();
        await meter.power?.on();
        await meter.ready();
        expect(
          registerValue(await rig.headEnd.readRegisters(meter, [IMPORT]), IMPORT),
        ).toBeGreaterThanOrEqual(before);
      }));

    test("a cut at any write comes while questions are asked, and what was told before is there after it", () =>
      withRig(async (rig) => {
        const meter = firstOf(rig);
        await meter.ready();
        let told = 0;
        let isOver = false;
        const cut = meter.power?.cut({ at: "any-write", offMs: 300 }).then(() => {
          isOver = true;
        });
        while (!isOver) {
          const reading = await rig.headEnd.readRegisters(meter, [IMPORT]).catch(() => undefined);
          if (reading !== undefined) told = Math.max(told, registerValue(reading, IMPORT));
          await rig.clock.pass(200);
        }
        await cut;
        await meter.ready();
        expect(
          registerValue(await rig.headEnd.readRegisters(meter, [IMPORT]), IMPORT),
        ).toBeGreaterThanOrEqual(told);
        expect((await rig.evidence()).events.map(({ name }) => name)).toContain("power-up");
      }));

    test("closing it twice does no harm", async () => {
      const rig = await open();
      await rig.close();
      await rig.close();
    });
  });
}
