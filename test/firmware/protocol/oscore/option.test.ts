import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromUint, toHex } from "../../../../firmware/protocol/bytes.ts";
import { OPTION } from "../../../../firmware/protocol/coap/message.ts";
import {
  decodeOscoreOption,
  encodeOscoreOption,
  type OscoreOption,
  readOscoreOption,
} from "../../../../firmware/protocol/oscore/option.ts";
import { answer, hex, option } from "./support.ts";

const none: OscoreOption = { partialIv: undefined, kidContext: undefined, kid: undefined };

/** RFC 8613 6.3 and Appendix C, and each combination of flags. */
const VALUES: [string, OscoreOption][] = [
  ["", none],
  ["090525", { ...none, partialIv: hex("05"), kid: hex("25") }],
  ["0900", { ...none, partialIv: hex("00"), kid: hex("") }],
  [
    "190503 44616c 25".replaceAll(" ", ""),
    { partialIv: hex("05"), kidContext: hex("44616c"), kid: hex("25") },
  ],
  ["0107", { ...none, partialIv: hex("07") }],
  ["0914", { ...none, partialIv: hex("14"), kid: hex("") }],
  ["091400", { ...none, partialIv: hex("14"), kid: hex("00") }],
  ["19140837cbf3210017a2d3", { partialIv: hex("14"), kidContext: hex("37cbf3210017a2d3"), kid: hex("") }],
  ["0dffffffffff01", { ...none, partialIv: hex("ffffffffff"), kid: hex("01") }],
  ["08", { ...none, kid: hex("") }],
  ["1000", { ...none, kidContext: hex("") }],
  // RFC 10021 4.3.1
  [
    "390503 44616c 25".replaceAll(" ", ""),
    { partialIv: hex("05"), kidContext: hex("44616c"), kid: hex("25"), isGroupMode: true },
  ],
  ["2852", { ...none, kid: hex("52"), isGroupMode: true }],
  ["180001", { ...none, kidContext: hex(""), kid: hex("01") }],
];

describe("the OSCORE option's value", () => {
  test.each(VALUES)("%s is written and read", (value, fields) => {
    expect(toHex(encodeOscoreOption(fields))).toBe(value);
    expect(decodeOscoreOption(hex(value))).toEqual(fields);
  });

  test.each([
    ["a flag byte of zero, which should have been left out", "00"],
    ["the second reserved flag", "4914"],
    ["the first reserved flag, which announces more flags", "8914"],
    ["a Partial IV of the reserved length 6", "0e010203040506"],
    ["a Partial IV of the reserved length 7", "0f01020304050607"],
    ["a Partial IV with a leading zero", "0a0014"],
    ["a Partial IV cut short", "0b0102"],
    ["no Partial IV after its length", "01"],
    ["no kid context length after its flag", "1105"],
    ["a kid context cut short", "110503aabb"],
    ["bytes behind the Partial IV without the kid flag", "011400"],
    ["bytes behind the kid context without the kid flag", "110501aabb"],
    ["256 bytes", `09${"14".repeat(255)}`],
  ])("%s is refused", (_what, value) => {
    expect(decodeOscoreOption(hex(value))).toEqual({ refused: "option" });
  });

  test("what is read from any bytes writes the same bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (value) => {
        const decoded = decodeOscoreOption(value);
        if (!("refused" in decoded)) expect(encodeOscoreOption(decoded)).toEqual(value);
      }),
      { seed: 8613, numRuns: 1500 },
    );
  });

  test("any fields come back", () => {
    const bytes = (maxLength: number) => fc.option(fc.uint8Array({ maxLength }), { nil: undefined });
    const partialIv = fc.option(
      fc.integer({ min: 0, max: 2 ** 40 - 1 }).map((number) => fromUint(number)),
      { nil: undefined },
    );
    fc.assert(
      fc.property(fc.record({ partialIv, kidContext: bytes(100), kid: bytes(100) }), (fields) => {
        expect(decodeOscoreOption(encodeOscoreOption(fields))).toEqual(fields);
      }),
      { seed: 8613, numRuns: 1000 },
    );
  });

  test("fields that no option holds are a bug and throw", () => {
    expect(() => encodeOscoreOption({ ...none, partialIv: hex("010203040506") })).toThrow();
    expect(() => encodeOscoreOption({ ...none, partialIv: hex("") })).toThrow();
    expect(() => encodeOscoreOption({ ...none, partialIv: hex("0014") })).toThrow();
    expect(() => encodeOscoreOption({ ...none, kidContext: new Uint8Array(254) })).toThrow();
    expect(() => encodeOscoreOption({ ...none, kid: new Uint8Array(255) })).toThrow();
  });
});

describe("a message's OSCORE option", () => {
  test("is undefined where there is none", () => {
    expect(readOscoreOption(answer())).toBeUndefined();
  });

  test("is refused where there are two, as it must not be repeated", () => {
    const twice = [option(OPTION.oscore, hex("0914")), option(OPTION.oscore, hex("0914"))];
    expect(readOscoreOption(answer("", twice))).toEqual({ refused: "option" });
  });
});
