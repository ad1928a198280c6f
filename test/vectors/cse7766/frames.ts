// Frames of a CSE7766, byte for byte, as parts in the field sent them.

export interface FrameVector {
  readonly name: string;
  readonly hex: string;
  /** CF. */
  readonly pulses: number;
  readonly voltageMillivolts: number;
  readonly currentMilliamperes: number;
  /** Undefined where the frame shows no whole power cycle and does not rule out some power. */
  readonly activePowerMilliwatts: number | undefined;
}

export const UNDER_LOAD: FrameVector = {
  name: "arendst/Tasmota#11389, under load",
  hex: "55 5A 02 FB 48 00 03 2B 00 40 4C 00 1F BB 52 65 C0 00 32 52 71 02 3D 84",
  pulses: 573,
  voltageMillivolts: 240_937,
  currentMilliamperes: 2026,
  activePowerMilliwatts: 419_190,
};

/** The registers alone would show 46 mA. */
export const NO_LOAD: FrameVector = {
  name: "Tasmota xnrg_02, no load",
  hex: "F2 5A 02 F7 60 00 03 61 00 40 10 05 72 40 51 A6 58 63 10 1B E1 7F 4D 4E",
  pulses: 32_589,
  voltageMillivolts: 224_740,
  currentMilliamperes: 0,
  activePowerMilliwatts: 0,
};

/** The frame right before {@link FALSE_VOLTAGE}; its power cycle is not over. */
export const SMALL_LOAD: FrameVector = {
  name: "Tasmota xnrg_02, a small load",
  hex: "55 5A 02 DB 40 00 03 25 00 3D 18 03 8E CD 4F 0A 60 2A 56 85 61 01 02 1A",
  pulses: 258,
  voltageMillivolts: 232_547,
  currentMilliamperes: 67,
  activePowerMilliwatts: undefined,
};

/** The checksum holds, and the voltage is 0.40 V (Tasmota xnrg_02). */
export const FALSE_VOLTAGE = "55 5A 02 DB 40 07 17 1D 00 3D 18 03 8E CD 4F 0A 60 2B EF EA 61 01 02 2C";

/** 17 bytes of one frame and the first 7 of the next (arendst/Tasmota#6302). */
export const TORN = "55 5A 02 EC 70 00 03 5E 00 40 B5 00 6C FE 53 D1 FE 55 5A 02 EC 70 00 03";
/** Computed: a rest for the second frame of {@link TORN}, at 222.274 V, 0.594 A and 110 W. */
export const REST_OF_TORN = "5E 00 40 B5 00 6C FE 53 D1 FE 00 C3 48 71 00 08 C4";

export const SOUND: readonly FrameVector[] = [UNDER_LOAD, NO_LOAD, SMALL_LOAD];
