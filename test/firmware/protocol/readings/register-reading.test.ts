import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../../../firmware/protocol/bytes.ts";
import { type CborValue, encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import {
  decodeRegisterReading,
  decodeRegisterRequest,
  encodeRegisterReading,
  encodeRegisterRequest,
  type RegisterEntry,
  type RegisterReading,
} from "../../../../firmware/protocol/readings/register-reading.ts";
import { REGISTERS } from "../../../../firmware/protocol/readings/register-table.ts";
import vectors from "../../../vectors/readings/bodies.json" with { type: "json" };

const IMPORT = "1-0:1.8.0*255";

const register = fc.constantFrom(...REGISTERS.map(({ obis }) => obis), "1-0:5.8.0*255");
const value = fc.oneof(
  fc.integer({ min: -0x100000000, max: 0xffffffff }),
  fc.constantFrom(-0x100000000, -25, -24, -1, 0, 23, 24, 255, 256, 65535, 65536, 0xffffffff),
);
const entry: fc.Arbitrary<RegisterEntry> = fc.oneof(
  fc.record({ register, quality: fc.constantFrom("measured", "derived", "stale"), value }),
  fc.record({
    ...{ register, quality: fc.constantFrom("measured", "derived", "stale"), value },
    atSeconds: fc.integer({ min: 65536, max: 0xfffffffe }),
  }),
  fc.record({ register, quality: fc.constantFrom("unavailable", "not-in-meter") }),
);
const reading: fc.Arbitrary<RegisterReading> = fc
  .record({
    timeSeconds: fc.option(fc.integer({ min: 65536, max: 0xfffffffe }), { nil: undefined }),
    status: fc.integer({ min: 0, max: 22 }),
    entries: fc.array(entry, { minLength: 1, maxLength: 16 }),
  })
  .map((r) => (r.timeSeconds === undefined ? { ...r, status: r.status | 1 } : r));

function registersOf({ entries }: RegisterReading): string[] {
  return entries.map((each) => each.register);
}

describe("a request for registers", () => {
  test.each(vectors.registerRequests)("$name", ({ registers, hex }) => {
    const body = encodeRegisterRequest(registers);
    expect(toHex(body)).toBe(hex.replaceAll(" ", ""));
    expect(decodeRegisterRequest(body)).toEqual(registers);
  });

  test("a register with a number may be named by its six bytes", () => {
    const body = encodeCbor([Uint8Array.of(1, 0, 1, 8, 0, 255)]);
    expect(decodeRegisterRequest(body)).toEqual([IMPORT]);
  });

  test("has 1 to 16 registers", () => {
    expect(() => encodeRegisterRequest([])).toThrow();
    expect(() => encodeRegisterRequest(Array(17).fill(IMPORT))).toThrow();
    expect(decodeRegisterRequest(encodeCbor([]))).toBeUndefined();
    expect(decodeRegisterRequest(encodeCbor(Array(16).fill(0)))).toHaveLength(16);
    expect(decodeRegisterRequest(encodeCbor(Array(17).fill(0)))).toBeUndefined();
  });

  test.each<[CborValue]>([[0], [null], [[24]], [[0, null]], [[[0]]], [new Map([[0, 0]])]])(
    "%j is refused",
    (body) => {
      expect(decodeRegisterRequest(encodeCbor(body))).toBeUndefined();
    },
  );
});

describe("an answer with registers", () => {
  test.each(vectors.registerReadings)("$name", ({ hex, timeSeconds, ...rest }) => {
    const given = { timeSeconds, ...rest } as unknown as RegisterReading & { name: string };
    const body = encodeRegisterReading(given);
    expect(toHex(body)).toBe(hex.replaceAll(" ", ""));
    const { status, entries } = given;
    expect(decodeRegisterReading(body, registersOf(given))).toEqual({ timeSeconds, status, entries });
  });

  test("comes back as it was given", () => {
    const property = fc.property(reading, (given) => {
      expect(decodeRegisterReading(encodeRegisterReading(given), registersOf(given))).toEqual(given);
    });
    fc.assert(property, { seed: 2, numRuns: 500 });
  });

  test("its length depends on nothing but the number of registers, of values not plainly measured and of maxima", () => {
    const property = fc.property(reading, (given) => {
      const n = given.entries.length;
      const timed = given.entries.filter((each) => "atSeconds" in each).length;
      const qualified = given.entries.filter((each) => !("atSeconds" in each) && each.quality !== "measured");
      const room = 5 * n + 1 + 2 * qualified.length + 7 * timed;
      const secondString = encodeRegisterReading(given).length - (7 + room);
      expect(secondString).toBe(0);
    });
    fc.assert(property, { seed: 3, numRuns: 1000 });
  });

  test("its length is the same for every value, up to the edges of what CBOR writes in a byte more", () => {
    for (let n = 1; n <= 16; n++) {
      for (const small of [0, 23, 24, 255, 256, 65535, 65536, 0xffffffff]) {
        for (let wide = 0; wide <= n; wide++) {
          const entries = Array.from({ length: n }, (_, i): RegisterEntry => {
            return { register: IMPORT, quality: "measured", value: i < wide ? 0xffffffff : small };
          });
          const body = encodeRegisterReading({ timeSeconds: 1764000000, status: 0, entries });
          expect(body.length).toBe(8 + 5 * n);
        }
      }
    }
  });

  test("one register takes 13 bytes", () => {
    const entries: RegisterEntry[] = [{ register: IMPORT, quality: "measured", value: 3_500_000 }];
    expect(encodeRegisterReading({ timeSeconds: 1764000000, status: 0, entries })).toHaveLength(13);
  });

  test("a value beyond five bytes is unavailable, not cut", () => {
    const entries: RegisterEntry[] = [{ register: IMPORT, quality: "measured", value: 0x100000000 }];
    const body = encodeRegisterReading({ timeSeconds: 1764000000, status: 0, entries });
    expect(decodeRegisterReading(body, [IMPORT])?.entries).toEqual([
      { register: IMPORT, quality: "unavailable" },
    ]);
  });

  test("a maximum has the end of its period beside it", () => {
    const entries: RegisterEntry[] = [
      { register: "1-0:1.6.0*255", quality: "measured", value: 3680, atSeconds: 1763999100 },
    ];
    const body = encodeRegisterReading({ timeSeconds: 1764000000, status: 0, entries });
    expect(toHex(body)).toBe("84" + "1a69248100" + "00" + "83190e60001a69247d7c" + "420000");
    expect(decodeRegisterReading(body, ["1-0:1.6.0*255"])?.entries).toEqual(entries);
  });

  test("a fraction of a second is cut", () => {
    const entries: RegisterEntry[] = [{ register: IMPORT, quality: "measured", value: 1 }];
    const body = encodeRegisterReading({ timeSeconds: 1764000000.999, status: 0, entries });
    expect(decodeRegisterReading(body, [IMPORT])?.timeSeconds).toBe(1764000000);
  });

  test("a time that five bytes cannot hold is not known, and says so in the status", () => {
    for (const timeSeconds of [undefined, 0, 65535, 0xffffffff, 2 ** 40]) {
      const entries: RegisterEntry[] = [{ register: IMPORT, quality: "measured", value: 1 }];
      const body = encodeRegisterReading({ timeSeconds, status: 4, entries });
      expect(decodeRegisterReading(body, [IMPORT])).toEqual({ timeSeconds: undefined, status: 5, entries });
    }
  });

  test("is refused where it has more or fewer values than were asked for", () => {
    const entries: RegisterEntry[] = [
      { register: IMPORT, quality: "measured", value: 70000 },
      { register: IMPORT, quality: "measured", value: 70000 },
    ];
    const body = encodeRegisterReading({ timeSeconds: 1764000000, status: 0, entries });
    expect(decodeRegisterReading(body, [IMPORT, IMPORT])).toBeDefined();
    expect(decodeRegisterReading(body, [IMPORT])).toBeUndefined();
    expect(decodeRegisterReading(body, [IMPORT, IMPORT, IMPORT])).toBeUndefined();
  });

  const time = 1764000000;
  test.each<[string, CborValue]>([
    ["padding that is not zero", [time, 0, 100, Uint8Array.of(0, 0, 1)]],
    ["padding too short", [time, 0, 100, new Uint8Array(2)]],
    ["padding too long", [time, 0, 100, new Uint8Array(4)]],
    ["padding in two strings where one does", [time, 0, 100, new Uint8Array(0), new Uint8Array(2)]],
    ["no padding", [time, 0, 70000]],
    ["a text for padding", [time, 0, 100, "\0\0\0"]],
    ["a time before five bytes", [65535, 0, 100, new Uint8Array(5)]],
    ["null for a time", [null, 1, 100, new Uint8Array(3)]],
    ["an unknown time without its status bit", [0xffffffff, 0, 100, new Uint8Array(3)]],
    ["a status of two bytes", [time, 24, 100, new Uint8Array(3)]],
    ["null for a value", [time, 0, null, new Uint8Array(4)]],
    ["the quality 0", [time, 0, [100, 0], new Uint8Array(3)]],
    ["an unknown quality", [time, 0, [100, 5], new Uint8Array(3)]],
    ["a derived value that is not there", [time, 0, [null, 1], new Uint8Array(4)]],
    ["an unavailable value that is there", [time, 0, [100, 3], new Uint8Array(3)]],
    ["a third item that is no time", [time, 0, [100, 1, 0], new Uint8Array(2)]],
    ["a maximum whose time is not known", [time, 0, [100, 0, 0xffffffff], new Uint8Array(3)]],
    ["a time beside what is unavailable", [time, 0, [null, 3, time], new Uint8Array(4)]],
    ["a fourth item beside a value", [time, 0, [100, 0, time, 0], new Uint8Array(2)]],
    ["a value beyond five bytes", [time, 0, 0x100000000, new Uint8Array(0)]],
    ["no array", 5],
  ])("%s is refused", (_, body) => {
    expect(decodeRegisterReading(encodeCbor(body), [IMPORT])).toBeUndefined();
  });
});
