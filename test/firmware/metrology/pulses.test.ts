import { expect, test } from "vitest";
import { EnergyEngine } from "../../../firmware/metrology/energy-engine.ts";
import { pulsesOf } from "../../../firmware/metrology/pulses.ts";

test("an LED of 3 imp/kWh blinks three times for each kWh, whatever its energy comes in", () => {
  const time = { utcSeconds: undefined, bootSeconds: 0 };
  const engine = new EnergyEngine({ profiles: [] }, time);
  let blinked = 0;
  for (let i = 1; i <= 4_000; i++) {
    engine.book({ activeImport: 700, activeExport: 50 }, { ...time, bootSeconds: i });
    const due = engine.pulses(3) - blinked;
    expect(due).toBeLessThanOrEqual(1);
    blinked += due;
  }
  expect(blinked).toBe(9);
});

test("what is short of a pulse is kept over a restart", () => {
  const time = { utcSeconds: undefined, bootSeconds: 0 };
  const engine = new EnergyEngine({ profiles: [] }, time);
  engine.book({ activeImport: 999 }, time);
  expect(engine.pulses(1000)).toBe(0);
  const restored = new EnergyEngine({ profiles: [] }, time, { state: engine.state(), rows: [] });
  restored.book({ activeExport: 1 }, time);
  expect(restored.pulses(1000)).toBe(1);
});

test("no constant makes a register of any size inexact", () => {
  expect(pulsesOf(9_000_000_000_999_999, 1000)).toBe(9_000_000_000_999);
  expect(pulsesOf(9_000_000_000_999_999, 100_000)).toBe(900_000_000_099_999);
  expect(pulsesOf(0, 1000)).toBe(0);
});
