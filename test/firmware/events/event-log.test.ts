import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { WallClock } from "../../../firmware/clock/wall-clock.ts";
import { recordClockEvent } from "../../../firmware/events/clock-events.ts";
import { EventLog, type EventLogOptions, RING_SIZES } from "../../../firmware/events/event-log.ts";
import {
  eventLogFromCbor,
  eventLogToCbor,
  journalEventFromCbor,
  journalEventToCbor,
} from "../../../firmware/events/event-log-state.ts";
import {
  EVENT_LOGS,
  EVENTS,
  type EventName,
  eventNameOf,
  LOG_OBIS,
  OWN_CODES_FROM,
} from "../../../firmware/events/event-table.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { integerBelow, SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";

const MIDNIGHT = 1_764_028_800;
const HOUR_MS = 3_600_000;

class Bench {
  readonly clock = new VirtualClock({ utcMs: MIDNIGHT * 1000 });
  readonly journal: CborValue[] = [];
  readonly options: EventLogOptions = {
    time: () => ({ utcSeconds: (this.clock.utcMs() as number) / 1000, clockStatus: 0 }),
    monotonicMs: () => this.clock.monotonicMs(),
    onEvent: (log, event) => this.journal.push(journalEventToCbor(log, event)),
  };
  readonly log = new EventLog(this.options);

  codes(name: (typeof EVENT_LOGS)[number], from = 0): number[] {
    return this.log.read(name, from, 10_000).events.map(({ code }) => code);
  }
}

function throughCbor(value: CborValue): CborValue | undefined {
  return decodeCbor(encodeCbor(value));
}

describe("the table of events", () => {
  const rows = Object.entries(EVENTS);

  test("gives each event a code of its own, and finds the event by it", () => {
    expect(new Set(rows.map(([, { code }]) => code)).size).toBe(rows.length);
    for (const [name, { code }] of rows) expect(eventNameOf(code)).toBe(name);
    expect(eventNameOf(0xffff)).toBeUndefined();
  });

  test("is the one that the README shows", () => {
    const readme = readFileSync("firmware/events/README.md", "utf8");
    for (const [name, { code, isAlarm }] of rows) {
      expect(readme).toMatch(new RegExp(`\\| ${code} +\\| ${name} +\\| ${isAlarm ? "alarm" : " "}`));
    }
    for (const obis of Object.values(LOG_OBIS)) expect(readme).toContain(obis);
  });

  test("has own codes above IDIS' byte, without a gap, so that none is given twice", () => {
    const own = rows.map(([, { code }]) => code).filter((code) => code >= OWN_CODES_FROM);
    expect(own.sort((a, b) => a - b)).toEqual(own.map((_, i) => OWN_CODES_FROM + i));
  });
});

describe("an event log", () => {
  test("numbers each log's events from 1, with time, clock status and whole details", () => {
    const { log } = new Bench();
    log.record("power-up", [1.9, Number.NaN, 2 ** 40, 4]);
    log.record("cover-removed");
    log.record("cover-closed", [], { utcSeconds: undefined, clockStatus: 1 });
    expect(log.read("standard", 0, 9).events).toEqual([
      { sequence: 1, code: 2, utcSeconds: MIDNIGHT, clockStatus: 0, details: [1, 0, 2 ** 32 - 1] },
    ]);
    expect(log.read("fraud", 2, 9)).toEqual({
      oldest: 1,
      next: 3,
      events: [{ sequence: 2, code: 45, utcSeconds: undefined, clockStatus: 1, details: [] }],
    });
  });

  test("a full ring overwrites its oldest, the numbers go on, and no other log loses any", () => {
    const { log } = new Bench();
    log.record("power-up");
    log.record("cover-removed");
    for (let i = 0; i < 3000; i++) log.record("undervoltage-l1", [i]);
    const page = log.read("power-quality", 0, 3);
    expect(page).toMatchObject({ oldest: 3001 - RING_SIZES["power-quality"], next: 3001 });
    expect(page.events[0]?.sequence).toBe(page.oldest);
    expect([log.read("standard", 0, 9).oldest, log.read("fraud", 0, 9).oldest]).toEqual([1, 1]);
  });

  test("the loss of what nobody has read is told once, until a reader has caught up", () => {
    const bench = new Bench();
    const fill = () => {
      for (let i = 0; i < 2 * RING_SIZES.fraud; i++) bench.log.record("magnet-gone");
    };
    fill();
    const [overflow] = bench.log.read("standard", 0, 9).events;
    expect(overflow).toMatchObject({ code: EVENTS["log-overflow"].code, details: [2, 1] });
    expect(bench.codes("standard")).toHaveLength(1);
    bench.log.acknowledge("fraud", 5);
    bench.log.record("magnet-gone");
    expect(bench.codes("standard")).toHaveLength(1);
    bench.log.acknowledge("fraud", bench.log.read("fraud", 0, 0).next);
    bench.log.record("magnet-gone");
    expect(bench.codes("standard")).toHaveLength(1);
    fill();
    expect(bench.codes("standard")).toHaveLength(2);
  });

  test("the overflow of the log that overflows are told in tells itself once, and no more", () => {
    const bench = new Bench();
    for (let i = 0; i < 3 * RING_SIZES.standard; i++) bench.log.record("configuration-changed");
    const told = bench.journal.filter((entry) => journalEventFromCbor(entry)?.event.code === 257);
    expect(told).toHaveLength(1);
    expect(bench.log.read("standard", 0, 0).next).toBe(3 * RING_SIZES.standard + 2);
  });

  test("a reader that claims to have what is not there yet has only what is", () => {
    const bench = new Bench();
    bench.log.acknowledge("fraud", 0xfffffff0);
    for (let i = 0; i <= RING_SIZES.fraud; i++) bench.log.record("magnet-gone");
    expect(bench.codes("standard")).toEqual([EVENTS["log-overflow"].code]);
  });

  test("an attacker gets one event at once and one count in six hours, and cannot flush the log", () => {
    const bench = new Bench();
    bench.log.record("access-refused");
    for (let minute = 0; minute < 24 * 60; minute++) {
      for (let i = 0; i < 20; i++) bench.log.record("authentication-failed");
      bench.clock.advanceBy(60_000);
      bench.log.tick();
    }
    const { events } = bench.log.read("security", 2, 99);
    expect(events.map(({ details }) => details[0])).toEqual([1, 7199, 1, 7199, 1, 7199, 1, 7199]);
    expect(bench.codes("security")[0]).toBe(EVENTS["access-refused"].code);
  });

  test("five attacks at once turn the security log over in no less than two weeks", () => {
    const bench = new Bench();
    const kinds = (Object.keys(EVENTS) as EventName[]).filter(
      (name) => EVENTS[name].isCounted && EVENTS[name].log === "security",
    );
    for (let hour = 0; hour < 14 * 24; hour++) {
      for (const kind of kinds) bench.log.record(kind);
      for (const kind of kinds) bench.log.record(kind);
      bench.clock.advanceBy(HOUR_MS);
      bench.log.tick();
    }
    expect(bench.log.read("security", 0, 0).oldest).toBe(1);
  });

  test("logs what a wall clock tells: set times with their own stamps, refusals, doubts; not a sync", () => {
    const bench = new Bench();
    const clock = new WallClock({
      clock: bench.clock,
      random: new SeededRandom(1),
      board: "free-running",
      buildUtcMs: 0,
      onEvent: (event) => recordClockEvent(bench.log, event),
    });
    const set = (utcMs: number) => clock.propose({ role: "head-end", utcMs, challenge: clock.challenge() });
    set(MIDNIGHT * 1000 + 5000);
    clock.tick();
    set(MIDNIGHT * 1000 + 60_000);
    set(MIDNIGHT * 1000 - 20 * HOUR_MS);
    bench.clock.advanceBy(8 * 24 * HOUR_MS);
    clock.tick();
    bench.clock.setUtcMs(MIDNIGHT * 1000);
    clock.tick();
    expect(bench.log.read("standard", 0, 9).events.map((event) => [event.code, event.utcSeconds])).toEqual([
      [4, MIDNIGHT],
      [5, MIDNIGHT + 60],
      [258, MIDNIGHT + 8 * 86_400],
      [259, MIDNIGHT],
    ]);
    expect(bench.log.read("security", 0, 9).events).toMatchObject([{ code: 265, details: [1, 0, 3] }]);
  });
});

describe("an event log in storage", () => {
  const NAMES = Object.keys(EVENTS) as EventName[];

  /** Some thousand events, counts, reads and hours, by a seed. */
  function lived(seed: number, steps: number): Bench {
    const bench = new Bench();
    const random = new SeededRandom(`events ${seed}`);
    for (let step = 0; step < steps; step++) {
      const name = NAMES[integerBelow(random, NAMES.length)] as EventName;
      bench.log.record(name, [step, -step].slice(0, integerBelow(random, 3)));
      if (integerBelow(random, 50) === 0) bench.clock.advanceBy(integerBelow(random, HOUR_MS));
      if (integerBelow(random, 100) === 0) bench.log.tick();
      if (integerBelow(random, 300) === 0) bench.log.acknowledge(EVENTS[name].log, step);
    }
    return bench;
  }

  test.each([1, 2, 3])("is the same after a snapshot and all that follows (seed %d)", (seed) => {
    const bench = lived(seed, 4000);
    const state = eventLogFromCbor(throughCbor(eventLogToCbor(bench.log.state())));
    const restored = new EventLog(bench.options, state);
    expect(restored.state()).toEqual(bench.log.state());
    for (const log of [bench.log, restored]) {
      for (let i = 0; i < 700; i++) log.record("magnet-present", [i]);
      log.record("replay-refused");
    }
    bench.clock.advanceBy(7 * HOUR_MS);
    bench.log.tick();
    restored.tick();
    expect(restored.state()).toEqual(bench.log.state());
  });

  test.each([4, 5, 6])("is the same from a snapshot and the journal since then (seed %d)", (seed) => {
    const bench = lived(seed, 1500);
    const snapshot = throughCbor(eventLogToCbor(bench.log.state()));
    bench.journal.splice(0, bench.journal.length - 20);
    for (let i = 0; i < 1500; i++) bench.log.record(i % 3 === 0 ? "power-up" : "undervoltage-l3", [i]);
    const restored = new EventLog(bench.options, eventLogFromCbor(snapshot));
    const taken = bench.journal.map((entry) => {
      const { log, event } = journalEventFromCbor(throughCbor(entry)) ?? {};
      return log !== undefined && event !== undefined && restored.restore(log, event);
    });
    expect(taken.slice(0, 20)).toEqual(Array(20).fill(false));
    expect(taken.slice(20)).not.toContain(false);
    expect(restored.state().logs).toEqual(bench.log.state().logs);
  });

  test("numbers go on after those whose events storage has lost", () => {
    const { log, options } = new Bench();
    const state = log.state();
    const logs = { ...state.logs, fraud: { ...state.logs.fraud, next: 500 } };
    const restored = new EventLog(options, { ...state, logs });
    restored.record("cover-removed");
    expect(restored.read("fraud", 0, 9)).toMatchObject({ oldest: 500, events: [{ sequence: 500 }] });
  });

  test("a journal that lost some leaves a gap, and a page ends at it", () => {
    const { log, options } = new Bench();
    log.record("cover-removed");
    const [event] = log.read("fraud", 0, 1).events;
    const restored = new EventLog(options, log.state());
    if (event !== undefined) restored.restore("fraud", { ...event, sequence: 5 });
    const pages = [0, 2].map((from) =>
      restored.read("fraud", from, 9).events.map(({ sequence }) => sequence),
    );
    expect(pages).toEqual([[1], [5]]);
    expect(restored.read("fraud", 0, 0).next).toBe(6);
  });

  const logs: CborValue = EVENT_LOGS.map(() => [1, 0, false]);
  const one = (...log: CborValue[]): CborValue => [
    1,
    [log, ...EVENT_LOGS.slice(1).map(() => [1, 0, false])],
    [],
  ];
  const entry = (sequence: number): CborValue => [sequence, [1, 0xffffffff, 0]];
  test.each<[string, CborValue]>([
    ["of another version", [2, logs, []]],
    ["without counts", [1, logs]],
    ["with a log too few", [1, (logs as CborValue[]).slice(1), []]],
    ["that has read what is not there", one(1, 1, false)],
    ["with a number that is still to come", one(1, 0, false, encodeCbor([entry(1)]))],
    ["out of order", one(9, 0, false, encodeCbor([entry(2), entry(1)]))],
    ["with an event too short", one(9, 0, false, encodeCbor([[1, [1, 0xffffffff]]]))],
    ["with a chunk that is no CBOR", one(9, 0, false, Uint8Array.of(0xff))],
    ["with a count below 0", [1, logs, [[46, -1, 0]]]],
    ["that is no array", null],
  ])("a state %s is refused", (_, value) => {
    expect(eventLogFromCbor(value)).toBeUndefined();
  });

  test("a state of a newer version's kinds is kept as far as it is known", () => {
    const state = eventLogFromCbor([
      1,
      logs,
      [
        [46, 3, 10],
        [900, 1, 1],
        [1, 1, 1],
      ],
    ]);
    expect(state?.counts).toEqual([["authentication-failed", 3, 10]]);
  });
});
