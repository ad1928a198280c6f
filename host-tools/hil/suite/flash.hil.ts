// A meter's board is given another image, over the meter's own line.
import { headBytesOf, readEnvelope } from "../../../firmware/update/image.ts";
import { expect, lasting, needs, type RigFlash, type RigMeter, registerValue, test } from "../index.ts";

const IMPORT = "1.8.0";
const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

function envelopeOf(image: Uint8Array): Uint8Array {
  const envelope = readEnvelope(image);
  if ("refusal" in envelope) throw new Error(envelope.why);
  return envelope;
}

function flashOf({ flash }: RigMeter): RigFlash {
  if (flash === undefined) throw new Error("a meter that can be flashed was asked for");
  return flash;
}

test(
  "a new image is taken, confirmed, and the meter is who it was",
  lasting(1200, "flash"),
  async ({ meter, headEnd }) => {
    const before = registerValue(await headEnd.readRegisters(meter, [IMPORT]), IMPORT);
    const { serialNumber } = await headEnd.readNameplate(meter);
    const flash = flashOf(meter);
    const { end } = await flash.flash(flash.image());
    // A bench has one image for a real board, which may have it from the last run.
    expect(["confirmed", "unchanged"]).toContain(end);
    await meter.ready();
    expect(registerValue(await headEnd.readRegisters(meter, [IMPORT]), IMPORT)).toBeGreaterThanOrEqual(
      before,
    );
    expect((await headEnd.readNameplate(meter)).serialNumber).toBe(serialNumber);
    const { current, slots, trial } = await flash.report();
    expect([trial, current && slots[current]?.state]).toEqual([undefined, "confirmed"]);
  },
);

test(
  "an image that its author did not sign so is refused by the board, and changes nothing",
  lasting(300, "flash"),
  async ({ meter }) => {
    const flash = flashOf(meter);
    const before = await flash.report();
    const image = flash.image();
    const spoilt = image.slice();
    // A signature is the end of what stands before the files; whoever flashes leaves it to the board.
    const at = headBytesOf(envelopeOf(image)) - 9;
    spoilt[at] = (spoilt[at] ?? 0) ^ 1;
    await expect(flash.flash(spoilt)).rejects.toMatchObject({ refusal: "signature" });
    const after = await flash.report();
    expect([after.current, after.floor, after.trial]).toEqual([before.current, before.floor, before.trial]);
  },
);

// A real bench has one image, which is no older than itself.
test(
  "an image that is older than a confirmed one is refused, though its author signed it",
  needs("flash", "time"),
  async ({ meter }) => {
    const flash = flashOf(meter);
    const older = flash.image();
    expect((await flash.flash(older)).end).toBe("confirmed");
    await meter.ready();
    expect((await flash.flash(flash.image())).end).toBe("confirmed");
    await meter.ready();
    const before = await flash.report();
    await expect(flash.flash(older)).rejects.toMatchObject({ refusal: "rollback" });
    const after = await flash.report();
    expect([after.current, after.floor, after.trial]).toEqual([before.current, before.floor, undefined]);
  },
);

test(
  "an image that never gets well is given up for the one before",
  needs("flash", "time"),
  async ({ meter, headEnd }) => {
    const flash = flashOf(meter);
    const before = await flash.report();
    const { end } = await flash.flash(flash.image("sick"));
    expect(end).toBe("rolled-back");
    await meter.ready();
    await headEnd.readRegisters(meter);
    const after = await flash.report();
    expect([after.current, after.floor, after.outcome?.kind]).toEqual([
      before.current,
      before.floor,
      "rolled-back",
    ]);
  },
);

test(
  "a supply that goes while an image comes costs time, and no meter",
  needs("flash", "power", "time"),
  async ({ meter, power, clock }) => {
    const flash = flashOf(meter);
    const flashed = flash.flash(flash.image());
    for (let cuts = 0; cuts < 4; cuts++) {
      await power.cut({ at: "any-write", offMs: 5 * SECOND_MS });
      await clock.pass(3 * SECOND_MS);
    }
    expect(["confirmed", "rolled-back"]).toContain((await flashed).end);
    await meter.ready();
    const { current, slots } = await flash.report();
    expect(current && slots[current]?.state).toBe("confirmed");
    await clock.pass(20 * MINUTE_MS);
    await meter.ready();
  },
);
