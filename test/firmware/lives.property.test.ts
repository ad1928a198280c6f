// Lives of a whole meter: power cuts at any operation, clocks set and behind, a month's end, a tariff that takes over.
// What a head-end was told is there ever after; registers, rates and rows agree.
import { expect, test } from "vitest";
import { EVENT_LOGS, eventNameOf } from "../../firmware/events/event-table.ts";
import { CODE, type CoapContent, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import { decodeEventReading, encodeEventRequest } from "../../firmware/protocol/readings/event-reading.ts";
import { PROFILE_PERIOD_SECONDS } from "../../firmware/protocol/readings/profile-reading.ts";
import {
  decodeRegisterReading,
  encodeRegisterRequest,
} from "../../firmware/protocol/readings/register-reading.ts";
import type { TariffPlan, TariffTable } from "../../firmware/protocol/readings/tariff.ts";
import { decodeTariffPlan } from "../../firmware/protocol/readings/tariff-table.ts";
import { EmulatedBoardSignals } from "../../hal/emulated/board-signals.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { MemoryStorage, PowerCut } from "../../hal/storage/memory-storage.ts";
import { configuration } from "../support/configuration.ts";
import { MINUTE_MS, meter } from "../support/whole-meter.ts";

/** `METERBENCH_LIVES_SEED=n npx vitest run test/firmware/lives.property.test.ts` repeats one run. */
const ONLY = process.env["METERBENCH_LIVES_SEED"];
const SEEDS = ONLY === undefined ? Array.from({ length: 24 }, (_, i) => i) : [Number(ONLY)];
const LIVES = 5;
const ZONES = ["", "CET-1CEST,M3.5.0,M10.5.0/3", "<+0545>-5:45"];
/** Minutes before a month's end in one of the zones, and before the clocks go back. */
const STARTS_MS = [
  Date.UTC(2026, 10, 30, 22, 52),
  Date.UTC(2026, 10, 30, 23, 52),
  Date.UTC(2026, 10, 30, 18, 5),
  Date.UTC(2026, 9, 25, 0, 50),
];
const PERIODS = [[300], [900], [3600, 300]];
const SUB_PERIODS = [1, 5];
const BYTES = ["none", "all", "torn", "zeros", "last-only", "torn-and-zeros"] as const;
const FOLDERS = ["none", "first-half", "last-half", "all"] as const;
const ENERGIES = [0, 1, 2, 3, 4].map((rate) => `1-0:1.8.${rate}*255` as const);
const DEMANDS = ["1-0:0.1.0*255", "1-0:1.6.0*255", "1-0:1.6.0*101", "1-0:1.2.0*255"] as const;
/** How far the clock is off at a start, and how it is set while the meter runs. */
const SKEWS_MS = [0, 0, 0, -5000, -20 * MINUTE_MS, 10 * MINUTE_MS];
const STEPS_MS = [9000, -9000, MINUTE_MS, -MINUTE_MS, 30 * MINUTE_MS, -30 * MINUTE_MS];

type World = ReturnType<typeof meter>;

/** What a head-end knows. */
interface Told {
  registers: (number | string)[];
  plan: TariffPlan | undefined;
  /** By log and number, and by profile and number. */
  readonly entries: Map<string, string>;
}

class Run {
  readonly #random: SeededRandom;
  readonly #told: Told = { registers: [], plan: undefined, entries: new Map() };
  readonly #configuration;
  readonly #tariff: TariffPlan;
  #storage = new MemoryStorage();
  #utcMs: number;

  constructor(seed: number) {
    this.#random = new SeededRandom(`lives ${seed}`);
    this.#utcMs = this.pick(STARTS_MS);
    const demand = { periodSeconds: 300, subPeriods: this.pick(SUB_PERIODS) };
    const profilePeriodsSeconds = this.pick(PERIODS);
    this.#configuration = { ...configuration, zone: this.pick(ZONES), profilePeriodsSeconds, demand };
    const fromSeconds = this.#utcMs / 1000 + 60 * this.below(25);
    this.#tariff = { active: table(1), passive: { table: table(3), fromSeconds } };
  }

  below(n: number): number {
    return integerBelow(this.#random, n);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** One start of the meter and what follows, until the power goes. */
  live(): void {
    this.#utcMs += this.pick(SKEWS_MS);
    const startUtcMs = this.#utcMs;
    if (this.below(3) > 0) this.#storage.cutAt(this.#storage.operations + 1 + this.below(40));
    let world: World | undefined;
    try {
      const signals = new EmulatedBoardSignals();
      world = this.#start(startUtcMs, signals);
      for (let step = this.below(14); step > 0; step--) this.#step(world, signals);
      if (this.below(3) === 0) world.runtime.stop();
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    const outageMs = this.pick([1000, 5 * MINUTE_MS, 150 * MINUTE_MS]);
    this.#utcMs = (world?.clock.utcMs() ?? startUtcMs) + outageMs;
    this.#storage = this.#storage.afterCut({ bytes: this.pick(BYTES), folder: this.pick(FOLDERS) });
  }

  /** The last start, whose power stays. */
  end(): void {
    const world = this.#start(this.#utcMs, new EmulatedBoardSignals());
    world.clock.advanceBy(100);
    this.#read(world);
    expect(world.runtime.state?.recovery.damage).toEqual([]);
  }

  #start(startUtcMs: number, signals: EmulatedBoardSignals): World {
    const loadText = `watts:${this.below(8000)}`;
    const board = { storage: this.#storage, signals, startUtcMs, pollIntervalMs: 10_000 };
    const isNew = this.#told.plan === undefined;
    return meter({
      ...{ ...board, loadText, configuration: this.#configuration },
      ...(isNew && { tariff: this.#tariff }),
    });
  }

  #step(world: World, signals: EmulatedBoardSignals): void {
    const chance = this.below(20);
    if (chance < 11) world.clock.advanceBy(500 + this.below(200_000));
    else if (chance < 13) world.clock.setUtcMs((world.clock.utcMs() ?? 0) + this.pick(STEPS_MS));
    else if (chance < 15) signals.setSensor("cover", this.pick(["holds", "clear"]));
    else if (chance < 16) signals.failSupply();
    else this.#read(world);
  }

  /** Asks for all, and compares it with what was told before. */
  #read(world: World): void {
    this.#readRegisters(world);
    for (const log of EVENT_LOGS) this.#readEvents(world, log);
    const plan = decodeTariffPlan(ask(world, resourceRequest(CODE.get, "t")));
    if (this.#told.plan?.passive === undefined && this.#told.plan !== undefined) {
      expect(plan).toEqual(this.#told.plan);
    }
    this.#told.plan = plan;
    checkRates(world);
    for (const place of this.#configuration.profilePeriodsSeconds.keys()) this.#readRows(world, place);
  }

  #readRegisters(world: World): void {
    const names = [...ENERGIES, ...DEMANDS];
    const body = ask(world, resourceRequest(CODE.fetch, "r", encodeRegisterRequest(names)));
    const entries = decodeRegisterReading(body, names)?.entries ?? [];
    const now = entries.map((entry) => ("value" in entry ? entry.value : entry.quality));
    const before = this.#told.registers;
    this.#told.registers = now;
    if (before.length === 0) return;
    // Energies and the count of resets, as far as the part had answered.
    before.slice(0, ENERGIES.length + 1).forEach((value, i) => {
      if (typeof value === "number") expect(now[i]).toBeGreaterThanOrEqual(value);
    });
    const [resets, maximum, past, cumulative] = now.slice(ENERGIES.length);
    const [resetsBefore, maximumBefore, pastBefore, cumulativeBefore] = before.slice(ENERGIES.length);
    const held = resets === resetsBefore ? maximum : past;
    if (typeof maximumBefore === "number") expect(held).toBeGreaterThanOrEqual(maximumBefore);
    if (resets === resetsBefore) expect([past, cumulative]).toEqual([pastBefore, cumulativeBefore]);
  }

  #readEvents(world: World, log: (typeof EVENT_LOGS)[number]): void {
    const request = { log, from: 1, count: 32 };
    const body = ask(world, resourceRequest(CODE.fetch, "e", encodeEventRequest(request)));
    const events = decodeEventReading(body, request)?.events ?? [];
    this.#compare(`${log} `, events);
    const supply = events.map(({ code }) => eventNameOf(code)).filter((name) => name?.startsWith("power-"));
    supply.forEach((name, i) => {
      expect(name).toBe(i % 2 === 0 ? "power-down" : "power-up");
    });
  }

  /** Each row begins where the one before ended, the open one too, and no number is missing. */
  #readRows({ runtime }: World, place: number): void {
    const periodSeconds = this.#configuration.profilePeriodsSeconds[place] as number;
    const profile = runtime.meter.profile(PROFILE_PERIOD_SECONDS.indexOf(periodSeconds));
    const rows = profile?.entries(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY) ?? [];
    let [sequence, end] = [0, 0];
    for (const row of rows) {
      expect([row.sequence, row.starts[0] ?? 0]).toEqual([sequence + 1, end]);
      [sequence, end] = [row.sequence, row.ends[0] ?? 0];
    }
    expect(runtime.meter.state().profiles[place]?.[4][4] ?? 0).toBe(end);
    // When a start was may be learnt later; the row is what it was.
    this.#compare(
      `profile ${place} `,
      rows.map(({ startSeconds: _, ...row }) => row),
    );
  }

  #compare(kind: string, entries: readonly { readonly sequence: number }[]): void {
    const now = new Map(entries.map((entry) => [kind + entry.sequence, JSON.stringify(entry)]));
    for (const [key, told] of this.#told.entries) {
      if (key.startsWith(kind)) expect([key, now.get(key)]).toEqual([key, told]);
    }
    for (const [key, entry] of now) this.#told.entries.set(key, entry);
  }
}

function checkRates({ runtime }: World): void {
  const [imported = []] = runtime.meter.state().energy[3];
  const [, total = 0, ...rates] = imported;
  expect(rates.reduce((sum, rate) => sum + rate, 0)).toBe(total);
}

function ask({ runtime }: World, content: CoapContent): Uint8Array {
  const { code, payload } = runtime.resources.serve({ peer: { id: "H" }, from: "line", content });
  expect(code).toBe(CODE.content);
  return payload;
}

/** A rate until 00:07, and the next one from then on. */
function table(rate: number): TariffTable {
  return {
    seasons: [{ month: 1, day: 1, weekProfile: 0 }],
    weekProfiles: [[0, 0, 0, 0, 0, 0, 0]],
    dayProfiles: [
      [
        { minuteOfDay: 0, rate },
        { minuteOfDay: 7, rate: rate + 1 },
      ],
    ],
    specialDays: [],
  };
}

test.each(SEEDS)("what was told is there after any power cut (METERBENCH_LIVES_SEED=%d)", (seed) => {
  const run = new Run(seed);
  for (let life = 0; life < LIVES; life++) run.live();
  run.end();
});
