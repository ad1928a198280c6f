import { describe, expect, test } from "vitest";
import { Limiter, RECOVER_AFTER_MS, Recovery } from "../../../firmware/relay/limiter.ts";

const LIMIT = { watts: 2000, seconds: 10 };

describe("a limiter", () => {
  test("finds more than the limit for as long as the limit says, and not a moment sooner", () => {
    const limiter = new Limiter();
    expect(limiter.exceeds(0, 2001, LIMIT)).toBe(false);
    expect(limiter.exceeds(9_999, 5000, LIMIT)).toBe(false);
    expect(limiter.exceeds(10_000, 2001, LIMIT)).toBe(true);
  });

  test("begins anew when the power is no longer over the limit, and whatever is exactly the limit is not", () => {
    const limiter = new Limiter();
    limiter.exceeds(0, 2001, LIMIT);
    expect(limiter.exceeds(9000, 2000, LIMIT)).toBe(false);
    expect(limiter.exceeds(10_000, 2001, LIMIT)).toBe(false);
    expect(limiter.exceeds(20_000, 2001, LIMIT)).toBe(true);
  });

  test("a power that is not known neither ends an excess nor is one", () => {
    const limiter = new Limiter();
    limiter.exceeds(0, 2001, LIMIT);
    expect(limiter.exceeds(10_000, undefined, LIMIT)).toBe(false);
    expect(limiter.exceeds(10_001, 2001, LIMIT)).toBe(true);
  });

  test("without a limit nothing is too much, and what was before one does not count", () => {
    const limiter = new Limiter();
    expect(limiter.exceeds(0, 1e6, undefined)).toBe(false);
    limiter.exceeds(0, 2001, LIMIT);
    limiter.exceeds(5000, 2001, undefined);
    expect(limiter.exceeds(10_000, 2001, LIMIT)).toBe(false);
  });
});

describe("recovery from the limiter", () => {
  test("is due a minute after it opened, five times in an hour and again in the next one", () => {
    const recovery = new Recovery();
    const closedAtMs: number[] = [];
    for (let ms = 0; ms < 2 * 3_600_000; ms += 1000) if (recovery.isDue(ms, true)) closedAtMs.push(ms);
    const first = closedAtMs.filter((ms) => ms < 3_600_000);
    // It opens again with the next reading, and waits its minute anew.
    expect(first).toEqual([1, 2, 3, 4, 5].map((n) => n * RECOVER_AFTER_MS + (n - 1) * 1000));
    expect(closedAtMs.length - first.length).toBe(5);
  });

  test("is never due where somebody else opened, and a wait does not add up over a closed time", () => {
    const recovery = new Recovery();
    expect(recovery.isDue(0, false)).toBe(false);
    expect(recovery.isDue(10 * RECOVER_AFTER_MS, false)).toBe(false);
    recovery.isDue(10 * RECOVER_AFTER_MS, true);
    recovery.isDue(10 * RECOVER_AFTER_MS + 30_000, false);
    expect(recovery.isDue(11 * RECOVER_AFTER_MS, true)).toBe(false);
  });
});
