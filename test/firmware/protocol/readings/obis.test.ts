import { describe, expect, test } from "vitest";
import { obisBytes, obisFromBytes, parseObis } from "../../../../firmware/protocol/readings/obis.ts";
import {
  decodeRegisterName,
  encodeRegisterName,
  publishedForm,
  REGISTERS,
  registerByNumber,
  registerByObis,
} from "../../../../firmware/protocol/readings/register-table.ts";

describe("OBIS codes", () => {
  test("the short, the half and the full form mean the same register", () => {
    for (const text of ["1.8.0", "1-0:1.8.0", "1.8.0*255", "1-0:1.8.0*255"]) {
      expect(parseObis(text)).toBe("1-0:1.8.0*255");
    }
  });

  test("every value group is kept", () => {
    expect(parseObis("1-65:32.7.4*12")).toBe("1-65:32.7.4*12");
    expect(parseObis("0-0:96.1.0*255")).toBe("0-0:96.1.0*255");
  });

  test.each([
    "",
    "1.8",
    "1.8.0.0",
    "1-0:1.8",
    "1.8.256",
    "01.8.0",
    "1:1.8.0",
    "1.8.0*",
    " 1.8.0",
    "1.8.0\n",
    "1.8.x",
  ])("%j is no code", (text) => {
    expect(parseObis(text)).toBeUndefined();
  });

  test("six bytes and the full form are the same thing", () => {
    const bytes = Uint8Array.of(1, 0, 10, 8, 4, 255);
    expect(obisFromBytes(bytes)).toBe("1-0:10.8.4*255");
    expect(obisBytes("1-0:10.8.4*255")).toEqual(bytes);
    expect(obisFromBytes(new Uint8Array(5))).toBeUndefined();
    expect(obisFromBytes(new Uint8Array(7))).toBeUndefined();
    expect(() => obisBytes("1.8.0")).toThrow("1.8.0");
  });
});

describe("the register table", () => {
  test("has the 24 registers of the wire in their order", () => {
    expect(REGISTERS.map(({ obis }) => obis.replace("1-0:", "").replace("*255", "")).join(" ")).toBe(
      "1.8.0 2.8.0 3.8.0 4.8.0 9.8.0 10.8.0 1.8.1 1.8.2 1.8.3 1.8.4 2.8.1 2.8.2 1.7.0 2.7.0 " +
        "32.7.0 52.7.0 72.7.0 31.7.0 51.7.0 71.7.0 14.7.0 13.7.0 1.6.0 16.7.0",
    );
    expect(REGISTERS.map(({ number }) => number)).toEqual([...REGISTERS.keys()]);
  });

  test("gives unit and scaler by number and by code", () => {
    expect(registerByNumber(14)).toEqual({ number: 14, obis: "1-0:32.7.0*255", unit: "V", scaler: -1 });
    expect(registerByObis("1-0:14.7.0*255")).toEqual({
      number: 20,
      obis: "1-0:14.7.0*255",
      unit: "Hz",
      scaler: -3,
    });
    expect(registerByNumber(24)).toBeUndefined();
    expect(registerByObis("1-0:5.8.0*255")).toBeUndefined();
  });

  test.each([
    ["1-0:32.7.0*255", { unit: "V", scaler: -1 }],
    ["1-0:5.8.0*255", { unit: "varh", scaler: 0 }],
    ["1-0:1.8.8*255", { unit: "Wh", scaler: 0 }],
    ["1-0:9.8.3*255", { unit: "VAh", scaler: 0 }],
    ["1-0:1.6.3*255", { unit: "W", scaler: 0 }],
    ["1-0:2.6.0*112", { unit: "W", scaler: 0 }],
    ["1-0:1.2.0*255", { unit: "W", scaler: 0 }],
    ["1-0:0.1.0*255", undefined],
    ["0-0:96.1.0*255", undefined],
    ["1-0:33.7.0*255", undefined],
  ])("%s is published as others of its kind, whether or not it has a number", (obis, form) => {
    const found = publishedForm(obis);
    expect(found && { unit: found.unit, scaler: found.scaler }).toEqual(form);
  });

  test("a register is named by its number where it has one, and understood in both forms", () => {
    expect(encodeRegisterName("1-0:16.7.0*255")).toBe(23);
    expect(encodeRegisterName("1-0:5.8.0*255")).toEqual(Uint8Array.of(1, 0, 5, 8, 0, 255));
    expect(decodeRegisterName(23)).toBe("1-0:16.7.0*255");
    expect(decodeRegisterName(Uint8Array.of(1, 0, 16, 7, 0, 255))).toBe("1-0:16.7.0*255");
  });

  test.each([24, -1, null, "1.8.0", new Uint8Array(5), [0], true])("%j names no register", (name) => {
    expect(decodeRegisterName(name)).toBeUndefined();
  });
});
