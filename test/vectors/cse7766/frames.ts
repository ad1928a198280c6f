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

/** Frame after frame of one part without a load: a stray pulse ends a cycle of more than 17 s (xoseperez/espurna#867). */
export const STRAY_PULSE: readonly string[] = [
  "F2 5A 02 B7 50 00 02 FF 00 3D 36 03 6B 37 4C 72 50 EE B5 37 61 00 6F DA",
  "F2 5A 02 B7 50 00 02 FF 00 3D 36 03 6B 37 4C 72 50 F0 4E 9C 61 00 6F DA",
  "55 5A 02 B7 50 00 02 FF 00 3D 36 03 6B 37 4C 72 50 F1 A4 AA 71 00 70 50",
  "55 5A 02 B7 50 00 02 FF 00 3D 36 03 6B 37 4C 72 50 F1 A4 AA 71 00 70 50",
];

/** Not yet "no load": the cycle has run for 6 s, and the registers show 45 mA (arendst/Tasmota#16940). */
export const FADED: readonly string[] = [
  "55 5A 02 EE 00 00 03 02 00 3F 11 05 84 2E 4F BA 28 5D FD A4 E1 63 69 D8",
  "55 5A 02 EE 00 00 03 02 00 3F 11 05 84 2E 4F BA 28 5F 97 09 E1 63 69 D9",
];

/** An HLW8032 without a mains on its input: voltage out of range (ElectroDragon's wiki, HLW8032 SDK). */
export const NO_VOLTAGE = "FA 5A 02 EE C8 FE FF 01 00 3F 66 00 00 00 51 21 88 FA DB 29 01 00 00 54";

/** At 222 V and 128 W, CF going on by 2 or 3 a frame; this part's carry bit stays 1 (arendst/Tasmota#6302). */
export const STEADY: readonly string[] = [
  "55 5A 02 EC 70 00 03 5D 00 40 B5 00 6C 4E 52 0F D0 00 A4 21 F2 6F 1B DF",
  "55 5A 02 EC 70 00 03 5D 00 40 B5 00 6C 4E 52 0F D0 00 A4 21 F2 6F 1E E2",
  "55 5A 02 EC 70 00 03 5E 00 40 B5 00 6C 4E 52 0F D0 00 A4 21 F2 6F 20 E5",
  "55 5A 02 EC 70 00 03 5E 00 40 B5 00 6C 4E 52 0F D0 00 A3 C7 F2 6F 23 8D",
  "55 5A 02 EC 70 00 03 5E 00 40 B5 00 6C 4E 52 0F D0 00 A3 C7 F2 6F 25 8F",
  "55 5A 02 EC 70 00 03 5E 00 40 B5 00 6C 4E 52 0F D0 00 A3 C7 F2 6F 28 92",
  "55 5A 02 EC 70 00 03 5E 00 40 B5 00 6C 4E 52 0F D0 00 A3 C7 F2 6F 2A 94",
  TORN,
  "55 5A 02 EC 70 00 03 5E 00 40 B5 00 6C 4E 52 0F D0 00 A3 C7 F2 6F 2F 99",
];
