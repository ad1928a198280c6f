// A whole meter in a small world: what its log, its clock and its registers make of outages, covers, clocks and tariffs.
import { describe, expect, test } from "vitest";
import { CLOCK_STATUS } from "../../firmware/clock/clock-state.ts";
import { EVENT_LOGS } from "../../firmware/events/event-table.ts";
import { MeterStateError } from "../../firmware/meter-state-parts.ts";
import { CODE, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import { decodeEventReading, encodeEventRequest } from "../../firmware/protocol/readings/event-reading.ts";
import { INTERVAL_FLAG } from "../../firmware/protocol/readings/interval.ts";
import type { TariffPlan } from "../../firmware/protocol/readings/tariff.ts";
import { EmulatedBoardSignals } from "../../hal/emulated/board-signals.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import { configuration } from "../support/configuration.ts";
import { cut, HOUR_MS, IMPORT, MINUTE_MS, meter, START_MS } from "../support/whole-meter.ts";

describe("the supply", () => {
  test("a new meter's log is empty: nothing was before", () => {
    const world = meter({ storage: new MemoryStorage() });
    world.clock.advanceBy(HOUR_MS);
    expect(EVENT_LOGS.flatMap((log) => world.names(log))).toEqual([]);
  });

  test("a power cut is logged at the next start, with the newest time that storage has and the seconds without power", () => {
    const storage = new MemoryStorage();
    meter({ storage, loadText: "watts:60" }).clock.advanceBy(HOUR_MS + 30_000);
    const after = meter({ storage: cut(storage), startUtcMs: START_MS + 3 * HOUR_MS });
    expect(after.names()).toEqual(["power-down", "power-up"]);
    const [[, downMs], [, upMs, seconds]] = after.events() as [(string | number)[], (string | number)[]];
    expect(downMs).toBeGreaterThan(HOUR_MS - MINUTE_MS);
    expect(downMs).toBeLessThanOrEqual(HOUR_MS + 30_000);
    expect(upMs).toBe(3 * HOUR_MS);
    // The stamp is of whole seconds.
    expect(seconds).toBe((3 * HOUR_MS - Number(downMs)) / 1000 - 1);
  });

  test("a power cut of the summer is stamped as one, whenever the power comes back", () => {
    const storage = new MemoryStorage();
    const summer = { storage, configuration: { ...configuration, zone: "CET-1CEST,M3.5.0,M10.5.0/3" } };
    const lastHourMs = Date.UTC(2026, 9, 25, 0);
    meter({ ...summer, startUtcMs: lastHourMs }).clock.advanceBy(HOUR_MS / 2);
    const { runtime } = meter({ ...summer, storage: cut(storage), startUtcMs: lastHourMs + 2 * HOUR_MS });
    const { events } = runtime.log.read("standard", 1, 2);
    expect(events.map(({ clockStatus }) => clockStatus)).toEqual([CLOCK_STATUS.daylightSaving, 0]);
  });

  test("an orderly end is a power-down of its own moment, and the start after it adds no second one", () => {
    const storage = new MemoryStorage();
    const before = meter({ storage });
    before.clock.advanceBy(90_500);
    before.stop();
    const after = meter({ storage: cut(storage), startUtcMs: START_MS + HOUR_MS });
    expect(after.events()).toEqual([
      ["power-down", 90_000],
      ["power-up", HOUR_MS, 3509],
    ]);
  });

  test("as the supply fails, the meter saves: a cut right after takes nothing that its registers had", () => {
    const storage = new MemoryStorage();
    const signals = new EmulatedBoardSignals();
    const before = meter({ storage, signals, loadText: "watts:12000" });
    before.clock.advanceBy(HOUR_MS + 7500);
    const had = before.wattHours();
    signals.failSupply();
    const after = meter({ storage: cut(storage), startUtcMs: START_MS + 2 * HOUR_MS });
    expect(after.wattHours()).toBe(had);
    expect(after.events()[0]).toEqual(["power-down", HOUR_MS + 7000]);
  });

  test("a supply that comes back before the meter has ended is logged, once however it flutters", () => {
    const signals = new EmulatedBoardSignals();
    const { names, clock } = meter({ signals });
    clock.advanceBy(10_500);
    for (let i = 0; i < 3; i++) signals.failSupply();
    expect(names()).toEqual(["power-down"]);
    clock.advanceBy(5000);
    expect(names()).toEqual(["power-down", "power-up"]);
  });

  test("a line that stays down is no supply that came back", () => {
    const signals = new EmulatedBoardSignals();
    const { names, clock } = meter({ signals });
    signals.setLine("down");
    signals.failSupply();
    clock.advanceBy(MINUTE_MS);
    expect(names()).toEqual(["power-down"]);
  });

  test("damage to what was acknowledged is logged as a lost register", () => {
    const storage = new MemoryStorage();
    meter({ storage }).clock.advanceBy(HOUR_MS);
    for (const name of storage.list()) {
      const bytes = storage.read(name)?.slice() ?? new Uint8Array(0);
      bytes.fill(0xff, 100, 200);
      storage.write(name, bytes);
    }
    expect(meter({ storage, startUtcMs: START_MS + 2 * HOUR_MS }).names()).toContain("register-lost");
  });

  test("another firmware and another configuration are logged at the first start with them", () => {
    const next = () => {
      const storage = new MemoryStorage();
      meter({ storage }).clock.advanceBy(MINUTE_MS);
      return { storage, startUtcMs: START_MS + HOUR_MS };
    };
    const firmwareDigest = new Uint8Array(8).fill(9);
    expect(meter({ ...next(), configuration: { ...configuration, firmwareDigest } }).names()).toContain(
      "firmware-activated",
    );
    const zone = "EST5EDT,M3.2.0,M11.1.0";
    expect(meter({ ...next(), configuration: { ...configuration, zone } }).names()).toContain(
      "configuration-changed",
    );
    expect(meter(next()).names()).toEqual(["power-down", "power-up"]);
  });
});

describe("housing", () => {
  test("a cover that is taken off is logged once, also over a restart, and its closing too", () => {
    const storage = new MemoryStorage();
    const signals = new EmulatedBoardSignals();
    const before = meter({ storage, signals });
    before.clock.advanceBy(5000);
    signals.setSensor("cover", "holds");
    before.clock.advanceBy(5000);
    before.stop();
    const again = new EmulatedBoardSignals();
    again.setSensor("cover", "holds");
    const after = meter({ storage: cut(storage), signals: again, startUtcMs: START_MS + HOUR_MS });
    after.clock.advanceBy(MINUTE_MS);
    expect(after.names("fraud")).toEqual(["cover-removed"]);
    again.setSensor("cover", "clear");
    after.clock.advanceBy(5000);
    expect(after.names("fraud")).toEqual(["cover-removed", "cover-closed"]);
  });

  test("an event is durable by the poll after it, though nobody asked and nothing is drawn", () => {
    const storage = new MemoryStorage();
    const signals = new EmulatedBoardSignals();
    const before = meter({ storage, signals, loadText: "watts:0" });
    before.clock.advanceBy(5000);
    signals.setSensor("terminalCover", "holds");
    before.clock.advanceBy(3000);
    const after = meter({ storage: cut(storage), startUtcMs: START_MS + HOUR_MS });
    expect(after.names("fraud")).toEqual(["terminal-cover-removed"]);
  });

  test("energy that flows out is fraud in a house without generation, and not in one with it", () => {
    const hours = (hasGeneration: boolean) => {
      const world = meter({ loadText: "watts:-500", configuration: { ...configuration, hasGeneration } });
      world.clock.advanceBy(HOUR_MS);
      return world.names("fraud");
    };
    expect(hours(false)).toEqual(["reverse-energy"]);
    expect(hours(true)).toEqual([]);
  });
});

describe("the clock", () => {
  test("a board's clock set by an hour while the meter runs moves the meter, is logged, and flags its interval", () => {
    const { clock, events, flags } = meter();
    clock.advanceBy(5 * MINUTE_MS + 500);
    clock.setUtcMs(START_MS + 65 * MINUTE_MS);
    clock.advanceBy(HOUR_MS);
    expect(events().map(([name, atMs]) => [name, Math.round(Number(atMs) / MINUTE_MS)])).toEqual([
      ["clock-set-old-time", 5],
      ["clock-set-new-time", 65],
    ]);
    const { clockAdjusted, missing } = INTERVAL_FLAG;
    expect(flags(6)).toEqual([clockAdjusted, missing, missing, missing, clockAdjusted, 0]);
  });

  test("a start at a time before storage's is not believed: energy counts on, answers say so, and the right time mends it", () => {
    const storage = new MemoryStorage();
    const before = meter({ storage });
    before.clock.advanceBy(HOUR_MS);
    before.stop();
    const had = before.wattHours();
    const after = meter({ storage: cut(storage), startUtcMs: START_MS - 24 * HOUR_MS });
    after.clock.advanceBy(HOUR_MS);
    expect(after.runtime.clock.utcMs()).toBeUndefined();
    expect(after.names().slice(-1)).toEqual(["clock-invalid"]);
    expect(after.wattHours()).toBeGreaterThan(had + 990);
    after.clock.setUtcMs(START_MS + 3 * HOUR_MS + 1000);
    after.clock.advanceBy(HOUR_MS);
    expect(after.names().slice(-3)).toEqual(["clock-invalid", "clock-set-old-time", "clock-set-new-time"]);
    expect(after.flags(16).slice(13)).toEqual([0, 0, 0]);
    const rows = after.runtime.meter.profile(0)?.entries(0, Number.POSITIVE_INFINITY) ?? [];
    const used = rows.map(({ starts, ends }) => (ends[0] ?? 0) - (starts[0] ?? 0));
    expect(Math.floor(used.reduce((sum, each) => sum + each, 0) / 1000)).toBeLessThanOrEqual(
      after.wattHours(),
    );
    expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, i) => i + 1));
  });

  test("what the clock has learnt outlives a power cut", () => {
    const storage = new MemoryStorage();
    meter({ storage }).clock.advanceBy(40 * MINUTE_MS);
    const { runtime } = meter({ storage: cut(storage), startUtcMs: START_MS + HOUR_MS });
    const memory = runtime.state?.saved?.clock;
    expect(memory?.syncUtcMs).toBeGreaterThanOrEqual(START_MS + 29 * MINUTE_MS);
    expect(memory?.boardOffsetMs).toBe(0);
  });
});

describe("the tariff", () => {
  const table = (rate: number) => ({
    seasons: [{ month: 1, day: 1, weekProfile: 0 }],
    weekProfiles: [[0, 0, 0, 0, 0, 0, 0]],
    dayProfiles: [[{ minuteOfDay: 0, rate }]],
    specialDays: [],
  });

  test("holds over a restart, and a passive table that fell due in the outage is active, and told", () => {
    const storage = new MemoryStorage();
    const tariff: TariffPlan = {
      active: table(2),
      passive: { table: table(3), fromSeconds: START_MS / 1000 + 7200 },
    };
    meter({ storage, tariff }).clock.advanceBy(HOUR_MS);
    const after = meter({ storage: cut(storage), startUtcMs: START_MS + 3 * HOUR_MS });
    after.clock.advanceBy(HOUR_MS);
    expect(after.runtime.meter.tariff).toEqual({ active: table(3) });
    expect(after.names()).toEqual(["passive-tariff-set", "power-down", "power-up", "tariff-activated"]);
    const rates = [1, 2, 3].map((rate) => after.wattHours(`1-0:1.8.${rate}*255`));
    expect(rates[0]).toBe(0);
    for (const rate of rates.slice(1)) expect(Math.abs(rate - 1000)).toBeLessThan(20);
  });

  test("given again at a start without a valid clock does not bring back the table that was replaced", () => {
    const storage = new MemoryStorage();
    const passive = { table: table(3), fromSeconds: (START_MS + HOUR_MS) / 1000 };
    const tariff: TariffPlan = { active: table(2), passive };
    meter({ storage, tariff }).clock.advanceBy(2 * HOUR_MS);
    const after = meter({ storage: cut(storage), tariff, startUtcMs: START_MS + 2 * HOUR_MS - MINUTE_MS });
    expect(after.runtime.clock.state.kind).toBe("invalid");
    expect(after.runtime.meter.tariff).toEqual({ active: table(3) });
    expect(after.names().filter((name) => name === "passive-tariff-set")).toHaveLength(1);
  });
});

describe("over the line", () => {
  test("a head-end that has proved itself reads events, clock and tariff", async () => {
    const zone = "CET-1CEST,M3.5.0,M10.5.0/3";
    const signals = new EmulatedBoardSignals();
    const { clock, headEnd, target } = meter({ signals, configuration: { ...configuration, zone } });
    signals.setSensor("magnet", "holds");
    clock.advanceBy(MINUTE_MS);
    const request = { log: "fraud", from: 1, count: 32 } as const;
    const { body } = await settle(clock, headEnd.readEvents(target, request));
    expect(body).toMatchObject({ oldest: 1, next: 2, events: [{ sequence: 1, code: 42 }] });
    const time = await settle(clock, headEnd.readClock(target));
    expect(time.body).toMatchObject({ zone, source: "board", clockStatus: 0 });
    expect((await settle(clock, headEnd.readTariff(target))).body.active.seasons).toEqual([]);
  });

  test("a meter of the longest zone tells it", async () => {
    const zone = "<ABC-10>+10:59:59<ABC-11>+11:59:59,M10.5.0/-167:59:59,M3.5.0/167:59:59";
    expect(zone.length).toBeGreaterThan(64);
    const { clock, headEnd, target } = meter({ configuration: { ...configuration, zone } });
    expect((await settle(clock, headEnd.readClock(target))).body.zone).toBe(zone);
  });

  test("asking from number N on acknowledges what was before it, and that is durable", () => {
    const storage = new MemoryStorage();
    const signals = new EmulatedBoardSignals();
    const before = meter({ storage, signals });
    signals.setSensor("cover", "holds");
    before.clock.advanceBy(5000);
    const ask = (from: number) => {
      const request = { log: "fraud", from, count: 32 } as const;
      const content = resourceRequest(CODE.fetch, "e", encodeEventRequest(request));
      return decodeEventReading(
        before.runtime.resources.serve({ peer: { id: "H" }, from: "line", content }).payload,
        request,
      );
    };
    expect(before.runtime.log.unreadAlarms).toEqual(["cover-removed"]);
    expect(ask(1)?.next).toBe(2);
    expect(before.runtime.log.unreadAlarms).toEqual(["cover-removed"]);
    ask(2);
    expect(before.runtime.log.unreadAlarms).toEqual([]);
    const after = meter({ storage: cut(storage), startUtcMs: START_MS + HOUR_MS });
    expect(after.runtime.log.unreadAlarms).toEqual([]);
    const { operations } = storage;
    ask(2);
    expect(storage.operations).toBe(operations);
  });
});

describe("a state of another setting", () => {
  test.each([
    ["another interval", { profilePeriodsSeconds: [1800] }, "load profiles"],
    ["other channels", { profileChannels: [IMPORT] }, "load profiles"],
    ["another demand", { demand: { periodSeconds: 900, subPeriods: 3 } }, "demand"],
  ])("is refused and left alone: %s", (_, billing, what) => {
    const storage = new MemoryStorage();
    meter({ storage }).clock.advanceBy(HOUR_MS);
    const { operations } = storage;
    const start = () => meter({ storage, configuration: { ...configuration, ...billing } });
    expect(start).toThrow(MeterStateError);
    expect(start).toThrow(what);
    expect(storage.operations).toBe(operations);
  });
});

test("what a power cut can take is on the nameplate; a meter that keeps nothing has no such figure", async () => {
  for (const storage of [undefined, new MemoryStorage()]) {
    const { clock, headEnd, target } = meter(storage && { storage });
    const { body } = await settle(clock, headEnd.readNameplate(target));
    if (storage === undefined) expect(body.maxLossWattHours).toBeNull();
    else expect(body.maxLossWattHours).toBeGreaterThan(10);
  }
});
