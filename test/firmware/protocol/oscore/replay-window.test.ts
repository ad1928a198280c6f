import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReplayWindow } from "../../../../firmware/protocol/oscore/replay-window.ts";
import { MemorySequence } from "../../../../firmware/protocol/oscore/sender-sequence.ts";

function windowAfter(...numbers: number[]): ReplayWindow {
  const window = new ReplayWindow();
  for (const number of numbers) window.accept(number);
  return window;
}

describe("the replay window", () => {
  test("takes number 0 once", () => {
    expect(windowAfter().isFresh(0)).toBe(true);
    expect(windowAfter(0).isFresh(0)).toBe(false);
    expect(windowAfter(0).isFresh(1)).toBe(true);
  });

  test("takes a number that was overtaken, once", () => {
    expect(windowAfter(3, 5).isFresh(4)).toBe(true);
    expect(windowAfter(3, 5, 4).isFresh(4)).toBe(false);
    expect(windowAfter(3, 5, 4).isFresh(3)).toBe(false);
  });

  test("is not lowered by a number that was overtaken", () => {
    expect(windowAfter(10, 7).isFresh(10)).toBe(false);
    expect(windowAfter(100, 70).isFresh(68)).toBe(false);
  });

  test("reaches 31 below the highest number and no further", () => {
    expect(windowAfter(40).isFresh(9)).toBe(true);
    expect(windowAfter(40).isFresh(8)).toBe(false);
    expect(windowAfter(40, 9).isFresh(9)).toBe(false);
  });

  test("forgets nothing and invents nothing over a step of 31, 32 or 33", () => {
    for (const step of [31, 32, 33]) {
      const window = windowAfter(3, 4, 5, 5 + step);
      expect(window.isFresh(5)).toBe(false);
      expect(window.isFresh(5 + step)).toBe(false);
      for (let number = 6; number < 5 + step; number++)
        expect(window.isFresh(number)).toBe(number > 5 + step - 32);
    }
  });

  test("goes up to the highest Partial IV", () => {
    const top = 2 ** 40 - 1;
    expect(windowAfter(top).isFresh(top)).toBe(false);
    expect(windowAfter(top).isFresh(top - 31)).toBe(true);
    expect(windowAfter(top).isFresh(0)).toBe(false);
  });

  test("is not moved by asking", () => {
    const window = windowAfter(1);
    window.isFresh(1000);
    expect(window.isFresh(2)).toBe(true);
  });

  test("throws where a number that is not fresh is accepted", () => {
    expect(() => windowAfter(7, 7)).toThrow();
    expect(() => windowAfter(40, 8)).toThrow();
  });

  test("agrees with a list of all numbers seen", () => {
    const numbers = fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 120 });
    fc.assert(
      fc.property(numbers, (asked) => {
        const window = new ReplayWindow();
        const seen = new Set<number>();
        for (const number of asked) {
          const top = Math.max(-1, ...seen);
          const fresh = !seen.has(number) && number > top - 32;
          expect(window.isFresh(number)).toBe(fresh);
          if (!fresh) continue;
          window.accept(number);
          seen.add(number);
        }
      }),
      { seed: 4303, numRuns: 300 },
    );
  });
});

describe("a sender's sequence", () => {
  test("counts from 0 and gives no number twice", () => {
    const sequence = new MemorySequence();
    expect([sequence.next(), sequence.next(), sequence.next()]).toEqual([0, 1, 2]);
  });

  test("ends before its limit, for good", () => {
    const sequence = new MemorySequence({ first: 6, limit: 8 });
    expect([1, 2, 3, 4].map(() => sequence.next())).toEqual([6, 7, undefined, undefined]);
  });

  test("ends before 2^40 and never starts again", () => {
    const sequence = new MemorySequence({ first: 2 ** 40 - 1 });
    expect([1, 2, 3].map(() => sequence.next())).toEqual([2 ** 40 - 1, undefined, undefined]);
  });

  test("has no limit beyond 2^40", () => {
    expect(() => new MemorySequence({ limit: 2 ** 40 + 1 })).toThrow();
  });
});
