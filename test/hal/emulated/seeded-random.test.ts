import { describe, expect, test } from "vitest";
import { integerBelow, SeededRandom, uniform } from "../../../hal/emulated/seeded-random.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("SeededRandom", () => {
  test("the same seed gives the same bytes, in every release", () => {
    const random = new SeededRandom(7);
    expect(hex(random.bytes(8))).toBe("0a7d2dea4d094340");
    expect(hex(random.bytes(3))).toBe("eb50f4");
    expect(hex(new SeededRandom("7").fork("meter").bytes(8))).toBe("17ccb0f2e86a6a7a");
  });

  test("other seeds, other names and other paths give other bytes", () => {
    const root = new SeededRandom(7);
    const streams = [root, new SeededRandom(8), root.fork("a"), root.fork("b"), root.fork("a").fork("b")];
    expect(new Set(streams.map((stream) => hex(stream.bytes(16)))).size).toBe(streams.length);
  });

  test("a fork depends on its path alone, not on what was drawn or forked before", () => {
    const fresh = new SeededRandom("seed").fork("x").fork("y").bytes(32);
    const root = new SeededRandom("seed");
    root.bytes(1000);
    root.fork("other").bytes(5);
    const x = root.fork("x");
    x.bytes(3);
    expect(x.fork("y").bytes(32)).toEqual(fresh);
    expect(x.fork("y").bytes(32)).toEqual(fresh);
  });

  test("draws go from 0 to 65536 bytes, and others are misuse", () => {
    const random = new SeededRandom(1);
    expect(random.bytes(0)).toHaveLength(0);
    expect(random.bytes(65536)).toHaveLength(65536);
    for (const length of [-1, 1.5, 65537, Number.NaN]) expect(() => random.bytes(length)).toThrow(/draw/);
  });

  test("every bit of the bytes is as often 1 as 0", () => {
    const bytes = new SeededRandom("bits").bytes(65536);
    for (let bit = 0; bit < 8; bit++) {
      const ones = bytes.reduce((count, byte) => count + ((byte >> bit) & 1), 0);
      expect(Math.abs(ones - 32768)).toBeLessThan(5 * 128);
    }
  });
});

describe("helpers", () => {
  test("uniform stays below 1 and reaches 0, whatever the bytes are", () => {
    const constant = (byte: number) => ({
      bytes: (n: number) => new Uint8Array(n).fill(byte),
      fork: () => constant(byte),
    });
    expect(uniform(constant(0))).toBe(0);
    expect(uniform(constant(0xff))).toBe(1 - 2 ** -53);
    expect(integerBelow(constant(0xff), 10)).toBe(9);
    expect(integerBelow(constant(0xff), 2 ** 32)).toBe(2 ** 32 - 1);
  });

  test("integers below six fall on each face about as often", () => {
    const random = new SeededRandom("dice");
    const faces = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) {
      const face = integerBelow(random, 6);
      faces[face] = (faces[face] as number) + 1;
    }
    for (const count of faces) expect(Math.abs(count - 10_000)).toBeLessThan(5 * 91);
  });
});
