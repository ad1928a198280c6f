import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { clockContract } from "../../contracts/clock.ts";
import { sleep } from "../../support/real-time.ts";

/** On a busy host wake-ups come late, and those that they arm later still: the second sleep waits for them. */
async function pass(ms: number): Promise<void> {
  await sleep(ms);
  await sleep(20);
}

clockContract("the system clock", () => ({ clock: systemClock, pass }));

describe("the system clock", () => {
  test("orders wake-ups by due time even where host timers would not", async () => {
    const woken: string[] = [];
    systemClock.after(10.9, () => woken.push("later"));
    systemClock.after(10.1, () => woken.push("sooner"));
    await pass(40);
    expect(woken).toEqual(["sooner", "later"]);
  });

  test("a delay beyond a host timer's range neither fires nor keeps the host busy", async () => {
    let woken = 0;
    const warnings: string[] = [];
    const warn = (warning: Error) => warnings.push(warning.name);
    process.on("warning", warn);
    const cancels = [2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY].map((ms) =>
      systemClock.after(ms, () => woken++),
    );
    await sleep(30);
    for (const cancel of cancels) cancel();
    process.off("warning", warn);
    expect({ woken, warnings }).toEqual({ woken: 0, warnings: [] });
  });

  test("wakes an alarm in time after an earlier one was cancelled, and one that is armed after it fired", async () => {
    const woken: string[] = [];
    systemClock.after(5, () => woken.push("cancelled"))();
    systemClock.after(15, () => {
      woken.push("first");
      systemClock.after(5, () => woken.push("second"));
    });
    systemClock.after(1000, () => woken.push("late"))();
    await pass(50);
    expect(woken).toEqual(["first", "second"]);
  });

  test("a process ends as soon as its last alarm is cancelled", () => {
    const script = `
      import { systemClock } from ${JSON.stringify(new URL("../../../dist/hal/node/system-clock.js", import.meta.url).href)};
      const cancel = systemClock.after(60_000, () => {});
      systemClock.after(1, () => {
        const again = systemClock.after(50_000, () => {});
        cancel();
        again();
      });`;
    const { status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      timeout: 20_000,
    });
    expect(status).toBe(0);
  });

  test("a delay that is none is refused", () => {
    expect(() => systemClock.after(-1, () => {})).toThrow("no span of time");
    expect(() => systemClock.after(Number.NaN, () => {})).toThrow("no span of time");
  });

  test("UTC is the host's", () => {
    expect(Math.abs((systemClock.utcMs() as number) - Date.now())).toBeLessThan(1000);
  });
});
