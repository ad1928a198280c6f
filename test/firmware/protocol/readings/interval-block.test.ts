import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../../firmware/protocol/bytes.ts";
import type { Interval } from "../../../../firmware/protocol/readings/interval.ts";
import {
  decodeBlock,
  encodeBlock,
  PADDING_TENTHS,
  padBlock,
} from "../../../../firmware/protocol/readings/interval-block.ts";
import vectors from "../../../vectors/readings/blocks.json" with { type: "json" };

const MAX = 0x100000;

interface Vector {
  readonly values: readonly (number | null)[];
  readonly flags?: readonly number[];
}

function intervalsOf({ values, flags }: Vector): Interval[] {
  return values.map((value, i) => ({ value: value ?? undefined, flags: flags?.[i] ?? 0 }));
}

function plain(values: readonly number[]): Interval[] {
  return values.map((value) => ({ value, flags: 0 }));
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === undefined) throw new Error(`vector ${hex}`);
  return bytes;
}

const series = fc.oneof(
  fc.array(fc.integer({ min: 0, max: MAX }), { minLength: 1, maxLength: 96 }),
  fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 1, maxLength: 96 }),
  fc.array(fc.integer({ min: 40, max: 400 }), { minLength: 1, maxLength: 96 }),
  fc.array(fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 60 }) }, fc.constant(MAX)), {
    minLength: 1,
    maxLength: 96,
  }),
  fc
    .tuple(fc.integer({ min: 0, max: MAX }), fc.integer({ min: 1, max: 96 }))
    .map(([value, count]) => Array<number>(count).fill(value)),
  fc.integer({ min: 1, max: 96 }).map((count) => Array.from({ length: count }, (_, i) => (i % 2) * MAX)),
);
const flags = fc.oneof(
  { weight: 20, arbitrary: fc.constant(0) },
  fc.constantFrom(0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x80, 0x90, 0xbf),
);
const intervals: fc.Arbitrary<Interval[]> = fc
  .tuple(series, fc.array(flags, { minLength: 96, maxLength: 96 }))
  .map(([values, all]) =>
    values.map((value, i) => {
      const byte = all[i] ?? 0;
      return { value: (byte & 0x10) === 0 ? value : undefined, flags: byte };
    }),
  );

describe("an interval block", () => {
  test.each(vectors.written)("is written as in the vector: $name", ({ hex, ...vector }) => {
    expect(toHex(encodeBlock(intervalsOf(vector)))).toBe(hex.replaceAll(" ", ""));
    expect(decodeBlock(bytesOf(hex), vector.values.length)).toEqual(intervalsOf(vector));
  });

  test.each(vectors.readOnly)("is read in every coding, the shortest or not: $name", ({ hex, values }) => {
    expect(decodeBlock(bytesOf(hex), values.length)).toEqual(plain(values));
  });

  test.each(vectors.refused)("is refused: $name", ({ hex, count }) => {
    expect(decodeBlock(bytesOf(hex), count)).toBeUndefined();
  });

  test("comes back as it was given, bare and padded", () => {
    const property = fc.property(intervals, (given) => {
      const block = encodeBlock(given);
      expect(decodeBlock(block, given.length)).toEqual(given);
      for (const tenths of PADDING_TENTHS) {
        const padded = padBlock(block, given.length, tenths);
        if (padded !== undefined) expect(decodeBlock(padded, given.length)).toEqual(given);
      }
    });
    fc.assert(property, { seed: 4, numRuns: 400 });
  });

  test("is refused with any count but its own", () => {
    const property = fc.property(intervals, (given) => {
      const block = encodeBlock(given);
      for (const bytes of [block, padBlock(block, given.length, 41) ?? block]) {
        for (let count = 1; count <= 96; count++) {
          if (count !== given.length) expect(decodeBlock(bytes, count)).toBeUndefined();
        }
      }
    });
    fc.assert(property, { seed: 5, numRuns: 60 });
  });

  test("is refused when a byte is cut off or put behind it", () => {
    const property = fc.property(intervals, (given) => {
      const block = encodeBlock(given);
      const n = given.length;
      const ladder = new Set(PADDING_TENTHS.map((tenths) => padBlock(block, n, tenths)?.length));
      expect(decodeBlock(block.subarray(0, -1), n)).toBeUndefined();
      expect(decodeBlock(concat(block, Uint8Array.of(1)), n)).toBeUndefined();
      if (!ladder.has(block.length + 1)) {
        expect(decodeBlock(concat(block, Uint8Array.of(0)), n)).toBeUndefined();
      }
    });
    fc.assert(property, { seed: 6, numRuns: 200 });
  });

  test("with any one bit of its padded form flipped is refused or has as many intervals in range", () => {
    const property = fc.property(intervals, (given) => {
      const padded = padBlock(encodeBlock(given), given.length, 14);
      for (let bit = 0; bit < 8 * (padded?.length ?? 0); bit++) {
        const flipped = Uint8Array.from(padded as Uint8Array);
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (0x80 >> (bit & 7));
        const found = decodeBlock(flipped, given.length) ?? given;
        expect(found.length).toBe(given.length);
        expect(found.every(({ value = 0 }) => value >= 0 && value <= MAX)).toBe(true);
      }
    });
    fc.assert(property, { seed: 7, numRuns: 30 });
  });

  test("of a million zeros or ones after any mode is refused at once", () => {
    for (let mode = 0; mode < 256; mode++) {
      for (const filling of [0x00, 0xff]) {
        const bomb = new Uint8Array(mode % 16 === 0 ? 1_000_000 : 1000).fill(filling);
        bomb[0] = mode;
        expect(decodeBlock(bomb, 96)).toBeUndefined();
      }
    }
  });

  test("takes no more than plain 16 bits do, whatever the values", () => {
    const values = fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 1, maxLength: 96 });
    const property = fc.property(values, (given) => {
      expect(encodeBlock(plain(given)).length).toBeLessThanOrEqual(2 + 2 * given.length);
    });
    fc.assert(property, { seed: 8, numRuns: 200 });
  });

  test("takes about a byte an interval for a day like a household's", () => {
    const day = Array.from(
      { length: 96 },
      (_, i) => 40 + ((i * i * 7919) % 97) + (i > 68 && i < 84 ? 300 : 0),
    );
    expect(encodeBlock(plain(day)).length).toBeLessThanOrEqual(110);
  });

  test("is padded to the length that its count and the meter's type give, and no other", () => {
    const short = encodeBlock(plain([5]));
    expect([24, 48, 96].map((count) => padBlock(short, count, 14)?.length)).toEqual([40, 72, 144]);
    expect([24, 48, 96].map((count) => padBlock(short, count, 21)?.length)).toEqual([56, 112, 208]);
    expect([24, 48, 96].map((count) => padBlock(short, count, 41)?.length)).toEqual([104, 208, 400]);
  });

  test("that is longer than its padding is not cut", () => {
    const wild = plain(Array.from({ length: 96 }, (_, i) => (i * 40503) % 65536));
    const block = encodeBlock(wild);
    expect(padBlock(block, 96, 14)).toBeUndefined();
    expect(padBlock(block, 96, 21)?.length).toBe(208);
  });

  test.each([
    [{ value: -1, flags: 0 }],
    [{ value: 0.5, flags: 0 }],
    [{ value: MAX + 1, flags: 0 }],
    [{ value: undefined, flags: 0 }],
    [{ value: 1, flags: 0x10 }],
    [{ value: 1, flags: 0x40 }],
  ])("of what is no interval (%j) is a bug of the caller", (interval) => {
    expect(() => encodeBlock([interval])).toThrow("no interval");
  });

  test("of no intervals or more than 96 is a bug of the caller", () => {
    expect(() => encodeBlock([])).toThrow("1 to 96");
    expect(() => encodeBlock(plain(Array(97).fill(0)))).toThrow("1 to 96");
    expect(() => decodeBlock(new Uint8Array(8), 0)).toThrow("1 to 96");
    expect(() => decodeBlock(new Uint8Array(8), 97)).toThrow("1 to 96");
  });
});
