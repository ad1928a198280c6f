import { describe, expect, test } from "vitest";
import {
  activePowerWatts,
  constantMains,
  energyWattHours,
  type Mains,
  mainsFromLoad,
  steadyPieces,
} from "../../../hal/emulated/mains.ts";

const HOUR_MS = 3_600_000;

/** 1000 W for so long, then `after`. */
function stepAt(changeMs: number, after: number) {
  return {
    wattsAt: (ms: number) => (ms < changeMs ? 1000 : after),
    steadyUntilMs: (ms: number) => (ms < changeMs ? changeMs : Number.POSITIVE_INFINITY),
  };
}

describe("the mains", () => {
  test("active power is voltage by current by the cosine of their angle", () => {
    const state = {
      voltageVolts: 230,
      currentAmperes: 2,
      phaseAngleRadians: Math.PI / 3,
      frequencyHertz: 50,
    };
    expect(activePowerWatts(state)).toBeCloseTo(230, 9);
    expect(activePowerWatts({ ...state, phaseAngleRadians: Math.PI })).toBeCloseTo(-460, 9);
  });

  test("a load becomes the current that draws it at the power factor, and past a quarter turn where it feeds", () => {
    const supply = { voltageVolts: 200, powerFactor: 0.8, frequencyHertz: 60 };
    const state = mainsFromLoad(stepAt(10, -400), supply).at(0);
    expect(state).toMatchObject({ voltageVolts: 200, currentAmperes: 6.25, frequencyHertz: 60 });
    expect(activePowerWatts(state)).toBeCloseTo(1000, 9);
    const feeding = mainsFromLoad(stepAt(0, -400), supply).at(1);
    expect(feeding.currentAmperes).toBe(2.5);
    expect(activePowerWatts(feeding)).toBeCloseTo(-400, 9);
  });

  test("energy is exact over steady pieces, and signed", () => {
    const mains = mainsFromLoad(stepAt(HOUR_MS / 4, -200));
    expect(energyWattHours(mains, 0, HOUR_MS)).toBeCloseTo(250 - 150, 9);
    expect(energyWattHours(mains, HOUR_MS / 2, HOUR_MS)).toBeCloseTo(-100, 9);
    expect(energyWattHours(mains, 5, 5)).toBe(0);
  });

  test("energy of a continuously varying power is close to its closed form", () => {
    const mains: Mains = {
      at: (ms) => ({
        voltageVolts: 230,
        currentAmperes: 10 * Math.sin(ms / 60_000) ** 2,
        phaseAngleRadians: 0,
        frequencyHertz: 50,
      }),
      steadyUntilMs: (ms) => ms,
    };
    const periodsMs = Math.PI * 60_000 * 3;
    expect(energyWattHours(mains, 0, periodsMs)).toBeCloseTo((1150 * periodsMs) / HOUR_MS, 6);
  });

  test("pieces cover a span without gap or overlap, and end where the state changes", () => {
    const source = { steadyUntilMs: (ms: number) => Math.max(ms, 100) };
    expect([...steadyPieces(source, 20, 350, 100)]).toEqual([
      { lengthMs: 80, sampleMs: 20 },
      { lengthMs: 100, sampleMs: 150 },
      { lengthMs: 100, sampleMs: 250 },
      { lengthMs: 50, sampleMs: 325 },
    ]);
    const forever = constantMains({
      voltageVolts: 1,
      currentAmperes: 1,
      phaseAngleRadians: 0,
      frequencyHertz: 50,
    });
    expect([...steadyPieces(forever, 0, 1e9, 100)]).toEqual([{ lengthMs: 1e9, sampleMs: 0 }]);
  });
});
