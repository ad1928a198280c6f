// What holds whatever happens to a clock: seeded runs of syncs, sets, claims, board steps, drift and restarts.
import { expect, test } from "vitest";
import type { ClockEvent } from "../../../firmware/clock/clock-event.ts";
import { WallClock } from "../../../firmware/clock/wall-clock.ts";
import { integerBelow, SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { BUILD_MS, HOUR_MS, MIDNIGHT_MS } from "./bench.ts";

/** `CLOCK_SEED=n npx vitest run test/firmware/clock/properties.test.ts` repeats one run. */
const ONLY = process.env["CLOCK_SEED"];
const SEEDS = ONLY === undefined ? Array.from({ length: 200 }, (_, i) => i) : [Number(ONLY)];
const STEPS = 60;
/** Sums of some hundred doubles of 1.8e12. */
const ROUNDING_MS = 0.1;

class Run {
  readonly random: SeededRandom;
  readonly told: ClockEvent[] = [];
  monotonicMs = 0;
  boardOffsetMs = MIDNIGHT_MS;
  wall: WallClock;
  /** What wall time will have changed by against the monotonic clock when all slews are over. */
  settledMs: number | undefined;
  lastMs: number | undefined;

  constructor(seed: number) {
    this.random = new SeededRandom(`clock ${seed}`);
    this.wall = this.boot(undefined);
    this.settledMs = this.settled();
  }

  chance(limit: number): number {
    return integerBelow(this.random, limit);
  }

  /** The clock is handed over read-only: nothing that a wall clock does can reach monotonic time. */
  boot(memory: ReturnType<WallClock["memory"]> | undefined): WallClock {
    return new WallClock({
      clock: Object.freeze({
        monotonicMs: () => this.monotonicMs,
        utcMs: () => this.monotonicMs + this.boardOffsetMs,
      }),
      random: this.random,
      board: this.chance(2) === 0 ? "disciplined" : "free-running",
      buildUtcMs: BUILD_MS,
      memory,
      phase: () => (this.chance(20) === 0 ? "commissioning" : "in-service"),
      onEvent: (event) => this.told.push(event),
    });
  }

  settled(): number | undefined {
    const utcMs = this.wall.utcMs();
    return utcMs === undefined ? undefined : utcMs - this.monotonicMs + this.wall.pendingMs;
  }

  /** A difference of any size: from milliseconds to days, to either side. */
  difference(): number {
    const magnitudeMs = 10 ** (1 + this.chance(8)) * (1 + this.chance(9));
    return this.chance(2) === 0 ? magnitudeMs : -magnitudeMs;
  }

  step(): void {
    const utcMs = this.wall.utcMs() ?? MIDNIGHT_MS;
    const way = this.chance(8);
    if (way === 0) {
      const challenge = this.chance(5) === 0 ? new Uint8Array(8) : this.wall.challenge();
      this.wall.propose({ role: "head-end", utcMs: utcMs + this.difference(), challenge });
    } else if (way === 1) this.wall.propose({ role: "dap", utcMs: utcMs + this.difference() });
    else if (way === 2) this.boardOffsetMs += this.difference();
    else if (way === 3) this.wall.tick();
    else {
      const elapsedMs = this.chance(10 ** (1 + this.chance(8)));
      this.monotonicMs += elapsedMs;
      this.boardOffsetMs += elapsedMs * 50e-6;
    }
  }

  restart(): void {
    this.wall = this.boot(this.wall.memory());
    this.settledMs = this.settled();
    this.lastMs = undefined;
  }
}

/** What the events say that wall time changed by; undefined where it began. */
function changeTold(events: readonly ClockEvent[]): { byMs: number; backMs: number; began: boolean } {
  const sum = { byMs: 0, backMs: 0, began: false };
  for (const event of events) {
    if (event.kind === "slewed") sum.byMs += event.byMs;
    if (event.kind !== "adjusted") continue;
    if (event.oldUtcMs === undefined) sum.began = true;
    const byMs = event.newUtcMs - (event.oldUtcMs ?? event.newUtcMs);
    sum.byMs += byMs;
    sum.backMs += Math.max(0, -byMs);
  }
  return sum;
}

function checkStep(run: Run): void {
  run.told.length = 0;
  run.step();
  const told = changeTold(run.told);
  const settledMs = run.settled();
  const utcMs = run.wall.utcMs();
  if (run.settledMs === undefined) expect(settledMs !== undefined).toBe(told.began);
  else expect(Math.abs((settledMs as number) - run.settledMs - told.byMs)).toBeLessThan(ROUNDING_MS);
  if (run.lastMs !== undefined && utcMs !== undefined) {
    expect(utcMs).toBeGreaterThanOrEqual(run.lastMs - told.backMs - ROUNDING_MS);
  }
  run.settledMs = settledMs;
  run.lastMs = utcMs;
}

test(`in ${SEEDS.length} runs wall time changes by what is told, and goes back by a told set only`, () => {
  for (const seed of SEEDS) {
    const run = new Run(seed);
    try {
      for (let step = 0; step < STEPS; step++) {
        if (run.chance(15) === 0) run.restart();
        else checkStep(run);
      }
    } catch (error) {
      throw new Error(`CLOCK_SEED=${seed} repeats this`, { cause: error });
    }
  }
});

test("in 100 runs no boot begins before the time that storage had, but as invalid", () => {
  let invalid = 0;
  for (let seed = 0; seed < 100; seed++) {
    const run = new Run(seed);
    for (let step = 0; step < 20; step++) run.step();
    const { lastUtcMs } = run.wall.memory();
    run.boardOffsetMs += run.difference() % (10 * HOUR_MS);
    run.restart();
    const utcMs = run.wall.utcMs();
    if (utcMs === undefined) invalid++;
    else expect(utcMs).toBeGreaterThanOrEqual(lastUtcMs ?? 0);
  }
  expect(invalid).toBeGreaterThan(5);
  expect(invalid).toBeLessThan(90);
});
