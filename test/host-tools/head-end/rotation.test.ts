// A key's rotation over cuts and losses. All of them, and many in a row: `npm run power-loss -- keys`.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equal } from "../../../firmware/protocol/bytes.ts";
import { settle } from "../../../host-tools/world/single-line.ts";
import { RotatingMeter } from "../../support/rotating-meter.ts";
import { faultAfter, TROUBLES } from "../../support/rotation-troubles.ts";

describe("a rotation", () => {
  test("gives the meter a key that nobody had, in its own name, and the registry with it; both are logged", async () => {
    const meter = new RotatingMeter();
    const { outcome, credential } = await meter.rotate();
    expect([outcome, credential.id]).toEqual(["rotated", "M1"]);
    expect(equal(credential.bytes, meter.made.credential.bytes)).toBe(false);
    expect(meter.registry.find("M1")).toMatchObject({ credential: { kid: credential.kid } });
    expect(meter.world.logged().slice(-2)).toEqual(["key-rotation-begun", "key-rotated"]);
    expect(meter.current.signingSecretKey).toEqual(meter.made.signingSecretKey);
    meter.close();
  });

  test("that is begun twice has one next key, and the old one answers until that is confirmed", async () => {
    const meter = new RotatingMeter();
    const { clock, headEnd, target } = meter.world;
    const first = await settle(clock, headEnd.rotateKey(target, "begin"));
    const again = await settle(clock, headEnd.rotateKey(target, "begin"));
    expect(again.body.next?.bytes).toEqual(first.body.next?.bytes);
    expect(meter.world.logged().filter((name) => name === "key-rotation-begun")).toHaveLength(1);
    expect(equal(meter.current.credential.bytes, meter.made.credential.bytes)).toBe(true);
    meter.restart();
    expect(meter.next?.credential.bytes).toEqual(first.body.next?.bytes);
    expect((await meter.world.read()).meter).toBe("M1");
    meter.close();
  });
});

describe("a rotation that is cut leaves a meter that answers, and once more completes it:", () => {
  const ofKind = (...kinds: string[]) => TROUBLES.filter(({ kind }) => kinds.includes(kind));

  test.each(ofKind("key store", "registry"))("%j", async (trouble) => {
    expect(await faultAfter([trouble])).toBeUndefined();
  });

  test("with the line gone from some datagram on, with and without the meter's power", async () => {
    const each7th = ofKind("line").filter((_, i) => i % 7 === 0);
    for (const trouble of each7th)
      expect([trouble, await faultAfter([trouble])]).toEqual([trouble, undefined]);
  });

  test("with the power gone in some operation of the journal", async () => {
    const each6th = ofKind("journal").filter((_, i) => i % 6 === 0);
    for (const trouble of each6th)
      expect([trouble, await faultAfter([trouble])]).toEqual([trouble, undefined]);
  });

  test("with one trouble after another", async () => {
    const troubles = fc.array(fc.constantFrom(...TROUBLES), { minLength: 2, maxLength: 4 });
    const property = fc.asyncProperty(troubles, async (all) => (await faultAfter(all)) === undefined);
    await fc.assert(property, { numRuns: 2 });
  });
});
