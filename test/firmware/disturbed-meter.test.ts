// A whole meter whose board, clock or reader disturbs it: nothing that was told is lost, and its storage is not worn.
import { expect, test } from "vitest";
import { CODE, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import {
  decodeRegisterReading,
  encodeRegisterRequest,
} from "../../firmware/protocol/readings/register-reading.ts";
import { EmulatedBoardSignals } from "../../hal/emulated/board-signals.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { settle } from "../../host-tools/world/single-line.ts";
import { configuration } from "../support/configuration.ts";
import { cut, HOUR_MS, MINUTE_MS, meter, START_MS } from "../support/whole-meter.ts";

test("a board that a time server has set back by some seconds leaves the next start a clock that is right again", () => {
  const storage = new MemoryStorage();
  const before = meter({ storage });
  before.clock.advanceBy(HOUR_MS);
  before.clock.setUtcMs(START_MS + HOUR_MS - 5000);
  before.clock.advanceBy(10_000);
  before.stop();
  const after = meter({ storage, startUtcMs: START_MS + HOUR_MS + 6000 });
  after.clock.advanceBy(10_000);
  expect(after.runtime.clock.utcMs()).toBe(START_MS + HOUR_MS + 16_000);
});

test("a demand of nothing that was told is there after a power cut too", () => {
  const storage = new MemoryStorage();
  const demand = { periodSeconds: 300, subPeriods: 1 };
  const options = { storage, configuration: { ...configuration, profilePeriodsSeconds: [3600], demand } };
  const before = meter({ ...options, loadText: "watts:0" });
  const ask = ({ runtime }: typeof before) => {
    const registers = ["1-0:1.6.0*255"] as const;
    const content = resourceRequest(CODE.fetch, "r", encodeRegisterRequest(registers));
    return decodeRegisterReading(
      runtime.resources.serve({ peer: { id: "H" }, from: "line", content }).payload,
      registers,
    )?.entries[0];
  };
  before.clock.advanceBy(MINUTE_MS);
  expect(ask(before)).toMatchObject({ quality: "unavailable" });
  before.clock.advanceBy(5 * MINUTE_MS);
  expect(ask(before)).toMatchObject({ value: 0 });
  expect(ask(meter({ ...options, storage: cut(storage), startUtcMs: START_MS + HOUR_MS }))).toMatchObject({
    value: 0,
  });
});

test.each([
  ["a little off each other second", 700],
  ["far off each other second", 5 * HOUR_MS],
])("a time server that is %s does not wear the meter's storage", (_, byMs) => {
  const { clock, runtime } = meter({ storage: new MemoryStorage(), loadText: "watts:60" });
  for (let second = 0; second < 3600; second++) {
    clock.setUtcMs((clock.utcMs() ?? 0) + (second % 2 === 0 ? byMs : -byMs));
    clock.advanceBy(1000);
  }
  // Its share of what a day may take.
  expect(runtime.state?.counters.syncs).toBeLessThanOrEqual(1700 / 24);
});

test("a supply that flutters makes the meter write once for each reading at the most", () => {
  const signals = new EmulatedBoardSignals();
  const { clock, runtime } = meter({ storage: new MemoryStorage(), signals });
  clock.advanceBy(MINUTE_MS);
  const { syncs = 0 } = runtime.state?.counters ?? {};
  for (let tenth = 0; tenth < 600; tenth++) {
    signals.failSupply();
    clock.advanceBy(100);
  }
  expect(runtime.state?.counters.syncs).toBeLessThanOrEqual(syncs + 61);
});

test.each([9000, -9000])(
  "a slew of %d ms makes the meter poll no more often than a calm clock does",
  (byMs) => {
    const { clock } = meter();
    const wakeUpsIn = (ms: number): number => {
      const endMs = clock.monotonicMs() + ms;
      let wakeUps = 0;
      for (let dueMs = clock.nextDueMs() ?? endMs; dueMs < endMs; dueMs = clock.nextDueMs() ?? endMs) {
        clock.advanceBy(dueMs - clock.monotonicMs());
        wakeUps++;
      }
      return wakeUps;
    };
    const calm = wakeUpsIn(5 * MINUTE_MS);
    clock.setUtcMs((clock.utcMs() ?? 0) + byMs);
    const slewing = wakeUpsIn(5 * MINUTE_MS);
    expect(Math.abs(slewing - calm)).toBeLessThan(calm / 50);
  },
);

test("a clock that a head-end has set is as far from the board's after a power cut as it was before", async () => {
  const storage = new MemoryStorage();
  const { clock, runtime, headEnd, target } = meter({ storage });
  clock.advanceBy(MINUTE_MS);
  const { challenge } = (await settle(clock, headEnd.readClock(target))).body;
  const utcMs = (runtime.clock.utcMs() ?? 0) + HOUR_MS;
  expect((await settle(clock, headEnd.setClock(target, { utcMs, challenge }))).body.kind).toBe("set");
  const byMs = (runtime.clock.utcMs() ?? 0) - (clock.utcMs() ?? 0);
  const after = meter({ storage: cut(storage), startUtcMs: (clock.utcMs() ?? 0) + 1000 });
  expect((after.runtime.clock.utcMs() ?? 0) - (after.clock.utcMs() ?? 0)).toBeCloseTo(byMs, -1);
  expect(after.names()).toEqual(["clock-set-old-time", "clock-set-new-time", "power-down", "power-up"]);
});
