import { describe, expect, test } from "vitest";
import type { Cancel, Clock } from "../../hal/ports/clock.ts";

/** A clock under test, and how its time passes. */
export interface ClockFixture {
  readonly clock: Clock;
  /** Lets at least `ms` milliseconds of that clock pass, with the wake-ups due in them. */
  pass(ms: number): Promise<void> | void;
}

/** What any Clock does, in virtual or real time. */
export function clockContract(name: string, make: () => ClockFixture | Promise<ClockFixture>): void {
  describe(`${name} is a Clock`, () => {
    test("monotonic time passes and never goes back", async () => {
      const { clock, pass } = await make();
      const times = [clock.monotonicMs()];
      for (let i = 0; i < 5; i++) {
        await pass(4);
        times.push(clock.monotonicMs());
      }
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect((times.at(-1) as number) - (times[0] as number)).toBeGreaterThanOrEqual(19.9);
    });

    test("a wake-up comes once, and not before its time", async () => {
      const { clock, pass } = await make();
      const dueMs = clock.monotonicMs() + 12.5;
      const wokenAtMs: number[] = [];
      clock.after(12.5, () => wokenAtMs.push(clock.monotonicMs()));
      await pass(80);
      expect(wokenAtMs).toHaveLength(1);
      expect(wokenAtMs[0]).toBeGreaterThanOrEqual(dueMs);
    });

    test("no wake-up comes from inside after, not even without delay or from inside a wake-up", async () => {
      const { clock, pass } = await make();
      const steps: string[] = [];
      clock.after(0, () => {
        steps.push("outer");
        clock.after(0, () => steps.push("inner"));
        steps.push("outer ends");
      });
      steps.push("armed");
      await pass(40);
      expect(steps).toEqual(["armed", "outer", "outer ends", "inner"]);
    });

    test("wake-ups come in order of due time, ties in the order they were armed", async () => {
      const { clock, pass } = await make();
      const woken: string[] = [];
      for (const [delayMs, label] of [
        [30, "late a"],
        [10, "early a"],
        [30, "late b"],
        [20, "middle"],
        [10, "early b"],
      ] as const) {
        clock.after(delayMs, () => woken.push(label));
      }
      await pass(120);
      expect(woken).toEqual(["early a", "early b", "middle", "late a", "late b"]);
    });

    test("a cancelled wake-up never comes; cancelling twice or late does nothing", async () => {
      const { clock, pass } = await make();
      const woken: string[] = [];
      const cancelStopped = clock.after(5, () => woken.push("stopped"));
      const cancelDone = clock.after(5, () => woken.push("done"));
      cancelStopped();
      cancelStopped();
      await pass(40);
      cancelDone();
      clock.after(5, () => woken.push("next"));
      cancelDone();
      cancelStopped();
      await pass(40);
      expect(woken).toEqual(["done", "next"]);
    });

    test("a wake-up can cancel one that is due at the same time, and itself", async () => {
      const { clock, pass } = await make();
      const woken: string[] = [];
      const cancels: Cancel[] = [];
      cancels.push(
        clock.after(5, () => {
          woken.push("first");
          for (const cancel of cancels) cancel();
        }),
      );
      cancels.push(clock.after(5, () => woken.push("second")));
      await pass(40);
      expect(woken).toEqual(["first"]);
    });
  });
}
