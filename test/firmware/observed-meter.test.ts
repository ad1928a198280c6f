// A whole meter under watch: when it tells registers and events, and what that changes.
import { expect, test } from "vitest";
import type { HeadEndError } from "../../host-tools/head-end/errors.ts";
import { MINUTE_MS, meter } from "../support/whole-meter.ts";

test("registers are told at once and then each minute, whatever is used", () => {
  const { headEnd, target, clock } = meter({ loadText: "h25" });
  const atMs: number[] = [];
  headEnd.watchRegisters(target, [], { onReading: () => atMs.push(clock.monotonicMs()), onEnd: fail });
  clock.advanceBy(10.5 * MINUTE_MS);
  expect(atMs).toHaveLength(11);
  const gaps = atMs.slice(2).map((ms, i) => Math.round(ms - (atMs[i + 1] ?? 0)));
  expect(new Set(gaps)).toEqual(new Set([MINUTE_MS]));
});

test("an event is told within two polls, a storm of them in one message in 5 s, and none is taken for read", () => {
  const { runtime, headEnd, target, clock } = meter();
  const told: { atMs: number; sequences: number[] }[] = [];
  clock.advanceBy(MINUTE_MS);
  const from = runtime.log.read("standard", 1, 0).next;
  headEnd.watchEvents(
    target,
    { log: "standard", from },
    {
      onReading: ({ body }) =>
        told.push({ atMs: clock.monotonicMs(), sequences: body.events.map(({ sequence }) => sequence) }),
      onEnd: fail,
    },
  );
  clock.advanceBy(MINUTE_MS);
  expect(told.map(({ sequences }) => sequences)).toEqual([[]]);
  const loggedMs = clock.monotonicMs();
  for (let i = 0; i < 40; i++) {
    runtime.log.record("configuration-changed");
    clock.advanceBy(500);
  }
  clock.advanceBy(MINUTE_MS);
  expect((told[1]?.atMs ?? 0) - loggedMs).toBeLessThan(2500);
  expect(told.flatMap(({ sequences }) => sequences)).toEqual(Array.from({ length: 40 }, (_, i) => from + i));
  const gaps = told.slice(2).map(({ atMs }, i) => atMs - (told[i + 1]?.atMs ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThan(4900);
  expect(runtime.log.counters().logs.standard.readUpTo).toBe(0);
});

test("a watch that is stopped is told nothing more, and others go on", () => {
  const { headEnd, target, clock } = meter();
  const counts = [0, 0];
  const [stop] = counts.map((_, i) =>
    headEnd.watchRegisters(target, [], { onReading: () => (counts[i] = (counts[i] ?? 0) + 1), onEnd: fail }),
  );
  clock.advanceBy(2.5 * MINUTE_MS);
  stop?.();
  stop?.();
  clock.advanceBy(3 * MINUTE_MS);
  expect(counts).toEqual([3, 6]);
});

test("a head-end that is taken off the list is told nothing more", () => {
  const { runtime, headEnd, target, clock } = meter();
  let readings = 0;
  headEnd.watchRegisters(target, [], { onReading: () => readings++, onEnd: () => {} });
  clock.advanceBy(1.5 * MINUTE_MS);
  expect(runtime.revoke("head-end")).toBe(true);
  clock.advanceBy(10 * MINUTE_MS);
  expect(readings).toBe(2);
});

test("a meter with as many watches as it takes says so to the next one", () => {
  const { headEnd, target, clock } = meter();
  const ends: string[] = [];
  for (let i = 0; i < 9; i++) {
    headEnd.watchRegisters(target, [], { onReading: () => {}, onEnd: ({ message }) => ends.push(message) });
  }
  clock.advanceBy(MINUTE_MS / 2);
  expect(ends).toEqual([
    expect.stringMatching(
      /answered once and tells nothing by itself: end other watches of it, or ask it now and then\.$/,
    ),
  ]);
});

function fail(why: HeadEndError): void {
  throw why;
}
