import type { Mains } from "../../emulated/mains.ts";
import type { Cancel, Clock } from "../../ports/clock.ts";
import type { Uart } from "../../ports/uart.ts";
import { encodeFrame } from "./emulated-frame.ts";
import { EmulatedPulses } from "./emulated-pulses.ts";
import {
  ADJ,
  type Coefficients,
  CSE7766_REFERENCE_BOARD,
  type Cse7766Profile,
  CYCLE_BITS,
  FRAME_INTERVAL_MS,
  RANGE,
  STATE,
} from "./registers.ts";

/** Those of the part captured in arendst/Tasmota#11389: 1.5 mWh a pulse. */
const COEFFICIENTS: Coefficients = { voltage: 195_400, current: 16_460, power: 5_400_000 };
/** What P_CYCLE can hold: 17 s. */
const LONGEST_CYCLE_MS = 2 ** CYCLE_BITS / 1000;
/** The low half of ADJ, as of most captured parts. */
const ADJ_OF_PART = 0x01;

/**
 * The part at its end of the line, fed by a mains of either direction: it sends a frame every 105 ms
 * from its start until {@link EmulatedCse7766.stop}, and hears nothing.
 */
export class EmulatedCse7766 {
  /** While true the part does not send; it still counts. */
  isMute = false;
  /** STATE to send in place of what the part finds: 0xAA as if not calibrated, 0xF1, 0xF4, 0xF8 for damage. */
  forcedState: number | undefined;
  readonly #uart: Uart;
  readonly #clock: Clock;
  readonly #mains: Mains;
  readonly #coefficients: Coefficients;
  /** Quantity times cycle: the coefficients as the board's divider and shunt change them. */
  readonly #products: Coefficients;
  readonly #pulses: EmulatedPulses;
  #cancelFrame: Cancel;

  /** Starts with its counter at 0 and counts from the clock's time on. */
  constructor(
    uart: Uart,
    clock: Clock,
    mains: Mains,
    profile: Cse7766Profile = CSE7766_REFERENCE_BOARD,
    coefficients: Coefficients = COEFFICIENTS,
  ) {
    this.#uart = uart;
    this.#clock = clock;
    this.#mains = mains;
    this.#coefficients = coefficients;
    this.#products = onBoard(coefficients, profile);
    this.#pulses = new EmulatedPulses(mains, this.#products.power, clock.monotonicMs());
    uart.listen({ bytes: () => {} });
    this.#cancelFrame = this.#nextFrame();
  }

  /** Ends sending for good. */
  stop(): void {
    this.#cancelFrame();
  }

  /** Sets CF, 0 to 65535. */
  presetCounter(count: number): void {
    this.#pulses.advanceTo(this.#clock.monotonicMs());
    this.#pulses.preset(count);
  }

  /** As after a loss of supply: CF is 0, and the first power cycle is incomplete. */
  restart(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#pulses.advanceTo(nowMs);
    this.#pulses.restart(nowMs);
  }

  #nextFrame(): Cancel {
    return this.#clock.after(FRAME_INTERVAL_MS, () => {
      this.#cancelFrame = this.#nextFrame();
      this.#send();
    });
  }

  /** A part cannot wait: what finds no room or no line is lost. */
  #send(): void {
    const frame = this.#frame();
    if (!this.isMute) this.#uart.write(frame);
  }

  #frame(): Uint8Array {
    const nowMs = this.#clock.monotonicMs();
    this.#pulses.advanceTo(nowMs);
    const { voltageVolts, currentAmperes } = this.#mains.at(nowMs);
    const hasVoltage = voltageVolts > 0;
    const runningMs = nowMs - this.#pulses.pulseAtMs;
    const wholeMs = this.#pulses.wholeCycleMs ?? 0;
    const isWhole = runningMs <= wholeMs;
    return encodeFrame({
      state: this.forcedState ?? state(hasVoltage, runningMs > LONGEST_CYCLE_MS),
      coefficients: this.#coefficients,
      voltageCycle: measuredCycle(this.#products.voltage / voltageVolts),
      currentCycle: measuredCycle(this.#products.current / currentAmperes),
      powerCycle: countedCycle(isWhole ? wholeMs : runningMs),
      adj:
        ADJ_OF_PART |
        (hasVoltage ? ADJ.V_CYCLE | ADJ.I_CYCLE : 0) |
        (isWhole ? ADJ.P_CYCLE : 0) |
        (this.#pulses.carry === 0 ? 0 : ADJ.CF_CARRY),
      pulses: this.#pulses.count,
    });
  }
}

function onBoard(coefficients: Coefficients, { voltageFactor, currentFactor }: Cse7766Profile): Coefficients {
  return {
    voltage: coefficients.voltage * voltageFactor,
    current: coefficients.current * currentFactor,
    power: coefficients.power * voltageFactor * currentFactor,
  };
}

function state(hasVoltage: boolean, isIdle: boolean): number {
  if (hasVoltage && !isIdle) return STATE.NORMAL;
  return STATE.RANGES | (hasVoltage ? 0 : RANGE.V_CYCLE) | (isIdle ? RANGE.P_CYCLE : 0);
}

/** Whole microseconds; a cycle that does not end, or is longer than the register, stands at its end. */
function measuredCycle(microseconds: number): number {
  return Math.min(2 ** CYCLE_BITS - 1, Math.round(microseconds));
}

/** Whole microseconds as the part counts them: after its last value the counter begins again. */
function countedCycle(ms: number): number {
  return Math.round(ms * 1000) % 2 ** CYCLE_BITS;
}
