// A meter with a storage: what it has told is there after any power cut.
import { describe, expect, test } from "vitest";
import { PAYLOAD_BYTES_MAX } from "../../firmware/journal/frame.ts";
import { Journal } from "../../firmware/journal/journal.ts";
import { MeterStateError } from "../../firmware/meter-state-parts.ts";
import { EnergyEngine, type EnergyEngineOptions } from "../../firmware/metrology/energy-engine.ts";
import { encodeCbor } from "../../firmware/protocol/cbor.ts";
import { CODE, type CoapContent, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import {
  decodeProfileReading,
  encodeProfileRequest,
} from "../../firmware/protocol/readings/profile-reading.ts";
import { decodeRegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import { DEFAULT_REGISTERS } from "../../firmware/protocol/readings/register-table.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { StorageFault } from "../../hal/ports/storage.ts";
import {
  type BytesSurvival,
  type FolderSurvival,
  MemoryStorage,
  PowerCut,
} from "../../hal/storage/memory-storage.ts";
import { parseLoad } from "../../host-tools/loads/index.ts";
import { singleLine } from "../../host-tools/world/single-line.ts";
import { configuration } from "../support/configuration.ts";

const START_MS = Date.UTC(2026, 10, 24);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BYTES: readonly BytesSurvival[] = ["none", "all", "torn", "zeros", "last-only", "torn-and-zeros"];
const FOLDERS: readonly FolderSurvival[] = ["none", "first-half", "last-half", "all"];
const SEEDS = process.env["METERBENCH_STATE_SEED"]
  ? [process.env["METERBENCH_STATE_SEED"]]
  : Array.from({ length: 6 }, (_, i) => String(i));

function meter(storage: MemoryStorage, startUtcMs: number, loadText: string, pollIntervalMs = 1000) {
  const load = parseLoad(loadText, { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  return singleLine({
    ...{ seed: 1, load, startUtcMs, crypto: opensslEngine, baud: 115_200, pollIntervalMs },
    ...{ configuration, storage },
  });
}

type World = ReturnType<typeof meter>;

function ask({ runtime }: World, content: CoapContent): CoapContent {
  return runtime.resources.serve({ peer: { id: "H" }, from: "line", content });
}

/** The import register as it is told, in Wh; 0 of a meter that knows nothing yet. */
function register(world: World): number {
  const { code, payload } = ask(world, resourceRequest(CODE.get, "r"));
  if (code !== CODE.content) throw new Error(`answered ${code}`);
  const [entry] = decodeRegisterReading(payload, DEFAULT_REGISTERS)?.entries ?? [];
  return entry !== undefined && "value" in entry ? Number(entry.value) : 0;
}

/** The eight intervals of the first two hours, as they are told. */
function intervals(world: World) {
  const request = {
    ...{ profile: 0, register: "1-0:1.8.0*255" as const, startSeconds: START_MS / 1000, count: 8 },
    step: 1,
  };
  const { payload } = ask(world, resourceRequest(CODE.fetch, "p", encodeProfileRequest(request)));
  return decodeProfileReading(payload, request)?.intervals ?? [];
}

/** What a head-end knows. */
interface Told {
  register: number;
  intervals: ReturnType<typeof intervals>;
}

/** Polls and reads for a while, until the power goes. */
function liveUntilCut(world: World, random: SeededRandom, told: Told): void {
  try {
    for (let step = integerBelow(random, 20); step > 0; step--) {
      world.clock.advanceBy(1000 + integerBelow(random, 400_000));
      if (integerBelow(random, 3) === 0) told.register = register(world);
      if (integerBelow(random, 3) === 0) told.intervals = intervals(world);
    }
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
}

function expectKept(world: World, told: Told): void {
  expect(register(world)).toBeGreaterThanOrEqual(told.register);
  const now = intervals(world);
  for (const [i, interval] of told.intervals.entries())
    if (interval.value !== undefined) expect(now[i]).toEqual(interval);
}

function oneOf<Value>(random: SeededRandom, values: readonly Value[]): Value {
  return values[integerBelow(random, values.length)] as Value;
}

describe("a meter with a storage", () => {
  test.each(SEEDS)("told nothing that a power cut takes back (METERBENCH_STATE_SEED=%s)", (seed) => {
    const random = new SeededRandom(`state ${seed}`);
    const watts = 100 + integerBelow(random, 12_000);
    const told: Told = { register: 0, intervals: [] };
    let storage = new MemoryStorage();
    let nowMs = START_MS;
    for (let start = 0; start < 3; start++) {
      const world = meter(storage, nowMs, `watts:${watts}`);
      if (integerBelow(random, 2) === 0) storage.cutAt(storage.operations + 1 + integerBelow(random, 40));
      liveUntilCut(world, random, told);
      const measured = world.runtime.meter.importWattHours;
      nowMs = (world.clock.utcMs() ?? 0) + integerBelow(random, HOUR_MS);
      storage = storage.afterCut({ bytes: oneOf(random, BYTES), folder: oneOf(random, FOLDERS) });
      const after = meter(storage, nowMs, "watts:0");
      after.clock.advanceBy(100);
      expectKept(after, told);
      const lost = measured - register(after);
      // 10 Wh, or what is drawn in the least pause between two saves; one poll more, and a count of the register.
      expect(lost).toBeLessThanOrEqual(Math.max(10, (watts * 11) / 3600) + watts / 3600 + 1);
      expect(lost).toBeGreaterThanOrEqual(0);
      nowMs = after.clock.utcMs() ?? 0;
    }
  });

  test("has after an orderly end all that it measured, and marks the interval of the outage", () => {
    const storage = new MemoryStorage();
    const before = meter(storage, START_MS, "watts:1200");
    before.clock.advanceBy(20 * 60_000);
    const measured = before.runtime.meter.importWattHours;
    before.stop();
    const after = meter(storage, START_MS + 50 * 60_000, "watts:1200");
    after.clock.advanceBy(500);
    expect(register(after)).toBe(measured);
    after.clock.advanceBy(30 * 60_000);
    const near = (value: number) => expect.toSatisfy((seen: number) => Math.abs(seen - value) <= 1);
    expect(intervals(after).map(({ value, flags }) => [value, flags & 0x80])).toEqual([
      [near(300), 0],
      [near(100), 0x80],
      [undefined, 0],
      [near(200), 0x80],
      [near(300), 0],
      [undefined, 0],
      [undefined, 0],
      [undefined, 0],
    ]);
  });

  test("keeps an interval from the reading that closed it on, though nobody asked for it", () => {
    const storage = new MemoryStorage();
    meter(storage, START_MS, "watts:600").clock.advanceBy(15 * 60_000 + 1500);
    const after = meter(storage.afterCut({ bytes: "none", folder: "none" }), START_MS + HOUR_MS, "watts:0");
    after.clock.advanceBy(100);
    const [first] = intervals(after);
    expect(first?.flags).toBe(0);
    expect(first?.value).toBeGreaterThanOrEqual(149);
  });

  test("has room for four profiles that remember as many starts as they can, after very many of them", () => {
    const options: EnergyEngineOptions = {
      profiles: [300, 900, 1800, 3600].map((periodSeconds) => {
        return {
          periodSeconds,
          capacity: 1,
          channels: ["1", "2", "21", "41", "61"].map((c) => `1-0:${c}.8.0*255` as const),
        };
      }),
    };
    const reading = {
      activeImport: 9e15,
      activeExport: 9e15,
      phase1Import: 9e15,
      phase2Import: 9e15,
      phase3Import: 9e15,
    };
    let engine = new EnergyEngine(options, { utcSeconds: undefined, bootSeconds: 0 });
    engine.book(reading, { utcSeconds: undefined, bootSeconds: 1 });
    for (let start = 0; start < 100; start++) {
      const { energy, profiles, demand } = engine.state();
      const [, ...rest] = energy;
      const state = { energy: [100_000 + start, ...rest] as const, profiles, demand };
      engine = new EnergyEngine(
        options,
        { utcSeconds: undefined, bootSeconds: 0 },
        { state, rows: [[], [], [], []] },
      );
      const utcSeconds = START_MS / 1000 + 60 * start;
      engine.clockChanged({ kind: "adjusted", fromSeconds: undefined }, { utcSeconds, bootSeconds: 10 });
    }
    expect(encodeCbor(engine.state().profiles).length).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
  });

  test("refuses the state of another firmware, and leaves it as it is", () => {
    const storage = new MemoryStorage();
    const journal = Journal.open(storage, { rules: [{ kind: 1, keepRecords: 1, recordBytesMax: 4096 }] });
    journal.append([{ kind: 1, value: [99, "of a firmware to come"] }]);
    const { operations } = storage;
    expect(() => meter(storage, START_MS, "watts:600")).toThrow(MeterStateError);
    expect(storage.operations).toBe(operations);
  });

  test.each<StorageFault>(["full", "read-only", "broken"])(
    "whose storage is %s measures on, says so once, and tells no reading that it could lose",
    (fault) => {
      for (let operation = 5; operation < 12; operation++) {
        const storage = new MemoryStorage();
        storage.failAt({ operation, fault, lasting: true });
        const world = meter(storage, START_MS, "watts:12000");
        world.clock.advanceBy(5 * 60_000);
        expect(world.runtime.state?.condition).toBe(fault);
        expect(world.runtime.meter.importWattHours).toBeGreaterThan(990);
        for (const path of ["r", "i"]) {
          const code = path === "r" ? CODE.serviceUnavailable : CODE.content;
          expect(ask(world, resourceRequest(CODE.get, path)).code).toBe(code);
        }
      }
    },
  );

  test("writes within the budget of its flash: a day of a household takes 1,700 syncs and 250 kB at the most", () => {
    const world = meter(new MemoryStorage(), START_MS, "h25", 60_000);
    world.clock.advanceBy(DAY_MS);
    const { syncs = 0, bytesWritten = 0 } = world.runtime.state?.counters ?? {};
    expect(syncs).toBeGreaterThan(96);
    expect(syncs).toBeLessThanOrEqual(1700);
    expect(bytesWritten).toBeLessThanOrEqual(250_000);
  });
});
