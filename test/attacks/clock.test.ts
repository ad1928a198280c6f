// A wrong time: from NTP, from a DAP, from a board that was tampered with.
import { describe, expect, test } from "vitest";
import { WallClock } from "../../firmware/clock/wall-clock.ts";
import { INTERVAL_FLAG } from "../../firmware/protocol/readings/interval.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { attackedMeter, START_MS } from "./attacked-meter.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function rows({ runtime }: ReturnType<typeof attackedMeter>) {
  return runtime.meter.profile(0)?.entries(0, Number.POSITIVE_INFINITY) ?? [];
}

describe("NTP that turns a running meter's clock", () => {
  test.each([-10 * DAY_MS, -5 * HOUR_MS, 5 * HOUR_MS, 400 * DAY_MS])(
    "by %d ms is refused and logged; time, intervals and their order stay",
    (byMs) => {
      const meter = attackedMeter();
      meter.clock.advanceBy(35 * MINUTE_MS);
      const before = rows(meter);
      const rightMs = START_MS + meter.clock.monotonicMs();
      meter.clock.setUtcMs(rightMs + byMs);
      meter.clock.advanceBy(HOUR_MS / 2);
      expect(Math.abs((meter.runtime.clock.utcMs() ?? 0) - rightMs - HOUR_MS / 2)).toBeLessThan(2000);
      expect(rows(meter).slice(0, before.length)).toEqual(before);
      expect(rows(meter)).toHaveLength(before.length + 2);
      expect(meter.logged().some((name) => name?.includes("clock"))).toBe(true);
    },
  );

  test("back by three hours, again and again, overwrites no interval and makes none twice", () => {
    const meter = attackedMeter();
    meter.clock.advanceBy(HOUR_MS);
    const before = rows(meter);
    for (let i = 0; i < 5; i++) {
      meter.clock.setUtcMs((meter.clock.utcMs() ?? 0) - 3 * HOUR_MS);
      meter.clock.advanceBy(20 * MINUTE_MS);
    }
    const after = rows(meter);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.map(({ sequence }) => sequence)).toEqual(after.map((_, i) => i + 1));
    const changed = after
      .slice(before.length)
      .filter(({ flags }) => (flags & INTERVAL_FLAG.clockAdjusted) !== 0);
    expect(changed.length).toBeGreaterThan(0);
  });
});

test("a board that starts in the past is not believed: what storage knows is the floor", () => {
  const storage = new MemoryStorage();
  const before = attackedMeter({ storage });
  before.clock.advanceBy(HOUR_MS);
  before.stop();
  const kept = rows(before);
  const after = attackedMeter({
    storage: storage.afterCut({ bytes: "none", folder: "none" }),
    startUtcMs: START_MS - 30 * DAY_MS,
  });
  after.clock.advanceBy(HOUR_MS);
  expect(after.runtime.clock.utcMs()).toBeUndefined();
  expect(after.logged()).toContain("clock-invalid");
  expect(rows(after).slice(0, kept.length)).toEqual(kept);
});

test("a DAP that claims a time every minute for a week moves a meter by two seconds a day at the most", () => {
  const clock = new VirtualClock({ utcMs: START_MS });
  const wall = new WallClock({
    ...{ clock, random: new SeededRandom(1), board: "free-running", buildUtcMs: 0 },
    memory: { syncUtcMs: START_MS - 2 * DAY_MS },
    onEvent: () => {},
  });
  for (let minute = 0; minute < 7 * 24 * 60; minute++) {
    clock.advanceBy(MINUTE_MS);
    wall.tick();
    wall.propose({ role: "dap", utcMs: START_MS + 10 * DAY_MS });
  }
  const movedMs = (wall.utcMs() ?? 0) - (clock.utcMs() ?? 0);
  expect(movedMs).toBeGreaterThan(0);
  expect(movedMs).toBeLessThanOrEqual(7 * 2000 + 1);
});
