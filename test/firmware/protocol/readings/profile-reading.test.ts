import { describe, expect, test } from "vitest";
import { toHex } from "../../../../firmware/protocol/bytes.ts";
import { type CborValue, encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import type { Interval } from "../../../../firmware/protocol/readings/interval.ts";
import { encodeBlock, padBlock } from "../../../../firmware/protocol/readings/interval-block.ts";
import {
  decodeProfileReading,
  decodeProfileRequest,
  encodeProfileReading,
  encodeProfileRequest,
  type ProfileRequest,
} from "../../../../firmware/protocol/readings/profile-reading.ts";
import vectors from "../../../vectors/readings/bodies.json" with { type: "json" };

const MIDNIGHT = 1764028800;
const DAY: ProfileRequest = {
  profile: 0,
  register: "1-0:1.8.0*255",
  startSeconds: MIDNIGHT,
  count: 96,
  step: 1,
};
const intervals: Interval[] = Array.from({ length: 96 }, (_, i) => ({
  value: 30 + ((i * 37) % 80),
  flags: 0,
}));
const reading = { timeSeconds: 1764115200, startSeconds: MIDNIGHT, intervals };

describe("a request for a profile", () => {
  test.each(vectors.profileRequests)("$name", ({ request, hex }) => {
    const body = encodeProfileRequest(request);
    expect(toHex(body)).toBe(hex.replaceAll(" ", ""));
    expect(decodeProfileRequest(body)).toEqual(request);
  });

  test("takes 11 bytes for a day of a register with a number", () => {
    expect(encodeProfileRequest(DAY)).toHaveLength(11);
    expect(encodeProfileRequest({ ...DAY, step: 10 })).toHaveLength(11);
  });

  test.each<[string, Partial<ProfileRequest>]>([
    ["an unknown profile", { profile: 4 }],
    ["no intervals", { count: 0 }],
    ["more than 96 intervals", { count: 97 }],
    ["a step of 5", { step: 5 }],
    ["a start before 1970", { startSeconds: -900 }],
    ["a start beyond 32 bits", { startSeconds: 2 ** 32 }],
  ])("%s cannot be asked for", (_, change) => {
    expect(() => encodeProfileRequest({ ...DAY, ...change })).toThrow("no request");
  });

  test.each<[string, CborValue]>([
    ["an unknown profile", [4, 0, MIDNIGHT, 96, 1]],
    ["an unknown register", [0, 24, MIDNIGHT, 96, 1]],
    ["a start that is no number", [0, 0, null, 96, 1]],
    ["97 intervals", [0, 0, MIDNIGHT, 97, 1]],
    ["a step of 2", [0, 0, MIDNIGHT, 96, 2]],
    ["flags, of which none is defined", [0, 0, MIDNIGHT, 96, 1, 0]],
    ["a missing step", [0, 0, MIDNIGHT, 96]],
    ["no array", 0],
  ])("%s is refused", (_, body) => {
    expect(decodeProfileRequest(encodeCbor(body))).toBeUndefined();
  });
});

describe("an answer with a profile", () => {
  test("is the time and the block, where the start is as asked", () => {
    const body = encodeProfileReading(reading, DAY, 14);
    const block = padBlock(encodeBlock(intervals), 96, 14) as Uint8Array;
    expect(toHex(body as Uint8Array)).toBe(`82 1a69264300 5890 ${toHex(block)}`.replaceAll(" ", ""));
    expect(decodeProfileReading(body as Uint8Array, DAY)).toEqual(reading);
  });

  test("names its start where another was asked for", () => {
    const request = { ...DAY, startSeconds: MIDNIGHT + 899 };
    const body = encodeProfileReading(reading, request, 14) as Uint8Array;
    expect(body).toHaveLength(152 + 5);
    expect(decodeProfileReading(body, request)).toEqual(reading);
  });

  test("of hours starts on the hour that holds the start asked for", () => {
    const request = { ...DAY, profile: 3, startSeconds: MIDNIGHT + 1800 };
    expect(encodeProfileReading(reading, request, 14)).toBeDefined();
    const late = { ...reading, startSeconds: MIDNIGHT + 900 };
    expect(() => encodeProfileReading(late, request, 14)).toThrow("answer no such request");
  });

  test("takes as many bytes for a quiet day as for a busy one, and for a clock that is not known", () => {
    const quiet = intervals.map(() => ({ value: 0, flags: 0 }));
    const lengths = [reading, { ...reading, intervals: quiet }, { ...reading, timeSeconds: undefined }].map(
      (each) => encodeProfileReading(each, DAY, 14)?.length,
    );
    expect(lengths).toEqual([152, 152, 152]);
  });

  test("takes 48 bytes for 24 intervals", () => {
    const quarter = { ...reading, intervals: intervals.slice(0, 24) };
    expect(encodeProfileReading(quarter, { ...DAY, count: 24 }, 14)).toHaveLength(48);
  });

  test("an unknown time comes back as unknown", () => {
    const given = { ...reading, timeSeconds: undefined };
    expect(decodeProfileReading(encodeProfileReading(given, DAY, 14) as Uint8Array, DAY)).toEqual(given);
  });

  test("that does not fit its padding asks for a larger one", () => {
    const wild = intervals.map((_, i) => ({ value: (i * 40503) % 65536, flags: 0 }));
    expect(encodeProfileReading({ ...reading, intervals: wild }, DAY, 14)).toBeUndefined();
    expect(encodeProfileReading({ ...reading, intervals: wild }, DAY, 21)).toBeDefined();
  });

  test("off the grid or of another count is a bug of the meter", () => {
    expect(() => encodeProfileReading({ ...reading, startSeconds: MIDNIGHT + 900 }, DAY, 14)).toThrow();
    expect(() => encodeProfileReading(reading, { ...DAY, count: 95 }, 14)).toThrow();
  });

  const block = padBlock(encodeBlock(intervals), 96, 14) as Uint8Array;
  test.each<[string, CborValue]>([
    ["a start that does not differ", [1764115200, block, MIDNIGHT]],
    ["a start of another interval", [1764115200, block, MIDNIGHT - 900]],
    ["a start off the grid", [1764115200, block, MIDNIGHT + 1]],
    ["a start that is no number", [1764115200, block, null]],
    ["no time", [null, block]],
    ["a time before five bytes", [1, block]],
    ["a text for a block", [1764115200, "block"]],
    [
      "a block of another count",
      [1764115200, padBlock(encodeBlock(intervals.slice(1)), 96, 14) as Uint8Array],
    ],
    ["no block", [1764115200]],
    ["a fourth item", [1764115200, block, MIDNIGHT, 0]],
    ["no array", 0],
  ])("%s is refused", (_, body) => {
    expect(decodeProfileReading(encodeCbor(body), DAY)).toBeUndefined();
  });

  test("a start that differs must be named", () => {
    const request = { ...DAY, startSeconds: MIDNIGHT + 1 };
    expect(decodeProfileReading(encodeCbor([1764115200, block]), request)).toBeUndefined();
    expect(decodeProfileReading(encodeCbor([1764115200, block, MIDNIGHT]), request)).toBeDefined();
  });
});
