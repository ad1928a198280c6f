// A short version of `npm run blindness`: fewer meters and days, and the settings that differ most.
import { describe, expect, test } from "vitest";
import { EMPTY, fromHex, fromText } from "../../firmware/protocol/bytes.ts";
import { Explainer } from "../../host-tools/decode/explain.ts";
import { Learnt } from "../../host-tools/decode/learnt.ts";
import { AREA_TOLERANCE, blindness } from "./blindness.ts";
import { Canaries, isChance, shortHits } from "./canaries.ts";
import { bestGuess } from "./distinguisher.ts";
import { SETTINGS } from "./settings.ts";

const OPTIONS = { seed: 1, meters: 5, days: 3, unpaddedDays: 5 };

describe("somebody in the place of a DAP", () => {
  test("finds no secret, and tells no high day from a low one; without protection and padding he does", async () => {
    const settings = ["per meter, forward", "fan-out, bundle"];
    const figures = await blindness({ ...OPTIONS, settings });
    expect(figures.faults).toEqual([]);
    expect(Math.abs(figures.days.guess.area - 0.5)).toBeLessThan(AREA_TOLERANCE);
    expect(figures.unpadded.guess.area).toBeGreaterThan(0.8);
    expect(figures.unprotected.canaries.serialNumbers.hits).toBeGreaterThan(0);
    expect(figures.unprotected.canaries.registers.hits).toBeGreaterThan(0);
  });
});

describe("what decode shows of such a recording", () => {
  test("is aliases, the group's id, kinds of messages and their sizes, and no secret", async () => {
    const setting = SETTINGS["fan-out, bundle"] ?? expect.fail();
    const { recorded, secrets } = await setting({ seed: 2, meters: 3 });
    const canaries = new Canaries();
    for (const secret of [...secrets.keys.values(), ...secrets.plaintexts]) canaries.add(secret);
    const explainer = new Explainer();
    const fields = recorded.flatMap(({ bytes }) =>
      explainer
        .explain(bytes)
        .flatMap(({ layer, fields: of }) =>
          Object.entries(of).map(([name, value]) => [`${layer} ${name}`, String(value)] as const),
        ),
    );
    const shown = (name: string) => new Set(fields.filter(([of]) => of === name).map(([, value]) => value));
    const learnt = new Learnt();
    for (const { bytes } of recorded) learnt.take(bytes);
    const { aliases, groups, codes, handshakes, toleranceSeconds, sealedAnswerBytes } = learnt.summary();
    expect(Object.keys(aliases)).toEqual(["B1", "M1", "M2", "M3"]);
    expect([...shown("oscore Gid")]).toEqual(Object.keys(groups));
    expect(Object.keys(codes)).toEqual(["0.00", "0.02", "2.04", "2.05"]);
    expect({ handshakes, toleranceSeconds }).toEqual({ handshakes: 7, toleranceSeconds: {} });
    // Of one register and of two, of 24 intervals and of 96 on two rungs.
    expect(Object.keys(sealedAnswerBytes)).toEqual(
      expect.arrayContaining(["25", "30", "60", "76", "164", "228"]),
    );
    for (const [, value] of fields)
      for (const bytes of [fromText(value), fromHex(value) ?? EMPTY]) expect(canaries.hitsIn(bytes)).toBe(0);
    expect(shown("bundled alias")).toEqual(new Set(["M1", "M2", "M3"]));
    expect(shown("oscore Gid").size).toBe(1);
    expect(shown("coap code")).toEqual(new Set(["0.02 POST", "2.04", "2.05", "0.00"]));
    expect(shown("bundled ciphertext bytes").size).toBeGreaterThan(1);
    expect([...shown("coap options")].join()).toContain("Uri-Host M1");
  });
});

describe("a search for secrets", () => {
  const bytes = (length: number, of: (i: number) => number): Uint8Array =>
    Uint8Array.from({ length }, (_, i) => of(i));

  test("finds a piece of eight bytes at any place, and no shorter one", () => {
    const canaries = new Canaries();
    const secret = bytes(16, (i) => 200 + i);
    canaries.add(secret);
    expect(canaries.count).toBe(9);
    expect(canaries.hitsIn(Uint8Array.of(1, 2, 3, ...secret.subarray(5, 13), 9))).toBe(1);
    expect(canaries.hitsIn(Uint8Array.of(1, 2, 3, ...secret.subarray(5, 12), 9))).toBe(0);
  });

  test("takes nothing for a secret that is all of one kind, as padding is", () => {
    const canaries = new Canaries();
    canaries.add(new Uint8Array(40));
    expect(canaries.count).toBe(0);
  });

  test("tells short values that are there too often from those of chance", () => {
    const value = Uint8Array.of(0x19, 0x27, 0x10);
    const noise = bytes(60_000, (i) => (i * i * 31 + (i >> 3) * 17) % 256);
    expect(shortHits([value], [noise]).every(isChance)).toBe(true);
    const hit = { bytes: 3, values: 1, sigmas: 0 };
    expect([0, 1, 2].map((hits) => isChance({ ...hit, hits, byChance: 0.001 }))).toEqual([true, true, false]);
    expect([0, 11, 12, 40].map((hits) => isChance({ ...hit, hits, byChance: 16 }))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    const told = Uint8Array.of(...Array.from({ length: 20 }, () => [...value, 7]).flat());
    expect(shortHits([value], [noise, told]).every(isChance)).toBe(false);
  });
});

describe("a guess by lengths", () => {
  const days = (lengthOf: (wattHours: number) => number) =>
    Array.from({ length: 400 }, (_, i) => {
      const wattHours = (i * 7919) % 1009;
      return { meter: `M${i % 4}`, lengths: [-35, lengthOf(wattHours)], wattHours };
    });

  test("is a coin where each message is as long as the others", () => {
    expect(bestGuess(days(() => 171)).area).toBe(0.5);
  });

  test("is right where a high day is a little longer, or as long by other lengths", () => {
    expect(bestGuess(days((wattHours) => 100 + Math.round(wattHours / 100))).area).toBeGreaterThan(0.95);
    expect(
      bestGuess(days((wattHours) => (wattHours > 500 ? 100 + 20 * (wattHours % 2) : 110))).area,
    ).toBeGreaterThan(0.95);
  });
});
