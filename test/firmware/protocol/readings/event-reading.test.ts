import { describe, expect, test } from "vitest";
import { toHex } from "../../../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../../../firmware/protocol/cbor.ts";
import {
  decodeEventReading,
  decodeEventRequest,
  EVENTS_PER_ANSWER_MAX,
  type EventReading,
  type EventRequest,
  encodeEventReading,
  encodeEventRequest,
} from "../../../../firmware/protocol/readings/event-reading.ts";
import { type LoggedEvent, SEQUENCE_MAX } from "../../../../firmware/protocol/readings/logged-event.ts";

const TIME = 1_764_028_800;
const REQUEST: EventRequest = { log: "fraud", from: 7, count: 32 };
const removed: LoggedEvent = { sequence: 7, code: 40, utcSeconds: TIME, clockStatus: 0, details: [] };
const closed: LoggedEvent = { ...removed, sequence: 8, code: 41, utcSeconds: undefined, clockStatus: 1 };
const reading: EventReading = {
  timeSeconds: TIME,
  status: 0,
  oldest: 1,
  next: 9,
  events: [removed, closed],
};

describe("a request for events", () => {
  test("takes four to eight bytes and comes back", () => {
    expect(toHex(encodeEventRequest(REQUEST))).toBe("8302071820");
    expect(decodeEventRequest(encodeEventRequest(REQUEST))).toEqual(REQUEST);
    expect(encodeEventRequest({ log: "standard", from: 0, count: 0 })).toHaveLength(4);
  });

  test.each<[string, Partial<EventRequest>]>([
    ["an unknown log", { log: "diary" as EventRequest["log"] }],
    ["more than 32 events", { count: 33 }],
    ["a number below 0", { from: -1 }],
    ["a number beyond all", { from: 2 ** 32 }],
  ])("%s cannot be asked for, and is refused", (_, change) => {
    expect(() => encodeEventRequest({ ...REQUEST, ...change })).toThrow("no request");
  });

  test.each<[string, CborValue]>([
    ["an item more", [0, 0, 1, 0]],
    ["a log by name", ["fraud", 0, 1]],
    ["no count", [0, 0]],
    ["no array", 0],
  ])("%s is refused", (_, body) => {
    expect(decodeEventRequest(encodeCbor(body))).toBeUndefined();
  });
});

describe("an answer with events", () => {
  test("tells what the log keeps, then the events with their numbers from the first on", () => {
    const body = encodeEventReading(reading, REQUEST);
    expect(toHex(body)).toBe(
      "87 1a6924f180 00 01 09 07 8318281a6924f18000 8318291affffffff01".replaceAll(" ", ""),
    );
    expect(decodeEventReading(body, REQUEST)).toEqual(reading);
  });

  test("is as long whatever its details are, where they are as many", () => {
    const withDetails = (details: number[]) => ({ ...reading, events: [removed, { ...closed, details }] });
    const lengths = [
      [0, 0],
      [24, 70_000],
      [0xffffffff, -1],
    ].map((details) => {
      const body = encodeEventReading(withDetails(details), REQUEST);
      expect(decodeEventReading(body, REQUEST)).toEqual(withDetails(details));
      return body.length;
    });
    expect(new Set(lengths)).toEqual(new Set([encodeEventReading(reading, REQUEST).length + 11]));
  });

  test.each<[string, readonly CborValue[]]>([
    ["no padding", [7]],
    ["too little of it", [7, new Uint8Array(3)]],
    ["too much", [7, new Uint8Array(5)]],
    ["other bytes than zeros", [7, Uint8Array.of(0, 0, 0, 1)]],
    ["padding alone", [new Uint8Array(0)]],
  ])("with an event that has %s is refused", (_, details) => {
    const event = [40, TIME, 0, ...details];
    expect(decodeEventReading(encodeCbor([TIME, 0, 1, 9, 7, event]), REQUEST)).toBeUndefined();
    const right = [40, TIME, 0, 7, new Uint8Array(4)];
    expect(decodeEventReading(encodeCbor([TIME, 0, 1, 9, 7, right]), REQUEST)).toBeDefined();
  });

  test("without events has nine bytes", () => {
    const none = { ...reading, events: [] };
    expect(decodeEventReading(encodeEventReading(none, REQUEST), REQUEST)).toEqual(none);
    expect(encodeEventReading(none, REQUEST)).toHaveLength(9);
  });

  test("shows by a later first one what is gone", () => {
    const later = { ...reading, oldest: 8, events: [closed] };
    expect(decodeEventReading(encodeEventReading(later, REQUEST), REQUEST)).toEqual(later);
  });

  test("of 32 events, each as long as can be, has 887 bytes", () => {
    const first = SEQUENCE_MAX - EVENTS_PER_ANSWER_MAX + 1;
    const details = [0xffffffff, -0x100000000, 0xffffffff];
    const events = Array.from({ length: EVENTS_PER_ANSWER_MAX }, (_, i) => ({
      sequence: first + i,
      code: 0xffff,
      utcSeconds: TIME,
      clockStatus: 0xff,
      details,
    }));
    const longest = { ...reading, oldest: first - 500, next: SEQUENCE_MAX + 1, events };
    const body = encodeEventReading(longest, REQUEST);
    expect(body).toHaveLength(887);
    expect(decodeEventReading(body, REQUEST)).toEqual(longest);
  });

  test.each<[string, EventReading]>([
    ["with a gap", { ...reading, events: [removed, { ...closed, sequence: 9 }], next: 10 }],
    ["before the one asked for", { ...reading, events: [{ ...removed, sequence: 6 }] }],
    ["beyond what the log has", { ...reading, next: 8 }],
    ["with a detail of 33 bits", { ...reading, events: [{ ...removed, details: [2 ** 32] }] }],
    ["with four details", { ...reading, events: [{ ...removed, details: [1, 2, 3, 4] }] }],
  ])("%s is a bug of the meter", (_, wrong) => {
    expect(() => encodeEventReading(wrong, REQUEST)).toThrow("answer no such request");
  });

  const [time, status, oldest, next, ...events] = decodeCbor(
    encodeEventReading(reading, REQUEST),
  ) as CborValue[];
  test.each<[string, (CborValue | undefined)[]]>([
    ["no time", [null, status, oldest, next, ...events]],
    ["a status beyond 23", [time, 24, oldest, next, ...events]],
    ["an oldest beyond the next", [time, status, 10, next]],
    ["a first before the oldest", [time, status, 8, next, ...events]],
    ["a first without events", [time, status, oldest, next, 7]],
    ["an event without a clock status", [time, status, oldest, next, 7, [40, TIME]]],
    ["an event of code 0", [time, status, oldest, next, 7, [0, TIME, 0]]],
    ["a detail that is a text", [time, status, oldest, next, 7, [40, TIME, 0, "x"]]],
  ])("%s is refused", (_, items) => {
    expect(decodeEventReading(encodeCbor(items as CborValue[]), REQUEST)).toBeUndefined();
  });

  test("that is longer than asked for is refused", () => {
    expect(
      decodeEventReading(encodeEventReading(reading, REQUEST), { ...REQUEST, count: 1 }),
    ).toBeUndefined();
  });
});
