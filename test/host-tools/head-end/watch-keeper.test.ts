// Watches that are kept: when they begin anew, with what, and when they end for good.
import { expect, test } from "vitest";
import type { EventReading } from "../../../firmware/protocol/readings/event-reading.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { HeadEndError } from "../../../host-tools/head-end/errors.ts";
import { WatchKeeper } from "../../../host-tools/head-end/watch-keeper.ts";
import type { Watcher } from "../../../host-tools/head-end/watching.ts";

const TARGET = { station: "M1", name: "M1", timeoutMs: 8000 };
const SILENT = new HeadEndError("timeout", "Nobody answered.");

/** A head-end whose watches do what the test says, and a keeper on it. */
function kept() {
  const clock = new VirtualClock();
  const begun: { readonly atMs: number; readonly from?: number; readonly watcher: Watcher<never> }[] = [];
  let stopped = 0;
  const stop = (): void => {
    stopped++;
  };
  const keeper = new WatchKeeper({
    clock,
    random: new SeededRandom(1),
    headEnd: {
      watchRegisters: (_, __, watcher) => {
        begun.push({ atMs: clock.monotonicMs(), watcher });
        return stop;
      },
      watchEvents: (_, { from }, watcher) => {
        begun.push({ atMs: clock.monotonicMs(), from, watcher });
        return stop;
      },
    },
  });
  return { clock, begun, keeper, stopped: () => stopped };
}

test("a watch that nobody answers begins anew after pauses that grow to two minutes, and after a reading from the start", () => {
  const { clock, begun, keeper } = kept();
  keeper.watchRegisters(TARGET, [], { onReading: () => {}, onEnd: () => {} });
  const pauseMs = (): number => {
    const { atMs } = begun.at(-1) ?? { atMs: 0 };
    const before = begun.length;
    begun.at(-1)?.watcher.onEnd(SILENT);
    clock.runUntil(() => begun.length > before, 1e6);
    return (begun.at(-1)?.atMs ?? 0) - atMs;
  };
  const pauses = Array.from({ length: 7 }, pauseMs);
  const meansMs = [10_000, 20_000, 40_000, 80_000, 120_000, 120_000, 120_000];
  for (const [i, meanMs] of meansMs.entries()) {
    expect(pauses[i]).toBeGreaterThanOrEqual(meanMs / 2);
    expect(pauses[i]).toBeLessThan(1.5 * meanMs);
  }
  expect(new Set(pauses).size).toBe(7);
  begun.at(-1)?.watcher.onReading({ meter: "M1", body: undefined as never, bytes: 1 });
  expect(pauseMs()).toBeLessThan(15_000);
});

test("a watch of events begins anew after the last one that it told", () => {
  const { clock, begun, keeper } = kept();
  const told: number[] = [];
  keeper.watchEvents(
    TARGET,
    { log: "standard", from: 5 },
    {
      onReading: ({ body }) => told.push(...body.events.map(({ sequence }) => sequence)),
      onEnd: () => {},
    },
  );
  const body = { events: [{ sequence: 5 }, { sequence: 6 }] } as unknown as EventReading;
  begun[0]?.watcher.onReading({ meter: "M1", body: body as never, bytes: 1 });
  begun[0]?.watcher.onReading({ meter: "M1", body: { events: [] } as never, bytes: 1 });
  begun[0]?.watcher.onEnd(SILENT);
  clock.advanceBy(15_000);
  expect(told).toEqual([5, 6]);
  expect(begun.map(({ from }) => from)).toEqual([5, 7]);
});

test("a meter that refuses, or is another, is the end; and so is a stop, also in a pause", () => {
  const { clock, begun, keeper, stopped } = kept();
  const ends: string[] = [];
  const watcher = { onReading: () => {}, onEnd: ({ kind }: HeadEndError) => ends.push(kind) };
  keeper.watchRegisters(TARGET, [], watcher);
  begun[0]?.watcher.onEnd(new HeadEndError("identity", "Refused."));
  const stop = keeper.watchRegisters(TARGET, [], watcher);
  begun[1]?.watcher.onEnd(SILENT);
  stop();
  clock.advanceBy(1e6);
  expect(ends).toEqual(["identity"]);
  expect(begun).toHaveLength(2);
  expect(stopped()).toBe(1);
});
