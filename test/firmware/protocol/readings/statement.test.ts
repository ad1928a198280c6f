import { describe, expect, test } from "vitest";
import { toHex } from "../../../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import {
  decodeStatement,
  encodeStatement,
  type Statement,
  statedEntry,
} from "../../../../firmware/protocol/readings/statement.ts";
import {
  decodeStatementRequest,
  encodeStatementRequest,
} from "../../../../firmware/protocol/readings/statement-request.ts";
import { hex } from "../../../vectors/crypto/hex.ts";

const CHALLENGE = hex("0102030405060708");
const MONTH = { year: 2026, month: 10 };
const REGISTERS = ["1-0:1.8.0*255", "1-0:5.8.0*255"];

describe("a request for a statement", () => {
  test.each([
    [
      "of now",
      { challenge: CHALLENGE, registers: REGISTERS },
      "82 48 0102030405060708 82 00 46 0100050800ff",
    ],
    [
      "of a month",
      { challenge: CHALLENGE, registers: ["1-0:1.8.0*255"], month: MONTH },
      "84 48 0102030405060708 81 00 1907ea 0a",
    ],
  ])("%s has these bytes", (_, request, bytes) => {
    expect(toHex(encodeStatementRequest(request))).toBe(bytes.replaceAll(" ", ""));
    expect(decodeStatementRequest(hex(bytes))).toEqual(request);
  });

  test.each<[string, CborValue]>([
    ["a number", 1],
    ["no registers", [CHALLENGE, []]],
    ["17 registers", [CHALLENGE, Array.from({ length: 17 }, () => 0)]],
    ["a register that is none", [CHALLENGE, [99]]],
    ["a short challenge", [CHALLENGE.slice(1), [0]]],
    ["a long challenge", [new Uint8Array(33), [0]]],
    ["a challenge of text", ["01234567", [0]]],
    ["a year without a month", [CHALLENGE, [0], 2026]],
    ["a month 0", [CHALLENGE, [0], 2026, 0]],
    ["a month 13", [CHALLENGE, [0], 2026, 13]],
    ["a year of before", [CHALLENGE, [0], 1969, 1]],
    ["a day", [CHALLENGE, [0], 2026, 10, 31]],
  ])("is not %s", (_, value) => {
    expect(decodeStatementRequest(encodeCbor(value))).toBeUndefined();
  });

  test("that cannot be asked throws", () => {
    expect(() => encodeStatementRequest({ challenge: CHALLENGE, registers: [] })).toThrow("statement");
  });
});

const STATEMENT: Statement = {
  serialNumber: "4711",
  id: "M1",
  sequence: 2,
  previous: new Uint8Array(32).fill(7),
  challenge: CHALLENGE,
  timeSeconds: 1_795_478_400,
  status: 4,
  clockStatus: 0x80,
  month: {
    ...MONTH,
    ...{ endSeconds: 1_793_491_200, beforeSeconds: 1_793_491_140, afterSeconds: 1_793_491_200 },
    ...{ flags: 0, clockStatus: 0x80 },
  },
  entries: [
    statedEntry({ register: "1-0:1.8.0*255", quality: "measured", value: 1_234_567 }),
    statedEntry({ register: "1-0:32.7.0*255", quality: "derived", value: 2301 }),
    statedEntry({ register: "1-0:1.6.0*255", quality: "measured", value: 5200, atSeconds: 1_793_400_000 }),
    statedEntry({ register: "1-0:5.8.0*255", quality: "not-in-meter" }),
  ],
};

describe("a statement", () => {
  test.each<[string, Partial<Statement>]>([
    ["of a month", {}],
    ["of now", { month: undefined }],
    ["that is the first", { sequence: 1, previous: new Uint8Array() }],
    ["of a meter without a clock", { timeSeconds: undefined, status: 1, clockStatus: 9 }],
  ])("%s comes back as it was", (_, more) => {
    const statement = { ...STATEMENT, ...more };
    expect(decodeStatement(encodeStatement(statement))).toEqual(statement);
  });

  test("has a register's unit and scaler, also of one that no table has", () => {
    const [energy, voltage, , reactive] = STATEMENT.entries;
    expect([energy, voltage, reactive].map((entry) => [entry?.unit, entry?.scaler])).toEqual([
      ["Wh", 0],
      ["V", -1],
      ["varh", 0],
    ]);
    expect(statedEntry({ register: "1-0:0.1.0*255", quality: "measured", value: 3 })).toMatchObject({
      unit: "",
    });
  });

  test("has a length that does not tell what was used", () => {
    const lengths = [0, 23, 255, 65_535, 4_294_967_295, -1, -4_294_967_296].map((value) => {
      const entry = statedEntry({ register: "1-0:1.8.0*255", quality: "measured", value });
      return encodeStatement({ ...STATEMENT, entries: Array.from({ length: 6 }, () => entry) }).length;
    });
    expect(new Set(lengths).size).toBe(1);
    const beyond = statedEntry({ register: "1-0:1.8.0*255", quality: "measured", value: 4_294_967_296 });
    expect(beyond.quality).toBe("unavailable");
  });

  const items = decodeCbor(encodeStatement(STATEMENT)) as readonly CborValue[];
  const changed = (at: number, value: CborValue) =>
    encodeCbor(items.map((item, i) => (i === at ? value : item)));
  const entry = (more: readonly CborValue[]) => changed(10, [more, ...(items[10] as CborValue[]).slice(1)]);
  const name = hex("0100010800ff");

  test("is these bytes, unless they are changed", () => {
    expect(decodeStatement(encodeCbor(items))).toEqual(STATEMENT);
    expect(decodeStatement(entry([name, 1_234_567, 0, "Wh", 0]))).toEqual(STATEMENT);
  });

  test.each<[string, Uint8Array]>([
    ["another form", changed(0, 2)],
    ["a serial number that is a number", changed(1, 4711)],
    ["a name that is far too long", changed(2, "M".repeat(65))],
    ["a number 0", changed(3, 0)],
    ["a short hash", changed(4, new Uint8Array(31))],
    ["a short challenge", changed(5, new Uint8Array(7))],
    ["a time that is text", changed(6, "now")],
    ["a status of 24", changed(7, 24)],
    ["a clock status of 256", changed(8, 256)],
    ["a month that is a number", changed(9, 10)],
    ["a month without its readings", changed(9, [2026, 10])],
    [
      "a month whose end nobody knows",
      changed(9, [2026, 10, 0xffffffff, 1_793_491_140, 1_793_491_200, 0, 0]),
    ],
    [
      "a month with flags of two bytes",
      changed(9, [2026, 10, 1_793_491_200, 1_793_491_140, 1_793_491_200, 256, 0]),
    ],
    ["no registers", changed(10, [])],
    ["registers that are a number", changed(10, 1)],
    ["a register by its number", entry([0, 1_234_567, 0, "Wh", 0])],
    ["a quality of 5", entry([name, 1_234_567, 5, "Wh", 0])],
    ["a value where there is none", entry([name, 1_234_567, 3, "Wh", 0])],
    ["no value where there is one", entry([name, null, 0, "Wh", 0])],
    ["a value beyond five bytes", entry([name, 4_294_967_296, 0, "Wh", 0])],
    ["a unit that is a number", entry([name, 1_234_567, 0, 30, 0])],
    ["a unit that is a tale", entry([name, 1_234_567, 0, "of energy", 0])],
    ["a scaler of 10", entry([name, 1_234_567, 0, "Wh", 10])],
    ["a maximum of an unknown time", entry([name, 1_234_567, 0, "Wh", 0, 0xffffffff])],
    ["an entry with more", entry([name, 1_234_567, 0, "Wh", 0, 1_793_400_000, 0])],
    ["a padding of other bytes", changed(11, new Uint8Array(6).fill(1))],
    ["no padding", encodeCbor(items.slice(0, 11))],
    ["more behind it", encodeCbor([...items, 0])],
    ["nothing", hex("")],
  ])("is not %s", (_, bytes) => {
    expect(decodeStatement(bytes)).toBeUndefined();
  });

  test("that cannot be made throws", () => {
    expect(() => encodeStatement({ ...STATEMENT, sequence: 0 })).toThrow("no statement");
  });
});
