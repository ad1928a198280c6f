import { describe, expect, test } from "vitest";
import {
  activePowerWatts,
  constantMains,
  type Mains,
  type MainsState,
} from "../../../../hal/emulated/mains.ts";
import { uartPair } from "../../../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { Cse7766 } from "../../../../hal/metering-ics/cse7766/driver.ts";
import { EmulatedCse7766 } from "../../../../hal/metering-ics/cse7766/emulated.ts";
import {
  CSE7766_LINE,
  CSE7766_REFERENCE_BOARD,
  FRAME_INTERVAL_MS,
} from "../../../../hal/metering-ics/cse7766/registers.ts";
import { UartBus } from "../../../../hal/metering-ics/uart-bus.ts";
import type { MeteringFault, MeteringReading } from "../../../../hal/ports/metering-ic.ts";
import { type MeteringBench, meteringIcContract } from "../../../contracts/metering-ic.ts";

/** 1.5 mWh, the emulated part's. */
const MILLIWATT_HOURS_PER_PULSE = 1.5;
/** The largest power of the reference board fills half of CF in 9.5 s. */
const LONGEST_PAUSE_MS = 9400;
const FRAME_ON_LINE_MS = (24 * 11) / 4.8;
const FULL_LOAD: MainsState = {
  voltageVolts: 230,
  currentAmperes: 10,
  phaseAngleRadians: 0,
  frequencyHertz: 50,
};

/** Driver and emulated part on the two ends of a virtual 4800-baud line, which does to frames what it is told. */
function makePair(mains: Mains) {
  const clock = new VirtualClock();
  const line = { isCut: false, damage: (frame: Uint8Array) => frame };
  const toFirst = (frame: Uint8Array) => (line.isCut ? new Uint8Array(0) : line.damage(frame));
  const [hostEnd, partEnd] = uartPair(clock, CSE7766_LINE, { faults: { toFirst } });
  const chip = new EmulatedCse7766(partEnd, clock, mains);
  const ic = new Cse7766(new UartBus(hostEnd, clock), CSE7766_REFERENCE_BOARD);
  return { clock, line, hostEnd, chip, ic };
}

/** Trouble is the line's: it is to strike the frame that is under way already. */
function makeBench(mains: Mains): MeteringBench {
  const { clock, line, hostEnd, chip, ic } = makePair(mains);
  return {
    clock,
    ic,
    milliwattHoursPerCount: MILLIWATT_HOURS_PER_PULSE,
    longestPauseMs: LONGEST_PAUSE_MS,
    setCountsToWrap: (counts) => chip.presetCounter(2 ** 16 - counts),
    resetCounter: () => chip.presetCounter(0),
    restartPart: () => chip.restart(),
    setSilent: (isSilent) => {
      line.isCut = isSilent;
    },
    damageAnswers: (damage) => {
      line.damage = damage;
    },
    unplug: () => hostEnd.unplug(),
    replug: () => hostEnd.replug(),
  };
}

meteringIcContract("CSE7766", makeBench, "unsigned");

/** A pair, what its driver told, and a poll that lets a time pass. */
function watchedPair(mains: Mains) {
  const pair = makePair(mains);
  const readings: MeteringReading[] = [];
  const faults: MeteringFault[] = [];
  pair.ic.listen({ reading: (reading) => readings.push(reading), fault: (fault) => faults.push(fault) });
  const poll = (forMs = 1000) => {
    expect(pair.ic.poll()).toBe("started");
    pair.clock.advanceBy(forMs);
  };
  return { ...pair, readings, faults, poll };
}

/** Full load, and none from the given time on. */
function offAt(offMs: number): Mains {
  return {
    at: (ms) => (ms < offMs ? FULL_LOAD : { ...FULL_LOAD, currentAmperes: 0 }),
    steadyUntilMs: (ms) => (ms < offMs ? offMs : Number.POSITIVE_INFINITY),
  };
}

describe("CSE7766 driver and emulated part together", () => {
  test("a reading is of the first frame that is complete after the poll, one every 105 ms", () => {
    const { poll, readings } = watchedPair(constantMains(FULL_LOAD));
    poll(1010);
    poll(1000);
    expect(readings.map(({ atMs }) => atMs)).toEqual([
      expect.closeTo(2 * FRAME_INTERVAL_MS + FRAME_ON_LINE_MS, 6),
      expect.closeTo(10 * FRAME_INTERVAL_MS + FRAME_ON_LINE_MS, 6),
    ]);
  });

  test("power falls at once after a load was switched off, and is 0 within 53 frames", () => {
    const { poll, readings, faults } = watchedPair(offAt(10_000));
    poll(10_000);
    const framesUntilNone = Math.ceil(5400 / FRAME_INTERVAL_MS) + 1;
    for (let frame = 0; frame < framesUntilNone; frame++) poll(FRAME_INTERVAL_MS);
    const milliwatts = readings.map(({ phases }) => phases[0]?.activePowerMilliwatts?.value);
    expect(framesUntilNone).toBe(53);
    expect(milliwatts[0]).toBeGreaterThan(2_290_000);
    expect(milliwatts[4]).toBeLessThan(30_000);
    expect(milliwatts.at(-1)).toBe(0);
    expect(readings.at(-1)?.phases[0]?.currentMilliamperes?.value).toBe(0);
    expect(faults).toEqual([]);
  });

  test("power stays 0 for minutes without a load, though the part's cycle counter begins again", () => {
    const { poll, readings, clock } = watchedPair(offAt(10_000));
    poll(20_000);
    for (let second = 0; second < 120; second++) poll();
    expect(clock.monotonicMs()).toBe(140_000);
    const milliwatts = readings.slice(1).map(({ phases }) => phases[0]?.activePowerMilliwatts?.value);
    expect(new Set(milliwatts)).toEqual(new Set([0]));
  });

  test("unpolled for an hour, with 37 wraps of CF and more, all energy is there", () => {
    const { poll, readings, faults, clock } = watchedPair(constantMains(FULL_LOAD));
    poll();
    clock.advanceBy(3_600_000);
    poll();
    const hours = ((readings[1]?.atMs ?? 0) - (readings[0]?.atMs ?? 0)) / 3_600_000;
    const truth = activePowerWatts(FULL_LOAD) * 1000 * hours;
    expect(Math.abs((readings[1]?.importMilliwattHours ?? 0) - truth)).toBeLessThan(3);
    expect(faults).toEqual([]);
  });

  test("away for longer than CF is unambiguous, the part's energy of that time is told to be unknown", () => {
    const { poll, readings, faults, chip, clock } = watchedPair(constantMains(FULL_LOAD));
    poll();
    chip.isMute = true;
    clock.advanceBy(60_000);
    chip.isMute = false;
    clock.advanceBy(1000);
    poll();
    expect(faults).toEqual(["energy-gap"]);
    expect(readings[1]?.energyQuality).toBe("derived");
    expect(readings[1]?.importMilliwattHours).toBeLessThan(3 * activePowerWatts(FULL_LOAD));
    poll();
    expect(readings[2]?.energyQuality).toBe("measured");
  });

  test.each([
    ["not calibrated", 0xaa],
    ["with a damaged store of coefficients", 0xf1],
    ["with current out of range", 0xf4],
    ["with voltage out of range", 0xf8],
  ])("a part that is %s gives its fault and no values", (_, state) => {
    const { poll, readings, faults, chip } = watchedPair(constantMains(FULL_LOAD));
    chip.forcedState = state;
    poll();
    expect([readings, faults]).toEqual([[], ["part-fault"]]);
    chip.forcedState = undefined;
    poll();
    expect(readings).toHaveLength(1);
  });

  test("a line that is opened with 8N1 is refused", () => {
    const clock = new VirtualClock();
    const [hostEnd] = uartPair(clock, { ...CSE7766_LINE, parity: "none" });
    expect(() => new Cse7766(new UartBus(hostEnd, clock), CSE7766_REFERENCE_BOARD)).toThrow(
      "a CSE7766 talks 4800 8E1, and its line is set to 4800 8N1",
    );
  });
});
