import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { WallClock } from "../../../firmware/clock/wall-clock.ts";
import { recordClockEvent } from "../../../firmware/events/clock-events.ts";
import { EventLog, type EventLogOptions, RING_SIZES } from "../../../firmware/events/event-log.ts";
import {
  eventLogState,
  journalEventFromCbor,
  journalEventToCbor,
  logCountersToCbor,
  recordOf,
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
  /** By log, what its records in a journal hold. */
  readonly journal = recordOf((): CborValue[] => []);
  readonly options: EventLogOptions = {
    time: () => ({ utcSeconds: (this.clock.utcMs() as number) / 1000, clockStatus: 0 }),
    monotonicMs: () => this.clock.monotonicMs(),
    onEvent: (log, event) => void this.journal[log].push(journalEventToCbor(event)),
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
    const told = bench.journal.standard.filter((entry) => journalEventFromCbor(entry)?.code === 257);
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
      // An order or an image comes from a head-end that has the right to send one: no stranger makes it.
      (name) =>
        EVENTS[name].isCounted &&
        EVENTS[name].log === "security" &&
        name !== "relay-order-refused" &&
        name !== "firmware-verification-failed",
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

  /** The log that a start finds: the newest events that a ring holds, and the counters of the last save. */
  function restored({ log, journal, options }: Bench): EventLog {
    const events = recordOf((name) =>
      journal[name]
        .slice(-RING_SIZES[name])
        .map((entry) => journalEventFromCbor(throughCbor(entry)))
        .filter((event) => event !== undefined),
    );
    return new EventLog(options, eventLogState(throughCbor(logCountersToCbor(log.counters())), events));
  }

  const all = (log: EventLog) => EVENT_LOGS.map((name) => log.read(name, 0, 1000));

  test.each([1, 2, 3])("is the same after a restart, and in all that follows (seed %d)", (seed) => {
    const bench = lived(seed, 4000);
    const again = restored(bench);
    expect(all(again)).toEqual(all(bench.log));
    expect(again.counters().logs).toEqual(bench.log.counters().logs);
    for (const log of [bench.log, again]) {
      for (let i = 0; i < 700; i++) log.record("magnet-present", [i]);
      log.record("replay-refused");
    }
    bench.clock.advanceBy(7 * HOUR_MS);
    bench.log.tick();
    again.tick();
    expect(all(again)).toEqual(all(bench.log));
  });

  test("a window in which failures are counted lasts at most an hour longer over a restart", () => {
    const bench = new Bench();
    for (let i = 0; i < 9; i++) bench.log.record("replay-refused");
    bench.clock.advanceBy(HOUR_MS / 2);
    const again = restored(bench);
    const seen = () => again.read("security", 2, 9).events.map(({ details }) => details[0]);
    bench.clock.advanceBy(5 * HOUR_MS);
    again.tick();
    expect(seen()).toEqual([]);
    bench.clock.advanceBy(HOUR_MS);
    again.tick();
    expect(seen()).toEqual([8]);
  });

  test("counters change with what happens, and not with each minute: they are not written anew for nothing", () => {
    const bench = new Bench();
    for (let i = 0; i < 9; i++) bench.log.record("replay-refused");
    const written = new Set<string>();
    for (let minute = 0; minute < 300; minute++) {
      bench.clock.advanceBy(60_000);
      written.add(JSON.stringify(logCountersToCbor(bench.log.counters())));
    }
    expect(written.size).toBeLessThanOrEqual(6);
  });

  const NO_EVENTS = recordOf(() => []);
  const counters: CborValue[] = EVENT_LOGS.map(() => [1, 0, false]);

  test("numbers go on after those whose events storage has lost", () => {
    const fraud = [1, EVENT_LOGS.map((name) => [name === "fraud" ? 500 : 1, 0, false]), []];
    const log = new EventLog(new Bench().options, eventLogState(fraud, NO_EVENTS));
    log.record("cover-removed");
    expect(log.read("fraud", 0, 9)).toMatchObject({ oldest: 500, events: [{ sequence: 500 }] });
  });

  test("a journal that lost some leaves a gap, and a page ends at it", () => {
    const event = (sequence: number) => ({ sequence, code: 44, utcSeconds: 1, clockStatus: 0, details: [] });
    const fraud = [event(1), event(5)];
    const log = new EventLog(new Bench().options, eventLogState(undefined, { ...NO_EVENTS, fraud }));
    const pages = [0, 2].map((from) => log.read("fraud", from, 9).events.map(({ sequence }) => sequence));
    expect(pages).toEqual([[1], [5]]);
    expect(log.read("fraud", 0, 0).next).toBe(6);
  });

  test.each<[string, CborValue]>([
    ["of another version", [2, counters, []]],
    ["without counts", [1, counters]],
    ["with a log too few", [1, counters.slice(1), []]],
    ["of a log that has read what is not there", [1, counters.map(() => [1, 1, false]), []]],
    ["with a count below 0", [1, counters, [[46, -1, 0]]]],
    ["that are no array", null],
  ])("counters %s are as of logs that nobody has read, and lose no event", (_, value) => {
    const fraud = [{ sequence: 7, code: 44, utcSeconds: 1, clockStatus: 0, details: [] }];
    const state = eventLogState(value, { ...NO_EVENTS, fraud });
    expect(state.logs.fraud).toEqual({ next: 8, readUpTo: 0, overflow: "none", events: fraud });
    expect(state.counts).toEqual([]);
  });

  test("counts of a newer version's kinds are kept as far as they are known", () => {
    const counts = [
      [46, 3, 2],
      [900, 1, 1],
      [1, 1, 1],
    ];
    expect(eventLogState([1, counters, counts], NO_EVENTS).counts).toEqual([
      ["authentication-failed", 3, 2 * HOUR_MS],
    ]);
  });
});
