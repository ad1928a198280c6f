import { describe, expect, test } from "vitest";
import { constantMains, energyWattHours } from "../../../hal/emulated/mains.ts";
import { EmulatedRelay, type EmulatedRelayOptions, type RelayFault } from "../../../hal/emulated/relay.ts";
import { uartPair } from "../../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { METERING_PARTS } from "../../../hal/metering-ics/parts.ts";
import type { MeteringReading } from "../../../hal/ports/metering-ic.ts";
import { relayContract } from "../../contracts/relay.ts";

function relayOn(options: EmulatedRelayOptions = {}, fault?: RelayFault) {
  const clock = new VirtualClock();
  const relay = new EmulatedRelay(clock, options);
  if (fault !== undefined) relay.breakBy(fault);
  return { clock, relay, settle: () => clock.advanceBy(relay.settleMs), close: () => relay.close() };
}

relayContract("EmulatedRelay", true, () => relayOn());
relayContract("EmulatedRelay that starts open", true, () => relayOn({ startsAt: "open" }));
relayContract("EmulatedRelay that is slow and bounces", true, () => relayOn({ travelMs: 90 }, "bouncing"));
relayContract("EmulatedRelay without feedback", false, () => relayOn({}, "blind"));

const MAINS = constantMains({
  voltageVolts: 230,
  currentAmperes: 10,
  phaseAngleRadians: 0,
  frequencyHertz: 50,
});

describe("EmulatedRelay", () => {
  test("open contacts cut the current and leave the voltage; the past stays as it was", () => {
    const { relay, clock } = relayOn({ travelMs: 20 });
    const load = relay.loadOf(MAINS);
    clock.advanceBy(1000);
    relay.drive("open");
    clock.advanceBy(980);
    relay.drive("closed");
    clock.advanceBy(1020);
    expect(load.at(1019).currentAmperes).toBe(10);
    expect(load.at(1020)).toEqual({ ...MAINS.at(0), currentAmperes: 0 });
    expect(load.at(2000).currentAmperes).toBe(10);
    expect([0, 1020, 2000].map((ms) => load.steadyUntilMs(ms))).toEqual([1020, 2000, Infinity]);
    expect(energyWattHours(load, 0, 3000)).toBeCloseTo((2300 * 2020) / 3_600_000, 9);
  });

  test.each([...METERING_PARTS])("a %s behind it measures the mains and no load", (_, part) => {
    const { relay, clock } = relayOn();
    const [chipEnd, driverEnd] = uartPair(clock, part.line);
    part.emulate(chipEnd, clock, relay.loadOf(MAINS));
    const ic = part.driver(driverEnd, clock);
    let last: MeteringReading | undefined;
    ic.listen({
      reading: (reading) => {
        last = reading;
      },
      fault: () => {},
    });
    const measure = (): MeteringReading | undefined => {
      for (let i = 0; i < 60; i++) {
        ic.poll();
        clock.advanceBy(1000);
      }
      return last;
    };
    const watts = () => Math.round((last?.phases[0]?.activePowerMilliwatts?.value ?? 0) / 1000);
    measure();
    expect(Math.abs(watts() - 2300)).toBeLessThan(25);
    relay.drive("open");
    const cut = measure();
    expect(Math.round((cut?.phases[0]?.voltageMillivolts?.value ?? 0) / 1000)).toBe(230);
    expect(watts()).toBe(0);
    expect(cut?.importMilliwattHours).toBe(0);
    relay.drive("closed");
    measure();
    expect(Math.abs(watts() - 2300)).toBeLessThan(25);
  });

  test.each([
    ["welded", "open", "closed", "driven"],
    ["dead", "open", "closed", "failed"],
    ["stuck", "closed", "open", "driven"],
  ] as const)("a %s one that is driven to %s stays %s, until it is mended and driven anew", (...row) => {
    const [fault, to, stays, result] = row;
    const { relay, settle } = relayOn({ startsAt: stays });
    relay.breakBy(fault);
    expect(relay.drive(to)).toBe(result);
    settle();
    expect([relay.contacts, relay.position()]).toEqual([stays, stays]);
    relay.mend(fault);
    settle();
    expect(relay.position()).toBe(stays);
    relay.drive(to);
    settle();
    expect(relay.position()).toBe(to);
  });

  test("a slow one arrives late, and a bouncing feedback says both until it has settled", () => {
    const { relay, clock } = relayOn({ travelMs: 400, settleMs: 100 });
    relay.breakBy("bouncing");
    relay.drive("open");
    const said = new Set<string>();
    for (let ms = 0; ms < 100; ms++) {
      said.add(relay.position());
      clock.advanceBy(1);
    }
    expect([...said].sort()).toEqual(["closed", "open"]);
    expect(relay.position()).toBe("closed");
    clock.advanceBy(300);
    expect(relay.position()).toBe("open");
  });

  test("contacts that somebody moves by hand are where he moved them", () => {
    const { relay, clock } = relayOn();
    clock.advanceBy(5);
    relay.force("open");
    expect(relay.position()).toBe("open");
    expect(relay.loadOf(MAINS).at(5).currentAmperes).toBe(0);
  });
});
