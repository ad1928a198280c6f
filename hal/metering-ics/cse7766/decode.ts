import type { Measurement, PhaseReading } from "../../ports/metering-ic.ts";
import { largestPowerMilliwatts, largestVoltageMillivolts, overloadMilliamperes } from "../installation.ts";
import { ADJ, type Coefficients, type Cse7766Profile, FRAME, RANGE, STATE } from "./registers.ts";

/** A frame's fields, before any scaling; a cycle is undefined where the frame says that it means nothing. */
export interface Frame {
  readonly coefficients: Coefficients;
  readonly voltageCycleMicroseconds: number | undefined;
  readonly currentCycleMicroseconds: number | undefined;
  readonly powerCycle: PowerCycle;
  readonly carry: 0 | 1;
  readonly pulses: number;
}

/**
 * `whole`: the last one that ended. `running`: the present one, which has outlasted it, so far: power is
 * at most what it would be if it ended now. `none`: longer than the part can count.
 */
export type PowerCycle =
  | { readonly kind: "whole" | "running"; readonly microseconds: number }
  | { readonly kind: "none" };

/** The fields of a sound frame; undefined where the part says of itself that it cannot measure. */
export function parseFrame(bytes: Uint8Array): Frame | undefined {
  const state = bytes[FRAME.STATE] ?? 0;
  if (state === STATE.NOT_CALIBRATED) return undefined;
  const ranges = state === STATE.NORMAL ? 0 : state;
  if ((ranges & (RANGE.COEFFICIENTS | RANGE.I_CYCLE | RANGE.V_CYCLE)) !== 0) return undefined;
  const adj = bytes[FRAME.ADJ] ?? 0;
  return {
    coefficients: {
      voltage: unsigned24(bytes, FRAME.V_COEFFICIENT),
      current: unsigned24(bytes, FRAME.I_COEFFICIENT),
      power: unsigned24(bytes, FRAME.P_COEFFICIENT),
    },
    voltageCycleMicroseconds: (adj & ADJ.V_CYCLE) === 0 ? undefined : unsigned24(bytes, FRAME.V_CYCLE),
    currentCycleMicroseconds: (adj & ADJ.I_CYCLE) === 0 ? undefined : unsigned24(bytes, FRAME.I_CYCLE),
    powerCycle: powerCycle(bytes, (ranges & RANGE.P_CYCLE) !== 0, (adj & ADJ.P_CYCLE) !== 0),
    carry: (adj & ADJ.CF_CARRY) === 0 ? 0 : 1,
    pulses: ((bytes[FRAME.CF] ?? 0) << 8) | (bytes[FRAME.CF + 1] ?? 0),
  };
}

function powerCycle(bytes: Uint8Array, isNone: boolean, isWhole: boolean): PowerCycle {
  if (isNone) return { kind: "none" };
  return { kind: isWhole ? "whole" : "running", microseconds: unsigned24(bytes, FRAME.P_CYCLE) };
}

function unsigned24(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 16) | ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
}

export function isSamePart(a: Frame, b: Frame): boolean {
  const { voltage, current, power } = a.coefficients;
  return (
    voltage === b.coefficients.voltage && current === b.coefficients.current && power === b.coefficients.power
  );
}

/** False where a frame says what no installation does, checksum or not: one of 0.40 V has been captured. */
export function isPlausible(frame: Frame, profile: Cse7766Profile): boolean {
  const { coefficients, powerCycle } = frame;
  if (coefficients.voltage === 0 || coefficients.current === 0 || coefficients.power === 0) return false;
  const millivolts = voltageMillivolts(frame, profile);
  const milliamperes = currentMilliamperes(frame, profile) ?? 0;
  const milliwatts =
    powerCycle.kind === "whole" ? powerMilliwatts(frame, powerCycle.microseconds, profile) : 0;
  return (
    (millivolts === undefined || isWithin(millivolts, profile)) &&
    milliamperes <= overloadMilliamperes(profile) &&
    milliwatts <= largestPowerMilliwatts(profile)
  );
}

function isWithin(millivolts: number, profile: Cse7766Profile): boolean {
  return millivolts >= profile.leastVoltageMillivolts && millivolts <= largestVoltageMillivolts(profile);
}

/** Of one cycle, unrounded; Infinity for a cycle of 0. */
export function powerMilliwatts(frame: Frame, microseconds: number, profile: Cse7766Profile): number {
  const { voltageFactor, currentFactor } = profile;
  return (frame.coefficients.power * voltageFactor * currentFactor * 1000) / microseconds;
}

/** Energy of one pulse of CF, which comes once a power cycle. A watt for a microsecond is 1/3.6 nWh. */
export function nanowattHoursPerPulse({ coefficients }: Frame, profile: Cse7766Profile): number {
  return Math.round((coefficients.power * profile.voltageFactor * profile.currentFactor) / 3.6);
}

/**
 * What the part can say of its phase; `power` is what is known of it from this and earlier frames.
 * Without power there is no current either: what the part then shows is its own noise.
 */
export function phaseReading(
  frame: Frame,
  power: Measurement | undefined,
  profile: Cse7766Profile,
): PhaseReading {
  const voltage = voltageMillivolts(frame, profile);
  const current = power?.value === 0 ? 0 : measurableCurrent(frame, profile);
  const hasBoth = voltage !== undefined && current !== undefined;
  return {
    ...(voltage !== undefined && { voltageMillivolts: measured(voltage) }),
    ...(current !== undefined && { currentMilliamperes: measured(current) }),
    ...(power !== undefined && { activePowerMilliwatts: power }),
    ...(hasBoth && {
      apparentPowerMillivoltamperes: { value: Math.round((voltage * current) / 1000), quality: "derived" },
    }),
  };
}

/** Undefined below what the part measures. */
function measurableCurrent(frame: Frame, profile: Cse7766Profile): number | undefined {
  const milliamperes = currentMilliamperes(frame, profile) ?? 0;
  return milliamperes < profile.leastCurrentMilliamperes ? undefined : milliamperes;
}

function voltageMillivolts(frame: Frame, { voltageFactor }: Cse7766Profile): number | undefined {
  const { coefficients, voltageCycleMicroseconds: cycle } = frame;
  return cycle === undefined ? undefined : Math.round((coefficients.voltage * voltageFactor * 1000) / cycle);
}

function currentMilliamperes(frame: Frame, { currentFactor }: Cse7766Profile): number | undefined {
  const { coefficients, currentCycleMicroseconds: cycle } = frame;
  return cycle === undefined ? undefined : Math.round((coefficients.current * currentFactor * 1000) / cycle);
}

function measured(value: number): Measurement {
  return { value, quality: "measured" };
}
