import * as cborg from "cborg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../firmware/protocol/bytes.ts";
import {
  type CborValue,
  DecimalFraction,
  decodeCbor,
  decodeCborSequence,
  decodeCborWithFractions,
  encodeCbor,
  encodeCborSequence,
  firstItemLength,
} from "../../../firmware/protocol/cbor.ts";

function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`not hex: ${text}`);
  return bytes;
}

const nested = (depth: number, inner: CborValue = 0): CborValue =>
  depth === 0 ? inner : [nested(depth - 1, inner)];

describe("one item", () => {
  /** RFC 8949 Appendix A, what of it our bodies are made of, and the edges of each head. */
  const values: [string, CborValue][] = [
    ["00", 0],
    ["01", 1],
    ["0a", 10],
    ["17", 23],
    ["1818", 24],
    ["1819", 25],
    ["1864", 100],
    ["18ff", 255],
    ["190100", 256],
    ["1903e8", 1000],
    ["19ffff", 65535],
    ["1a00010000", 65536],
    ["1a000f4240", 1000000],
    ["1affffffff", 2 ** 32 - 1],
    ["1b0000000100000000", 2 ** 32],
    ["1b000000e8d4a51000", 1000000000000],
    ["1b001fffffffffffff", Number.MAX_SAFE_INTEGER],
    ["20", -1],
    ["29", -10],
    ["37", -24],
    ["3818", -25],
    ["3863", -100],
    ["3903e7", -1000],
    ["3a7fffffff", -(2 ** 31)],
    ["3a80000000", -(2 ** 31) - 1],
    ["3affffffff", -(2 ** 32)],
    ["3b0000000100000000", -(2 ** 32) - 1],
    ["3b001ffffffffffffe", Number.MIN_SAFE_INTEGER],
    ["f4", false],
    ["f5", true],
    ["f6", null],
    ["40", hex("")],
    ["4401020304", hex("01020304")],
    ["60", ""],
    ["6161", "a"],
    ["6449455446", "IETF"],
    ["62225c", '"\\'],
    ["62c3bc", "\u00fc"],
    ["63e6b0b4", "\u6c34"],
    ["64f0908591", "\u{10151}"],
    ["80", []],
    ["83010203", [1, 2, 3]],
    ["8301820203820405", [1, [2, 3], [4, 5]]],
    [
      "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
      Array.from({ length: 25 }, (_, index) => index + 1),
    ],
    ["a0", new Map()],
    [
      "a201020304",
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    [
      "a26161016162820203",
      new Map<string, CborValue>([
        ["a", 1],
        ["b", [2, 3]],
      ]),
    ],
    ["826161a161626163", ["a", new Map([["b", "c"]])]],
    [
      "a56161614161626142616361436164614461656145",
      new Map([
        ["a", "A"],
        ["b", "B"],
        ["c", "C"],
        ["d", "D"],
        ["e", "E"],
      ]),
    ],
    ["58ff".concat("aa".repeat(255)), hex("aa".repeat(255))],
    ["590100".concat("aa".repeat(256)), hex("aa".repeat(256))],
  ];

  test.each(values)("%s is written and read", (bytes, value) => {
    expect(toHex(encodeCbor(value))).toBe(bytes);
    expect(decodeCbor(hex(bytes))).toEqual(value);
  });

  test('map keys are written in the order of their bytes: 10, 100, -1, "z", "aa" (RFC 8949 4.2.1)', () => {
    const map = new Map<number | string, CborValue>([
      ["aa", 4],
      [-1, 2],
      ["z", 3],
      [100, 1],
      [10, 0],
    ]);
    expect(toHex(encodeCbor(map))).toBe("a50a001864012002617a0362616104");
  });

  test("a byte string is a copy: what becomes of the datagram does not change it", () => {
    const datagram = hex("8243010203446162 6364");
    const value = decodeCbor(datagram) as Uint8Array[];
    datagram.fill(0);
    expect(value[0]).toEqual(hex("010203"));
    expect(value[1]?.buffer.byteLength).toBe(4);
  });

  test("a long text keeps each of its letters", () => {
    const text = `x${"\ufeff\u00e4\u{1f600}".repeat(50)}`;
    expect(decodeCbor(encodeCbor(text))).toBe(text);
  });

  test("a key called __proto__ is a key", () => {
    const map = new Map([["__proto__", 1]]);
    expect(decodeCbor(encodeCbor(map))).toEqual(map);
  });

  test("16 levels are read and 17 are not", () => {
    expect(decodeCbor(encodeCbor(nested(16)))).toEqual(nested(16));
    expect(decodeCbor(encodeCbor(nested(17)))).toBeUndefined();
  });

  test("4096 items are read and 4097 are not", () => {
    const zeros = (count: number): CborValue => Array.from({ length: count }, () => 0);
    expect(decodeCbor(encodeCbor(zeros(4095)))).toEqual(zeros(4095));
    expect(decodeCbor(encodeCbor(zeros(4096)))).toBeUndefined();
  });

  test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53)])(
    "%d is no body of ours: a bug that throws",
    (value) => {
      expect(() => encodeCbor(value)).toThrow();
    },
  );

  test("text with a byte order mark is a bug that throws", () => {
    expect(() => encodeCbor("\ufeffabc")).toThrow();
  });
});

describe("hostile bytes", () => {
  test.each([
    ["no item", ""],
    ["an array that claims 2^64 - 1 items", "9bffffffffffffffff"],
    ["an array that claims 2^32 - 1 items", "9affffffff"],
    ["an array that claims 2^32 items", "9b0000000100000000"],
    ["an array that claims 100 million items", "9a05f5e100"],
    ["1000 nested arrays that claim a million items", "9a000f4240".repeat(1000)],
    ["a map that claims 2^64 - 1 entries", "bbffffffffffffffff"],
    ["a map that claims 2^32 - 1 entries", "baffffffff"],
    ["a map that claims more entries than bytes are left for", "a20102 03".replace(" ", "")],
    ["a byte string that claims 2^64 - 1 bytes", "5bffffffffffffffff"],
    ["a byte string that claims a gigabyte", "5a40000000"],
    ["a text that claims 2^32 - 1 bytes", "7affffffff"],
    ["a string cut short", "4401"],
    ["10,000 nested arrays", "81".repeat(10_000)],
    ["a million nested arrays", "81".repeat(1_000_000)],
    ["10,000 nested maps", "a101".repeat(10_000)],
    ["10,000 nested tags", "c1".repeat(10_000)],
    ["a one-byte head cut short", "18"],
    ["a two-byte head cut short", "1901"],
    ["a four-byte head cut short", "1a010203"],
    ["an eight-byte head cut short", "1b01020304050607"],
    ["an array cut short", "8201"],
    ["a map cut short after a key", "a101"],
    ["bytes behind the item", "0000"],
    ["the same integer key twice", "a201020103"],
    ["the same text key twice", "a2616101616102"],
    ["keys in the wrong order", "a203040102"],
    ["keys ordered by their value, not their bytes", "a220000a00"],
    ["a text key before an integer key", "a261610001 00".replace(" ", "")],
    ["a byte string for a key", "a1410100"],
    ["an array for a key", "a18000"],
    ["a truth value for a key", "a1f500"],
    ["23 in two bytes", "1817"],
    ["0 in two bytes", "1800"],
    ["255 in three bytes", "1900ff"],
    ["65535 in five bytes", "1a0000ffff"],
    ["1 in nine bytes", "1b0000000000000001"],
    ["2^32 - 1 in nine bytes", "1b00000000ffffffff"],
    ["-1 in two bytes", "3800"],
    ["a string's length in two bytes for one", "580161"],
    ["an array's length in two bytes for one", "980100"],
    ["a map's length in two bytes for one", "b8010000"],
    ["2^53, which is no safe integer", "1b0020000000000000"],
    ["2^53 + 1, which would be rounded", "1b0020000000000001"],
    ["2^64 - 1", "1bffffffffffffffff"],
    ["-2^53, which is no safe integer", "3b001fffffffffffff"],
    ["-2^64", "3bffffffffffffffff"],
    ["an array without a length", "9f00ff"],
    ["a map without a length", "bf0000ff"],
    ["a byte string without a length", "5f4100ff"],
    ["a text without a length", "7f6161ff"],
    ["a break alone", "ff"],
    ["a reserved length", "1c"],
    ["a reserved length of a string", "5d00"],
    ["text that is no UTF-8", "61ff"],
    ["text with a surrogate", "63eda080"],
    ["text with an overlong letter", "62c080"],
    ["text that ends within a letter", "61c3"],
    ["text with a byte order mark", "64efbbbf61"],
    ["a long text with a byte order mark", `7850efbbbf${"61".repeat(77)}`],
    ["a half float", "f93c00"],
    ["a float", "fa47c35000"],
    ["a double", "fb3ff199999999999a"],
    ["not a number", "f97e00"],
    ["undefined", "f7"],
    ["a simple value", "f0"],
    ["a simple value in two bytes", "f8ff"],
    ["false in two bytes", "f814"],
    ["a date (tag 0)", "c06161"],
    ["an epoch time (tag 1)", "c101"],
    ["a bignum (tag 2) of 64 KiB", `c25a00010000${"ff".repeat(65536)}`],
    ["a decimal fraction (tag 4)", "c48221196ab3"],
    ["an error object (tag 27)", "d81b836161616101"],
    ["a shareable value (tag 28)", "d81c81d81d00"],
    ["a reference (tag 29)", "d81d00"],
    ["packed values (tag 51)", "d83300"],
    ["a typed array (tag 69) of a wrong length", "d8454101"],
    ["a record (tag 105)", "d86982816161 01".replace(" ", "")],
    ["a map (tag 259)", "d90103a16161 01".replace(" ", "")],
    ["a record definition (tag 57343)", "d9dfff8419e0008161610 1".replaceAll(" ", "")],
    ["a self-described item (tag 55799)", "d9d9f700"],
  ])("%s is refused", (_what, bytes) => {
    expect(decodeCbor(hex(bytes))).toBeUndefined();
  });

  test("the largest claims and depths are refused in no time and without memory for them", () => {
    const claims = ["9bffffffffffffffff", "bbffffffff", "5b00000000ffffffff", "9a05f5e100".repeat(1000)];
    const bombs = [...claims, "81".repeat(100_000), "a100".repeat(50_000), "c1".repeat(100_000)].map(hex);
    const start = performance.now();
    for (let i = 0; i < 2000; i++) for (const bomb of bombs) decodeCbor(bomb);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  test("a refusal leaves nothing behind for the next item", () => {
    expect(decodeCbor(hex("d9dfff8419e00081616101"))).toBeUndefined();
    expect(decodeCbor(hex("d9e00001"))).toBeUndefined();
    expect(decodeCbor(hex("8161ff"))).toBeUndefined();
    expect(decodeCbor(hex("8301f56161"))).toEqual([1, true, "a"]);
  });
});

describe("a sequence", () => {
  test("is its items, one after the other", () => {
    const items: CborValue[] = [1, "a", [2], hex("ff")];
    expect(toHex(encodeCborSequence(items))).toBe("016161810241ff");
    expect(decodeCborSequence(encodeCborSequence(items))).toEqual(items);
  });

  test("of no bytes has no items", () => {
    expect(decodeCborSequence(hex(""))).toEqual([]);
  });

  test("with one bad item is refused whole", () => {
    expect(decodeCborSequence(hex("0102f7"))).toBeUndefined();
    expect(decodeCborSequence(hex("010241"))).toBeUndefined();
  });

  test("has at most 4096 items in all", () => {
    expect(decodeCborSequence(new Uint8Array(4096))?.length).toBe(4096);
    expect(decodeCborSequence(new Uint8Array(4097))).toBeUndefined();
  });

  test("has a first item, whose length is told whatever follows it", () => {
    expect(firstItemLength(hex("4401020304ff"))).toBe(5);
    expect(firstItemLength(hex("820102"))).toBe(3);
    expect(firstItemLength(hex("8201"))).toBeUndefined();
    expect(firstItemLength(hex(""))).toBeUndefined();
  });
});

describe("beside cborg in its strict mode", () => {
  const strict: cborg.DecodeOptions = {
    strict: true,
    allowIndefinite: false,
    allowUndefined: false,
    allowBigInt: true,
    useMaps: true,
    rejectDuplicateMapKeys: true,
  };

  const safeInteger = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -70_000, max: 70_000 }));
  const text = fc.string({ unit: "binary", maxLength: 100 }).filter((t) => !t.startsWith("\ufeff"));
  const { value: values } = fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      safeInteger,
      fc.boolean(),
      fc.constant(null),
      text,
      fc.uint8Array({ maxLength: 300 }),
      fc.array(tie("value"), { maxLength: 30 }),
      fc
        .array(fc.tuple(fc.oneof(safeInteger, text), tie("value")), { maxLength: 8 })
        .map((entries) => new Map<number | string, CborValue>(entries)),
    ),
  }));

  test("the same values give the same bytes, and each reads what the other wrote", () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encodeCbor(value);
        expect(toHex(bytes)).toBe(toHex(cborg.encode(value, cborg.rfc8949EncodeOptions)));
        expect(decodeCbor(bytes)).toEqual(value);
        expect(cborg.decode(bytes, strict)).toEqual(value);
        expect(firstItemLength(concat(bytes, hex("ff")))).toBe(bytes.length);
      }),
      { seed: 8949, numRuns: 1000 },
    );
  });

  function hasOurKeys(value: CborValue): boolean {
    if (Array.isArray(value)) return value.every(hasOurKeys);
    if (!(value instanceof Map)) return true;
    return [...value].every(
      ([key, item]) => (typeof key === "number" || typeof key === "string") && hasOurKeys(item),
    );
  }

  /** What the door is to give, said by cborg: the value, where it is of our kinds and written as we write. */
  function expected(bytes: Uint8Array): CborValue | undefined {
    try {
      const value = cborg.decode(bytes, strict) as CborValue;
      return hasOurKeys(value) && toHex(encodeCbor(value)) === toHex(bytes) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  const byte = fc.integer({ min: 0, max: 255 });
  const mutated = fc
    .tuple(values, fc.array(fc.tuple(fc.nat(), byte), { maxLength: 3 }), fc.nat())
    .map(([value, changes, cut]) => {
      const bytes = encodeCbor(value);
      for (const [at, to] of changes) bytes[at % bytes.length] = to;
      return cut % 4 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes;
    });
  /** Short items of few different heads, so that many of them are well-formed. */
  const crafted = fc
    .array(
      fc.constantFrom(
        ..."00 01 17 1818 20 3818 40 4100 60 6161 80 81 82 a0 a1 a2 f4 f6 f7 c1 1901".split(" "),
      ),
      {
        maxLength: 8,
      },
    )
    .map((parts) => hex(parts.join("")));

  test.each([
    ["changed", mutated],
    ["crafted", crafted],
    ["random", fc.uint8Array({ maxLength: 12 })],
  ])(
    "%s bytes are taken where cborg takes them as the deterministic form of such a value",
    (_what, inputs) => {
      fc.assert(
        fc.property(inputs, (bytes) => {
          expect(decodeCbor(bytes)).toEqual(expected(bytes));
        }),
        { seed: 8949, numRuns: 1000 },
      );
    },
  );

  test("text of each length is the same", () => {
    for (let length = 0; length < 100; length++)
      for (const letter of ["a", "\u00e4", "\u6c34", "\u{1f600}"]) {
        const bytes = Uint8Array.from(cborg.encode(letter.repeat(length)));
        expect(decodeCbor(bytes)).toBe(letter.repeat(length));
        expect(encodeCbor(letter.repeat(length))).toEqual(bytes);
      }
  });
});

describe("a decimal fraction", () => {
  test("is written as RFC 8949 3.4.4 has it, and is a number where it may be there", () => {
    expect(toHex(encodeCbor(new DecimalFraction(27_315, -2)))).toBe("c48221196ab3");
    expect(decodeCborWithFractions(hex("c48221196ab3"))).toBe(273.15);
    expect(decodeCborWithFractions(hex("82c48221196ab3 c482203903e7"))).toEqual([273.15, -100]);
  });

  test.each([
    ["of no array", "c401"],
    ["of one number", "c48101"],
    ["of three numbers", "c483010101"],
    ["that ends", "c48220"],
    ["with text in it", "c482206161"],
    ["with a fraction in it", "c48220c4820001"],
    ["too large for a number", "c482187f01"],
    ["too small for one", "c482387f01"],
    ["with a mantissa beyond safe integers", "c482201b0020000000000000"],
    ["with another tag", "c58220 01".replace(" ", "")],
    ["with more behind it", "c4822001 00".replace(" ", "")],
    ["with a tag in two bytes", "d804822001"],
  ])("%s is refused", (_what, bytes) => {
    expect(decodeCborWithFractions(hex(bytes))).toBeUndefined();
  });
});
