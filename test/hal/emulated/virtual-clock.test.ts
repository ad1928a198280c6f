import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { clockContract } from "../../contracts/clock.ts";

clockContract("VirtualClock", () => {
  const clock = new VirtualClock();
  return { clock, pass: (ms) => clock.advanceBy(ms) };
});

describe("VirtualClock", () => {
  test("time stands until it is told to pass, and a wake-up sees exactly its due time", () => {
    const clock = new VirtualClock();
    const seenMs: number[] = [];
    clock.after(7, () => seenMs.push(clock.monotonicMs()));
    clock.after(10, () => seenMs.push(clock.monotonicMs()));
    clock.advanceBy(9);
    expect(clock.monotonicMs()).toBe(9);
    expect(clock.nextDueMs()).toBe(10);
    clock.advanceBy(1);
    expect(seenMs).toEqual([7, 10]);
    expect(clock.nextDueMs()).toBeUndefined();
  });

  test("a chain of wake-ups runs within one advance, as far as it reaches", () => {
    const clock = new VirtualClock();
    const seenMs: number[] = [];
    const tick = () => {
      seenMs.push(clock.monotonicMs());
      clock.after(10, tick);
    };
    clock.after(0, tick);
    clock.advanceBy(35);
    expect(seenMs).toEqual([0, 10, 20, 30]);
  });

  test("runUntil stops at the wake-up that did it", () => {
    const clock = new VirtualClock();
    let ticks = 0;
    for (const delayMs of [5, 10, 15]) clock.after(delayMs, () => ticks++);
    expect(clock.runUntil(() => ticks === 2, 1000)).toBe(true);
    expect(clock.monotonicMs()).toBe(10);
    expect(clock.runUntil(() => true, 1000)).toBe(true);
    expect(clock.monotonicMs()).toBe(10);
  });

  test("runUntil gives up at its limit and stands there", () => {
    const clock = new VirtualClock();
    let ticks = 0;
    for (const delayMs of [5, 100, 101]) clock.after(delayMs, () => ticks++);
    expect(clock.runUntil(() => ticks === 3, 100)).toBe(false);
    expect(ticks).toBe(2);
    expect(clock.monotonicMs()).toBe(100);
    expect(clock.runUntil(() => clock.monotonicMs() === 150, 50)).toBe(true);
  });

  test("UTC is unknown until told, runs on with time, steps, and can be forgotten", () => {
    const clock = new VirtualClock();
    expect(clock.utcMs()).toBeUndefined();
    clock.advanceBy(500);
    clock.setUtcMs(1_700_000_000_000);
    clock.advanceBy(250);
    expect(clock.utcMs()).toBe(1_700_000_000_250);
    expect(clock.monotonicMs()).toBe(750);
    clock.setUtcMs(undefined);
    expect(clock.utcMs()).toBeUndefined();
    expect(new VirtualClock({ utcMs: 1000 }).utcMs()).toBe(1000);
  });

  test("misuse is told: spans that are none, and time passing inside a wake-up", () => {
    const clock = new VirtualClock();
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => clock.after(ms, () => {})).toThrow(/span/);
      expect(() => clock.advanceBy(ms)).toThrow(/span/);
    }
    clock.after(1, () => clock.advanceBy(1));
    expect(() => clock.advanceBy(1)).toThrow(/wake-up/);
  });

  test("a wake-up that throws leaves the clock usable", () => {
    const clock = new VirtualClock();
    let woken = 0;
    clock.after(1, () => {
      throw new Error("own bug");
    });
    clock.after(1, () => woken++);
    expect(() => clock.advanceBy(2)).toThrow("own bug");
    clock.advanceBy(2);
    expect(woken).toBe(1);
  });

  test("a wake-up that keeps arming itself without delay is found out", () => {
    const clock = new VirtualClock();
    const again = () => {
      clock.after(0, again);
    };
    clock.after(5, again);
    expect(() => clock.advanceBy(10)).toThrow("time stands still at 5 ms");
  });

  test("wake-ups armed and cancelled in any way come in the order of a plain sorted list", () => {
    const plan = fc.array(fc.record({ delayMs: fc.nat(200), cancels: fc.option(fc.nat(150)) }), {
      minLength: 50,
      maxLength: 150,
      size: "max",
    });
    fc.assert(
      fc.property(plan, (steps) => {
        const clock = new VirtualClock();
        const woken: number[] = [];
        const cancels = steps.map(({ delayMs }, i) => clock.after(delayMs, () => woken.push(i)));
        for (const { cancels: i } of steps) if (i !== null) cancels[i]?.();
        const cancelled = new Set(steps.map((step) => step.cancels));
        const expected = steps
          .map(({ delayMs }, i) => ({ delayMs, i }))
          .filter(({ i }) => !cancelled.has(i))
          .sort((a, b) => a.delayMs - b.delayMs || a.i - b.i);
        clock.advanceBy(200);
        expect(woken).toEqual(expected.map(({ i }) => i));
      }),
      { seed: 25, numRuns: 300 },
    );
  });

  test("two hundred thousand wake-ups, and as many cancelled, take less than two seconds", () => {
    const clock = new VirtualClock();
    let woken = 0;
    const startedMs = performance.now();
    for (let chain = 0; chain < 500; chain++) {
      const tick = () => {
        woken++;
        clock.after(1_000_000, tick)();
        clock.after(1 + (chain % 7), tick);
      };
      clock.after(chain % 5, tick);
    }
    clock.runUntil(() => woken >= 200_000, 100_000);
    expect(woken).toBe(200_000);
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});
