import { describe, expect, test } from "vitest";
import { constantMains, type Mains, type MainsState } from "../../../../hal/emulated/mains.ts";
import { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { EmulatedCse7766 } from "../../../../hal/metering-ics/cse7766/emulated.ts";
import {
  type Coefficients,
  CSE7766_LINE,
  CSE7766_REFERENCE_BOARD,
  checksum,
  FRAME,
  FRAME_INTERVAL_MS,
} from "../../../../hal/metering-ics/cse7766/registers.ts";
import { bytesOf, hexOf, ScriptedUart } from "../../../support/scripted-uart.ts";
import { NO_LOAD, UNDER_LOAD } from "../../../vectors/cse7766/frames.ts";

/** A part whose host is the test. */
function emulatedPart(mains: Mains, coefficients?: Coefficients) {
  const clock = new VirtualClock();
  const uart = new ScriptedUart(clock, CSE7766_LINE);
  const chip = new EmulatedCse7766(uart, clock, mains, CSE7766_REFERENCE_BOARD, coefficients);
  /** The last frame of so many intervals. */
  const frame = (intervals = 1) => {
    const before = uart.written.length;
    clock.advanceBy(intervals * FRAME_INTERVAL_MS);
    expect(uart.written).toHaveLength(before + intervals);
    return bytesOf(uart.written.at(-1) ?? "");
  };
  return { clock, uart, chip, frame };
}

function state(voltageVolts: number, currentAmperes: number, watts: number): MainsState {
  const phaseAngleRadians = currentAmperes === 0 ? 0 : Math.acos(watts / (voltageVolts * currentAmperes));
  return { voltageVolts, currentAmperes, phaseAngleRadians, frequencyHertz: 50 };
}

function unsigned24(frame: Uint8Array, offset: number): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(offset - 1) & 0xffffff;
}

/** Volts, amperes and watts as the data sheet has them: coefficient over cycle. */
function decoded(frame: Uint8Array) {
  const ratio = (offset: number) => unsigned24(frame, offset) / unsigned24(frame, offset + 3);
  return {
    volts: ratio(FRAME.V_COEFFICIENT),
    amperes: ratio(FRAME.I_COEFFICIENT),
    watts: ratio(FRAME.P_COEFFICIENT),
  };
}

const within = (truth: number) => (value: unknown) => Math.abs(Number(value) - truth) <= truth * 0.005;

describe("the emulated CSE7766", () => {
  test("at the load of a captured frame sends that frame, byte for byte", () => {
    const load = state(195_400 / 811, 16_460 / 8123, 5_400_000 / 12_882);
    const { chip, frame } = emulatedPart(constantMains(load));
    chip.presetCounter(UNDER_LOAD.pulses - 8);
    expect(hexOf(frame())).toBe(hexOf(bytesOf(UNDER_LOAD.hex)));
  });

  test("long after its last pulse sends the captured no-load frame, byte for byte", () => {
    // 222 intervals are one turn of the cycle's counter, 6.492187 s, and half a cycle until the pulse.
    const cycleMs = 2 * (222 * FRAME_INTERVAL_MS - 2 ** 24 / 1000 - 6492.187);
    const voltageVolts = 194_400 / 865;
    const idle = state(voltageVolts, 16_400 / 356_928, 0);
    const loaded = state(voltageVolts, 1, 5_351_000 / 1000 / cycleMs);
    const mains: Mains = {
      at: (ms) => (ms < 50 ? loaded : idle),
      steadyUntilMs: (ms) => (ms < 50 ? 50 : Number.POSITIVE_INFINITY),
    };
    const { chip, frame } = emulatedPart(mains, { voltage: 194_400, current: 16_400, power: 5_351_000 });
    chip.presetCounter(65_535);
    frame(221);
    chip.presetCounter(NO_LOAD.pulses);
    expect(hexOf(frame())).toBe(hexOf(bytesOf(NO_LOAD.hex)));
  });

  test.each([
    [230, 0.2, 30],
    [207, 4, 800],
    [253, 16, -4000],
    [230, 65, 14_950],
  ])("at %i V, %d A and %i W its frames say so, and their checksum holds", (volts, amperes, watts) => {
    const { frame } = emulatedPart(constantMains(state(volts, amperes, watts)));
    frame(5);
    for (let i = 0; i < 20; i++) {
      const bytes = frame();
      expect(bytes[FRAME.SUM]).toBe(checksum(bytes));
      const shown = decoded(bytes);
      expect(shown.volts).toSatisfy(within(volts));
      expect(shown.amperes).toSatisfy(within(amperes));
      expect(shown.watts).toSatisfy(within(Math.abs(watts)));
      expect(bytes[FRAME.ADJ]).toBe(0x71);
    }
  });

  test("after a load was switched off its cycle runs on, marked as not whole, until it says that there is none", () => {
    const on = state(230, 10, 2300);
    const mains: Mains = {
      at: (ms) => (ms < 1000 ? on : state(230, 0, 0)),
      steadyUntilMs: (ms) => (ms < 1000 ? 1000 : Number.POSITIVE_INFINITY),
    };
    const { frame } = emulatedPart(mains);
    const [first, second] = [frame(10), frame()];
    expect([first[FRAME.STATE], first[FRAME.ADJ]]).toEqual([0x55, 0x61]);
    expect(unsigned24(second, FRAME.P_CYCLE) - unsigned24(first, FRAME.P_CYCLE)).toBe(105_000);
    expect(frame(160)[FRAME.STATE]).toBe(0xf2);
  });

  test("CF wraps after 65535, and ADJ's carry turns over", () => {
    const { chip, frame } = emulatedPart(constantMains(state(230, 10, 2300)));
    chip.presetCounter(65_535);
    const bytes = frame();
    expect(bytes[FRAME.CF]).toBe(0);
    expect(bytes[FRAME.ADJ]).toBe(0xf1);
  });

  test("is silent while mute, and for good once it is stopped", () => {
    const { clock, uart, chip } = emulatedPart(constantMains(state(230, 1, 230)));
    chip.isMute = true;
    clock.advanceBy(10 * FRAME_INTERVAL_MS);
    expect(uart.written).toEqual([]);
    chip.isMute = false;
    clock.advanceBy(FRAME_INTERVAL_MS);
    chip.stop();
    clock.advanceBy(10 * FRAME_INTERVAL_MS);
    expect(uart.written).toHaveLength(1);
  });
});
