import { describe, expect, test } from "vitest";
import { type CborValue, decodeCbor, encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import {
  decodeNameplate,
  encodeNameplate,
  type Nameplate,
} from "../../../../firmware/protocol/readings/nameplate.ts";

const NAMEPLATE: Nameplate = {
  serialNumber: "1EMB0012345678",
  type: "meterbench 1-phase",
  block: "B7",
  configurationDigest: Uint8Array.from({ length: 8 }, (_, i) => i),
  chargingPolicyId: "",
  firmwareVersion: "0.1.0",
  firmwareDigest: Uint8Array.from({ length: 32 }, (_, i) => 255 - i),
  chip: "bl0942",
  accuracyClass: "B",
  impulsesPerKilowattHour: 1000,
  maxLossWattHours: 96,
  clockStatus: 4,
  counters: {
    meteringReadings: 86400,
    meteringFaults: 2,
    receivedDatagrams: 31,
    rejectedFrames: 1,
    refusedMessages: 0,
  },
};

const ITEMS: readonly CborValue[] = [
  "1EMB0012345678",
  "meterbench 1-phase",
  "B7",
  NAMEPLATE.configurationDigest,
  "",
  "0.1.0",
  NAMEPLATE.firmwareDigest,
  "bl0942",
  "B",
  1000,
  96,
  4,
  [86400, 2, 31, 1, 0],
];

describe("a nameplate", () => {
  test("is an array of its fields in the order of the wire", () => {
    expect(decodeCbor(encodeNameplate(NAMEPLATE))).toEqual(ITEMS);
  });

  test("comes back as it was given", () => {
    expect(decodeNameplate(encodeNameplate(NAMEPLATE))).toEqual(NAMEPLATE);
  });

  test("leaves text as the meter wrote it", () => {
    const given = { ...NAMEPLATE, serialNumber: "\u001b[31m\r\n\u202e" };
    expect(decodeNameplate(encodeNameplate(given))?.serialNumber).toBe("\u001b[31m\r\n\u202e");
  });

  test("is refused with a field too few, too many, or of another kind in any place", () => {
    expect(decodeNameplate(encodeCbor(ITEMS.slice(0, -1)))).toBeUndefined();
    expect(decodeNameplate(encodeCbor([...ITEMS, 0]))).toBeUndefined();
    for (let i = 0; i < ITEMS.length; i++) {
      expect(decodeNameplate(encodeCbor(ITEMS.with(i, true)))).toBeUndefined();
    }
  });

  test("of a meter that keeps nothing has no loss to tell", () => {
    const body = encodeNameplate({ ...NAMEPLATE, maxLossWattHours: null });
    expect(decodeNameplate(body)?.maxLossWattHours).toBeNull();
  });

  test.each<[string, number, CborValue]>([
    ["a negative loss", 10, -1],
    ["a text of 65 bytes", 0, "é".repeat(32).concat("x")],
    ["a digest of 7 bytes", 3, new Uint8Array(7)],
    ["a digest of 33 bytes", 6, new Uint8Array(33)],
    ["a negative meter constant", 9, -1],
    ["a status of two bytes", 11, 24],
    ["a negative counter", 12, [86400, 2, 31, -1, 0]],
    ["a counter too few", 12, [86400, 2, 31, 1]],
    ["a counter too many", 12, [86400, 2, 31, 1, 0, 0]],
  ])("%s is refused", (_, at, item) => {
    expect(decodeNameplate(encodeCbor(ITEMS.with(at, item)))).toBeUndefined();
  });

  test("a field out of range is a bug of the meter", () => {
    expect(() => encodeNameplate({ ...NAMEPLATE, chip: "x".repeat(65) })).toThrow("chip");
    expect(() => encodeNameplate({ ...NAMEPLATE, impulsesPerKilowattHour: 0.5 })).toThrow("impulses");
  });

  test.each<[CborValue]>([[0], [null], [[]], ["nameplate"]])("%j is none", (body) => {
    expect(decodeNameplate(encodeCbor(body))).toBeUndefined();
  });
});
