import { describe, expect, test } from "vitest";
import { toHex } from "../../../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import {
  type ClockReading,
  decodeClockReading,
  decodeClockSet,
  encodeClockReading,
  encodeClockSet,
} from "../../../../firmware/protocol/readings/clock-reading.ts";

const TIME = 1_764_028_800;
const challenge = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const reading: ClockReading = {
  timeSeconds: TIME,
  status: 2,
  clockStatus: 0x82,
  source: "head-end",
  ageSeconds: 700_000,
  driftPartsPerBillion: -12_345,
  zone: "CET-1CEST,M3.5.0,M10.5.0/3",
  challenge,
};

describe("a reading of the clock", () => {
  test("is an array in the order of its fields, 55 bytes for a zone of 26", () => {
    const body = encodeClockReading(reading);
    expect(toHex(body).slice(0, 40)).toBe(
      "88 1a6924f180 02 1882 02 1a000aae60 393038 781a".replaceAll(" ", ""),
    );
    expect(body).toHaveLength(55);
    expect(decodeClockReading(body)).toEqual(reading);
  });

  test("without time, sync, drift, zone and challenge has 13 bytes", () => {
    const bare: ClockReading = {
      timeSeconds: undefined,
      status: 1,
      clockStatus: 1,
      source: "none",
      ageSeconds: undefined,
      driftPartsPerBillion: undefined,
      zone: "",
      challenge: new Uint8Array(0),
    };
    expect(encodeClockReading(bare)).toHaveLength(13);
    expect(decodeClockReading(encodeClockReading(bare))).toEqual(bare);
  });

  test("an age and a drift with fractions are made whole", () => {
    const body = encodeClockReading({ ...reading, ageSeconds: 1.9, driftPartsPerBillion: 1.9 });
    expect(decodeClockReading(body)).toMatchObject({ ageSeconds: 1, driftPartsPerBillion: 2 });
  });

  test.each<[string, Partial<ClockReading>]>([
    ["a drift beyond all crystals", { driftPartsPerBillion: 1_000_001 }],
    ["a zone with a line break", { zone: "UTC0\n" }],
    ["a zone longer than any", { zone: "x".repeat(73) }],
    ["a challenge of seven bytes", { challenge: new Uint8Array(7) }],
    ["a clock status of nine bits", { clockStatus: 256 }],
  ])("%s is a bug of the meter", (_, change) => {
    expect(() => encodeClockReading({ ...reading, ...change })).toThrow("no clock reading");
  });

  const items = decodeCbor(encodeClockReading(reading)) as readonly CborValue[];
  test.each<[string, number, CborValue]>([
    ["no time", 0, null],
    ["a status beyond 23", 1, 24],
    ["an unknown source", 3, 3],
    ["an age below 0", 4, -1],
    ["a drift as text", 5, "fast"],
    ["a zone as bytes", 6, challenge],
    ["a challenge as text", 7, ""],
  ])("with %s is refused", (_, place, item) => {
    expect(decodeClockReading(encodeCbor(items.with(place, item)))).toBeUndefined();
  });

  test("with an item too few or too many is refused", () => {
    expect(decodeClockReading(encodeCbor(items.slice(0, 7)))).toBeUndefined();
    expect(decodeClockReading(encodeCbor([...items, 0]))).toBeUndefined();
  });
});

describe("a message that sets the clock", () => {
  test("has 19 bytes and comes back", () => {
    const set = { utcMs: TIME * 1000 + 123, challenge };
    expect(encodeClockSet(set)).toHaveLength(19);
    expect(decodeClockSet(encodeClockSet(set))).toEqual(set);
  });

  test.each([Number.NaN, -1, 2 ** 53])("cannot be made of %d ms", (utcMs) => {
    expect(() => encodeClockSet({ utcMs, challenge })).toThrow();
  });

  test.each<[string, CborValue]>([
    ["without a challenge", [TIME]],
    ["with a short challenge", [TIME, new Uint8Array(7)]],
    ["with an item more", [TIME, challenge, 0]],
    ["with a text for a time", ["now", challenge]],
  ])("%s is refused", (_, body) => {
    expect(decodeClockSet(encodeCbor(body))).toBeUndefined();
  });
});
