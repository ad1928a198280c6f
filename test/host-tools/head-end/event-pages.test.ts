import { describe, expect, test } from "vitest";
import { EventLog, type LogState, RING_SIZES } from "../../../firmware/events/event-log.ts";
import { recordOf } from "../../../firmware/events/event-log-state.ts";
import {
  decodeEventReading,
  type EventReading,
  type EventRequest,
  encodeEventReading,
} from "../../../firmware/protocol/readings/event-reading.ts";
import type { LoggedEvent } from "../../../firmware/protocol/readings/logged-event.ts";
import { readLog } from "../../../host-tools/head-end/event-pages.ts";

/** A meter's standard log, and who asks it; `between` happens after each answer. */
function meter(between: (log: EventLog) => void = () => {}, standard: Partial<LogState> = {}) {
  const logs = recordOf(() => ({ next: 1, readUpTo: 0, overflow: "none" as const, events: [] }));
  const options = { time: () => ({ utcSeconds: 1_764_000_000, clockStatus: 0 }), monotonicMs: () => 0 };
  const state = { logs: { ...logs, standard: { ...logs.standard, ...standard } }, counts: [] };
  const log = new EventLog(options, state);
  const asked: number[] = [];
  const ask = async (request: EventRequest) => {
    asked.push(request.from);
    log.acknowledge(request.log, request.from);
    const page = log.read(request.log, request.from, request.count);
    const reading = { timeSeconds: 1_764_000_000, status: 0, ...page };
    between(log);
    const body = decodeEventReading(encodeEventReading(reading, request), request) as EventReading;
    return { meter: "M1", body, size: { requestBytes: 1, responseBytes: 1, milliseconds: 1 } };
  };
  return { log, asked, ask, read: (from = 1) => readLog(ask, "standard", from) };
}

function fill(log: EventLog, count: number): void {
  for (let i = 0; i < count; i++) log.record("power-up", [i]);
}

function numbers(events: readonly LoggedEvent[]): number[] {
  return events.map(({ sequence }) => sequence);
}

function upTo(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

describe("a whole log", () => {
  test("that is empty takes one question", async () => {
    const { asked, read } = meter();
    expect(await read()).toEqual({ log: "standard", oldest: 1, next: 1, events: [], gaps: [], readTo: 1 });
    expect(asked).toEqual([1]);
  });

  test("is read in pages, and the meter is asked for no number beyond what it has", async () => {
    const { log, asked, read } = meter();
    fill(log, 64);
    const reading = await read();
    expect(numbers(reading.events)).toEqual(upTo(1, 64));
    expect(asked).toEqual([1, 33]);
    // The last page has not been taken for read.
    expect(log.counters().logs.standard.readUpTo).toBe(32);
  });

  test("from a number on begins there", async () => {
    const { log, asked, read } = meter();
    fill(log, 40);
    expect(numbers((await read(39)).events)).toEqual([39, 40]);
    expect(await read(50)).toMatchObject({ events: [], gaps: [], next: 41, readTo: 50 });
    expect(asked).toEqual([39, 50]);
  });

  test("of which the first events are overwritten tells which they were", async () => {
    const { log, read } = meter();
    fill(log, RING_SIZES.standard + 20);
    const { events, gaps, oldest, next } = await read();
    // The loss itself is an event too.
    expect({ oldest, next }).toEqual({ oldest: 22, next: 602 });
    expect(gaps).toEqual([{ first: 1, last: 21 }]);
    expect(numbers(events)).toEqual(upTo(22, 601));
    expect((await read(21)).gaps).toEqual([{ first: 21, last: 21 }]);
    expect((await read(22)).gaps).toEqual([]);
  });

  test("that lost events in power cuts is read over the gaps, also one at its end", async () => {
    const event = { code: 2, utcSeconds: undefined, clockStatus: 1, details: [] };
    const events = [1, 2, 7].map((sequence) => ({ sequence, ...event }));
    const { read } = meter(() => {}, { next: 9, events });
    const reading = await read();
    expect(numbers(reading.events)).toEqual([1, 2, 7]);
    expect(reading.gaps).toEqual([
      { first: 3, last: 6 },
      { first: 8, last: 8 },
    ]);
    expect(reading.readTo).toBe(9);
  });

  test("that fills as it is read ends with what it had at first, and says that there is more", async () => {
    const { log, asked, read } = meter((log) => fill(log, 100));
    fill(log, 50);
    const { events, readTo, next } = await read();
    expect(numbers(events)).toEqual(upTo(1, 64));
    expect(asked).toHaveLength(2);
    expect(readTo).toBe(65);
    expect(next).toBeGreaterThan(readTo);
  });

  test("of a meter that gives one event at a time is left after 64 questions", async () => {
    const { log, asked, ask } = meter();
    fill(log, 100);
    const { events, readTo } = await readLog((request) => ask({ ...request, count: 1 }), "standard", 1);
    expect(numbers(events)).toEqual(upTo(1, 64));
    expect(readTo).toBe(65);
    expect(asked).toHaveLength(64);
  });
});
