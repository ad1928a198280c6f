import { describe, expect, test } from "vitest";
import { constantMains, type Mains } from "../../../../hal/emulated/mains.ts";
import { uartPair } from "../../../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { Bl0942 } from "../../../../hal/metering-ics/bl0942/driver.ts";
import { EmulatedBl0942 } from "../../../../hal/metering-ics/bl0942/emulated.ts";
import { BL0942_LINE, BL0942_REFERENCE_BOARD } from "../../../../hal/metering-ics/bl0942/registers.ts";
import { UartBus } from "../../../../hal/metering-ics/uart-bus.ts";
import { type Load, loadWattHours, mainsOf, parseLoad } from "../../../../host-tools/loads/index.ts";
import { type MeteringBench, meteringIcContract } from "../../../contracts/metering-ic.ts";

/** Driver and emulated part on the two ends of a virtual 4800-baud line. */
function makePair(mains: Mains, profile = BL0942_REFERENCE_BOARD) {
  const clock = new VirtualClock();
  const [hostEnd, partEnd] = uartPair(clock, BL0942_LINE);
  const chip = new EmulatedBl0942(partEnd, clock, mains, profile);
  return { clock, hostEnd, chip, ic: new Bl0942(new UartBus(hostEnd, clock), profile) };
}

function makeBench(mains: Mains, profile = BL0942_REFERENCE_BOARD): MeteringBench {
  const { clock, hostEnd, chip, ic } = makePair(mains, profile);
  return {
    clock,
    ic,
    milliwattHoursPerCount: 1e6 / profile.energyCountsPerKilowattHour,
    longestPauseMs: ic.maxPollIntervalMs,
    setCountsToWrap: (counts) => chip.presetCounter(2 ** 24 - counts),
    resetCounter: () => chip.resetCounter(),
    restartPart: () => chip.restart(),
    setSilent: (isSilent) => {
      chip.isMute = isSilent;
    },
    damageAnswers: (damage) => chip.damageAnswers(damage),
    unplug: () => hostEnd.unplug(),
    replug: () => hostEnd.replug(),
  };
}

meteringIcContract("BL0942", (mains) => makeBench(mains));

meteringIcContract("BL0942 that adds algebraically", (mains) =>
  makeBench(mains, { ...BL0942_REFERENCE_BOARD, counterAdds: "algebraic" }),
);

describe("BL0942 driver and emulated part together", () => {
  test("the driver does nothing that the strict part refuses", () => {
    const mains = constantMains({
      voltageVolts: 230,
      currentAmperes: 1,
      phaseAngleRadians: 0,
      frequencyHertz: 50,
    });
    const { clock, chip, ic } = makePair(mains);
    for (let i = 0; i < 10; i++) {
      if (i === 5) chip.restart();
      ic.poll();
      clock.advanceBy(1000);
    }
    expect(ic.counters.readings).toBe(10);
    expect(Object.values(chip.refusals)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("a first reading takes set-up and packet at 4800 baud, a later one the packet alone", () => {
    const mains = constantMains({
      voltageVolts: 230,
      currentAmperes: 0,
      phaseAngleRadians: 0,
      frequencyHertz: 50,
    });
    const { clock, ic } = makePair(mains);
    const atMs: number[] = [];
    ic.listen({ reading: (reading) => atMs.push(reading.atMs), fault: () => {} });
    ic.poll();
    clock.advanceBy(1000);
    ic.poll();
    clock.advanceBy(1000);
    const byteMs = 10 / 4.8;
    expect(atMs[0]).toBeCloseTo((18 + 2 + 4 + 2 + 23) * byteMs, 6);
    expect(atMs[1]).toBeCloseTo(1000 + (2 + 23) * byteMs, 6);
  });

  test("a day of the H25 profile, polled every 10 s, is booked within 0.5 % and a count", () => {
    const load = parseLoad("h25", { annualKilowattHours: 3500 }) as Load;
    const startUtcMs = Date.UTC(2025, 0, 14, 23);
    const { clock, ic } = makePair(mainsOf(load, startUtcMs));
    let importMilliwattHours = 0;
    const faults: string[] = [];
    ic.listen({
      reading: (reading) => {
        importMilliwattHours += reading.importMilliwattHours + reading.exportMilliwattHours;
      },
      fault: (fault) => faults.push(fault),
    });
    for (let poll = 0; poll <= 8640; poll++) {
      ic.poll();
      clock.advanceBy(10_000);
    }
    const truth = loadWattHours(load, startUtcMs, startUtcMs + 86_400_000);
    expect(truth).toBeGreaterThan(8000);
    expect(Math.abs(importMilliwattHours / 1000 - truth)).toBeLessThan(truth * 0.005 + 0.188);
    expect(faults).toEqual([]);
  });
});
