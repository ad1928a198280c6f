import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { Cse7766 } from "../../../../hal/metering-ics/cse7766/driver.ts";
import {
  CSE7766_LINE,
  CSE7766_REFERENCE_BOARD,
  type Cse7766Profile,
  checksum,
  FRAME,
  FRAME_INTERVAL_MS,
} from "../../../../hal/metering-ics/cse7766/registers.ts";
import { UartBus } from "../../../../hal/metering-ics/uart-bus.ts";
import type { MeteringFault, MeteringReading } from "../../../../hal/ports/metering-ic.ts";
import { bytesOf, hexOf, ScriptedUart } from "../../../support/scripted-uart.ts";
import {
  FADED,
  FALSE_VOLTAGE,
  NO_LOAD,
  NO_VOLTAGE,
  REST_OF_TORN,
  SMALL_LOAD,
  SOUND,
  STEADY,
  STRAY_PULSE,
  TORN,
  UNDER_LOAD,
} from "../../../vectors/cse7766/frames.ts";

/** A poll without a good frame has failed after this. */
const POLL_FAILED_MS = 7 * FRAME_INTERVAL_MS;

/** A driver whose part is the test. */
function scriptedPart(profile: Cse7766Profile = CSE7766_REFERENCE_BOARD) {
  const clock = new VirtualClock();
  const uart = new ScriptedUart(clock, CSE7766_LINE);
  const driver = new Cse7766(new UartBus(uart, clock), profile);
  const events: (MeteringReading | MeteringFault)[] = [];
  driver.listen({ reading: (reading) => events.push(reading), fault: (fault) => events.push(fault) });
  /** Sends one after the other, each at the end of its 105 ms, and gives what came of it. */
  const send = (...chunks: string[]) => {
    const before = events.length;
    for (const chunk of chunks) {
      clock.advanceBy(FRAME_INTERVAL_MS);
      uart.deliver(bytesOf(chunk));
    }
    return events.slice(before);
  };
  return { clock, uart, driver, events, send };
}

/** A frame with some bytes changed, and its checksum made right. */
function changed(hex: string, bytes: Readonly<Record<number, number>>): string {
  const frame = bytesOf(hex);
  for (const [offset, byte] of Object.entries(bytes)) frame[Number(offset)] = byte;
  frame[FRAME.SUM] = checksum(frame);
  return hexOf(frame);
}

/** A frame with another CF. */
function withPulses(hex: string, pulses: number): string {
  return changed(hex, { [FRAME.CF]: pulses >> 8, [FRAME.CF + 1]: pulses & 0xff });
}

function measured(value: number) {
  return { value, quality: "measured" };
}

describe("the CSE7766 driver and captured bytes", () => {
  test.each(SOUND)("decodes $name", (vector) => {
    const { driver, send } = scriptedPart();
    send(withPulses(vector.hex, vector.pulses - 8));
    driver.poll();
    const { voltageMillivolts, currentMilliamperes, activePowerMilliwatts } = vector;
    const apparent = Math.round((voltageMillivolts * currentMilliamperes) / 1000);
    expect(send(vector.hex)).toEqual([
      {
        atMs: 2 * FRAME_INTERVAL_MS,
        importMilliwattHours: 0,
        exportMilliwattHours: 0,
        energyQuality: "measured",
        phases: [
          {
            voltageMillivolts: measured(voltageMillivolts),
            currentMilliamperes: measured(currentMilliamperes),
            ...(activePowerMilliwatts !== undefined && {
              activePowerMilliwatts: measured(activePowerMilliwatts),
            }),
            apparentPowerMillivoltamperes: { value: apparent, quality: "derived" },
          },
        ],
      },
    ]);
  });

  test("105 captured pulses in 1.373 s are 157 mWh, the 413 W that the part showed", () => {
    const { clock, driver, send } = scriptedPart();
    driver.poll();
    send(UNDER_LOAD.hex, UNDER_LOAD.hex);
    clock.advanceBy(1373 - FRAME_INTERVAL_MS);
    driver.poll();
    expect(send(withPulses(UNDER_LOAD.hex, 678))).toMatchObject([{ importMilliwattHours: 157 }]);
  });

  test("captured frames of 128 W give each pulse once, those of the torn frame among them too", () => {
    const { driver, send, events } = scriptedPart();
    send(...STEADY.slice(0, 2));
    driver.poll();
    send(...STEADY.slice(2, 4));
    driver.poll();
    send(...STEADY.slice(4));
    const total = events.reduce(
      (sum, event) => sum + (typeof event === "object" ? event.importMilliwattHours : 0),
      0,
    );
    driver.poll();
    const [last] = send(STEADY.at(-1) ?? "");
    const milliwattHoursPerPulse = 0x520fd0 / 3.6e6;
    expect(last).toMatchObject({
      importMilliwattHours: Math.floor((0x6f2f - 0x6f20) * milliwattHoursPerPulse) - total,
      phases: [{ voltageMillivolts: measured(222_274), activePowerMilliwatts: measured(128_271) }],
    });
    expect(driver.counters.faults).toMatchObject({ "counter-reset": 0, implausible: 0 });
  });

  test("a stray pulse without a load is no power and no current, though a whole cycle is shown", () => {
    const { driver, send, events } = scriptedPart();
    send(STRAY_PULSE[0] ?? "");
    for (const frame of STRAY_PULSE.slice(1)) {
      driver.poll();
      send(frame);
    }
    expect(events).toHaveLength(3);
    for (const event of events) {
      expect(event).toMatchObject({
        phases: [{ currentMilliamperes: measured(0), activePowerMilliwatts: { value: 0 } }],
      });
    }
    expect(events.at(-2)).toMatchObject({ importMilliwattHours: 1 });
  });

  test("a cycle that has run for 6 s is no power and no current before the part says so", () => {
    const { driver, send } = scriptedPart();
    driver.poll();
    const [reading] = send(...FADED);
    expect(reading).toMatchObject({
      phases: [
        {
          voltageMillivolts: measured(249_351),
          currentMilliamperes: measured(0),
          activePowerMilliwatts: { value: 0, quality: "derived" },
        },
      ],
    });
  });

  test("a part without a mains on its input gives a fault and no values", () => {
    const { driver, send } = scriptedPart();
    driver.poll();
    expect(send(...Array<string>(8).fill(NO_VOLTAGE))).toEqual(["part-fault"]);
  });

  test("a torn frame costs itself alone: the next one begins at offset 17 and is taken", () => {
    const { driver, send } = scriptedPart();
    const next = TORN.split(" ").slice(17).join("") + REST_OF_TORN;
    send(withPulses(next, 6));
    driver.poll();
    expect(send(TORN)).toEqual([]);
    expect(send(REST_OF_TORN)).toMatchObject([
      { phases: [{ voltageMillivolts: measured(222_274), activePowerMilliwatts: measured(109_883) }] },
    ]);
  });

  test("0.40 V is not believed, though its checksum holds, and the good frame after it is taken", () => {
    const { driver, send } = scriptedPart();
    send(SMALL_LOAD.hex, SMALL_LOAD.hex);
    driver.poll();
    expect(send(FALSE_VOLTAGE)).toEqual([]);
    expect(send(SMALL_LOAD.hex)).toMatchObject([
      "implausible",
      { phases: [{ voltageMillivolts: measured(232_547) }] },
    ]);
    expect(driver.counters).toMatchObject({ readings: 1, faults: { implausible: 1, "bad-frame": 0 } });
  });

  test("nothing but 0.40 V is a fault and no values", () => {
    const { driver, send } = scriptedPart();
    driver.poll();
    expect(send(...Array<string>(8).fill(FALSE_VOLTAGE))).toEqual(["implausible"]);
  });
});

describe("the CSE7766 driver and its part's states", () => {
  test("a part that is not calibrated gives a fault and no values", () => {
    const { driver, send } = scriptedPart();
    driver.poll();
    expect(send(...Array<string>(8).fill(changed(UNDER_LOAD.hex, { 0: 0xaa })))).toEqual(["part-fault"]);
  });

  test("F2 takes the load's last current and power away, and leaves the voltage", () => {
    const { driver, send } = scriptedPart();
    send(withPulses(UNDER_LOAD.hex, 565), UNDER_LOAD.hex);
    driver.poll();
    expect(send(changed(UNDER_LOAD.hex, { 0: 0xf2, 20: 0x61 }))).toMatchObject([
      {
        phases: [
          {
            voltageMillivolts: measured(240_937),
            currentMilliamperes: measured(0),
            activePowerMilliwatts: measured(0),
          },
        ],
      },
    ]);
  });

  test("the first power cycle after a start is incomplete and not shown; the second is", () => {
    const { driver, send } = scriptedPart();
    const power = () => {
      const [event] = send(UNDER_LOAD.hex);
      return typeof event === "object" && event.phases[0]?.activePowerMilliwatts;
    };
    send(UNDER_LOAD.hex);
    driver.poll();
    expect(power()).toBeUndefined();
    driver.poll();
    const [event] = send(withPulses(UNDER_LOAD.hex, 581));
    expect(event).toMatchObject({ phases: [{ activePowerMilliwatts: measured(419_190) }] });
  });

  test("a voltage that the part says it has not is left out", () => {
    const { driver, send } = scriptedPart();
    driver.poll();
    const [event] = send(...Array<string>(2).fill(changed(NO_LOAD.hex, { 20: 0x21 })));
    expect(event).toMatchObject({ phases: [{ currentMilliamperes: measured(0) }] });
    expect(event).not.toHaveProperty("phases.0.voltageMillivolts");
  });

  test("coefficients that are another's for one frame are not believed", () => {
    const { driver, send } = scriptedPart();
    send(withPulses(UNDER_LOAD.hex, 565), UNDER_LOAD.hex);
    driver.poll();
    const foreign = changed(UNDER_LOAD.hex, { 3: 0xfa });
    expect(send(foreign, UNDER_LOAD.hex)).toEqual([]);
    expect(send(UNDER_LOAD.hex)).toMatchObject(["implausible", { importMilliwattHours: 0 }]);
  });

  test("a wrap of CF is a wrap, whether the part turns its carry bit over or not", () => {
    for (const adj of [0x71, 0xf1]) {
      const { driver, send } = scriptedPart();
      driver.poll();
      send(withPulses(UNDER_LOAD.hex, 65_530), withPulses(UNDER_LOAD.hex, 65_534));
      driver.poll();
      const wrapped = changed(UNDER_LOAD.hex, { 20: adj, 21: 0, 22: 6 });
      expect(send(wrapped)).toMatchObject([{ importMilliwattHours: 12 }]);
    }
  });

  test("a drop is a reset where the carry bit stays, once the bit has been seen to turn", () => {
    const { driver, send } = scriptedPart();
    const frame = (adj: number, pulses: number) => changed(withPulses(UNDER_LOAD.hex, pulses), { 20: adj });
    send(frame(0x71, 65_526), frame(0x71, 65_534), frame(0xf1, 6));
    for (let pulses = 2000; pulses <= 64_000; pulses += 2000) send(frame(0xf1, pulses));
    driver.poll();
    send(frame(0xf1, 65_000));
    driver.poll();
    expect(send(frame(0xf1, 8))).toMatchObject(["counter-reset", { importMilliwattHours: 12 }]);
  });

  test("after a reset the first power cycle is incomplete again, and not shown", () => {
    const { driver, send } = scriptedPart();
    send(withPulses(UNDER_LOAD.hex, 30_000), withPulses(UNDER_LOAD.hex, 30_008));
    driver.poll();
    const [fault, reading] = send(withPulses(UNDER_LOAD.hex, 1));
    expect(fault).toBe("counter-reset");
    expect(reading).not.toHaveProperty("phases.0.activePowerMilliwatts");
    driver.poll();
    expect(send(withPulses(UNDER_LOAD.hex, 9))).toMatchObject([
      { phases: [{ activePowerMilliwatts: measured(419_190) }] },
    ]);
  });

  test("another part at the same line is taken once two of its frames agree, and the time between is a gap", () => {
    const { driver, send } = scriptedPart();
    driver.poll();
    send(withPulses(UNDER_LOAD.hex, 565), UNDER_LOAD.hex);
    driver.poll();
    const [lastOfOne, ...ofOther] = [UNDER_LOAD.hex, ...STEADY.slice(0, 2)];
    expect(send(lastOfOne ?? "")).toHaveLength(1);
    driver.poll();
    expect(send(...ofOther)).toMatchObject(["implausible", "energy-gap", { energyQuality: "derived" }]);
  });

  test.each([
    ["voltage", { 5: 0x00, 6: 0x01, 7: 0x00 }],
    ["current", { 11: 0x00, 12: 0x00, 13: 0xc8 }],
    ["current without a cycle", { 11: 0x00, 12: 0x00, 13: 0x00 }],
    ["power", { 17: 0x00, 18: 0x01, 19: 0x20 }],
  ])("a %s that the installation has not is not believed", (_, bytes) => {
    const { driver, send } = scriptedPart();
    send(withPulses(UNDER_LOAD.hex, 565), UNDER_LOAD.hex);
    driver.poll();
    expect(send(...Array<string>(8).fill(changed(UNDER_LOAD.hex, bytes)))).toEqual(["implausible"]);
  });

  test("what is plausible is the board's to say", () => {
    const { driver, send } = scriptedPart({ ...CSE7766_REFERENCE_BOARD, nominalVoltageMillivolts: 110_000 });
    driver.poll();
    expect(send(...Array<string>(8).fill(UNDER_LOAD.hex))).toEqual(["implausible"]);
  });

  test("a board's divider and shunt scale values and pulses", () => {
    const profile = { ...CSE7766_REFERENCE_BOARD, voltageFactor: 0.5, currentFactor: 4 };
    const { driver, send } = scriptedPart(profile);
    send(withPulses(UNDER_LOAD.hex, 565));
    driver.poll();
    send(UNDER_LOAD.hex);
    driver.poll();
    expect(send(withPulses(UNDER_LOAD.hex, 583))).toMatchObject([
      {
        importMilliwattHours: 30,
        phases: [
          {
            voltageMillivolts: measured(120_469),
            currentMilliamperes: measured(8105),
            activePowerMilliwatts: measured(838_379),
          },
        ],
      },
    ]);
  });
});

describe("the CSE7766 driver and its line", () => {
  test("writes nothing: the part hears nothing", () => {
    const { uart, driver, send } = scriptedPart();
    driver.poll();
    send(UNDER_LOAD.hex, UNDER_LOAD.hex);
    expect(uart.written).toEqual([]);
  });

  test("a poll fails after seven frames' time: silent without a byte, bad-frame with bytes", () => {
    const { clock, driver, events, uart } = scriptedPart();
    driver.poll();
    clock.advanceBy(POLL_FAILED_MS - 1);
    expect(events).toEqual([]);
    clock.advanceBy(1);
    expect(events).toEqual(["silent"]);
    driver.poll();
    uart.deliver(bytesOf(TORN));
    clock.advanceBy(POLL_FAILED_MS);
    expect(events).toEqual(["silent", "bad-frame"]);
  });

  test("a frame before the poll does not answer it", () => {
    const { driver, send, events } = scriptedPart();
    send(UNDER_LOAD.hex, UNDER_LOAD.hex);
    driver.poll();
    expect(events).toEqual([]);
    expect(send(UNDER_LOAD.hex)).toHaveLength(1);
  });
});
