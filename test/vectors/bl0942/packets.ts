// Answers to a BL0942 "read all" request (58 AA), byte for byte.
import { BL0942_REFERENCE_BOARD, type Bl0942Profile } from "../../../hal/metering-ics/bl0942/registers.ts";

export interface PacketVector {
  readonly name: string;
  readonly profile: Bl0942Profile;
  readonly hex: string;
  /** Registers as numbers. */
  readonly raw: {
    readonly I_RMS: number;
    readonly V_RMS: number;
    readonly WATT: number;
    readonly CF_CNT: number;
    readonly FREQ: number;
    readonly STATUS: number;
  };
  /** What a person reads off the part; current and power are 0 where the part reports creep. */
  readonly shown: {
    readonly voltageMillivolts: number;
    readonly currentMilliamperes: number;
    readonly activePowerMilliwatts: number;
    readonly frequencyMillihertz: number;
  };
}

/** Scale factors that Tasmota's xnrg_14 driver had by default. */
const TASMOTA_OLD: Bl0942Profile = {
  ...BL0942_REFERENCE_BOARD,
  voltageCountsPerVolt: 15_187,
  currentCountsPerAmpere: 251_213,
  powerCountsPerWatt: 596,
  energyCountsPerKilowattHour: 3304.61,
};

/** The reference board by theory, without a real board's calibration. */
export const IDEAL_BOARD: Bl0942Profile = {
  ...BL0942_REFERENCE_BOARD,
  voltageCountsPerVolt: 15_883.341,
  currentCountsPerAmpere: 251_213.46,
  powerCountsPerWatt: 623.394,
  energyCountsPerKilowattHour: 5350.632,
};

/** Captured from parts by others. */
export const CAPTURED: readonly PacketVector[] = [
  {
    name: "esphome/esphome#15280, no load",
    profile: BL0942_REFERENCE_BOARD,
    hex: "55 00 00 00 6E 89 37 3F 39 00 00 00 00 4C 0A 00 3E 4E 00 22 01 00 A7",
    raw: { I_RMS: 0, V_RMS: 3_639_662, WATT: 0, CF_CNT: 2636, FREQ: 20_030, STATUS: 0x22 },
    shown: {
      voltageMillivolts: 229_150,
      currentMilliamperes: 0,
      activePowerMilliwatts: 0,
      frequencyMillihertz: 49_925,
    },
  },
  {
    name: "arendst/Tasmota#14829, no load with idle noise",
    profile: BL0942_REFERENCE_BOARD,
    hex: "55 19 00 00 2A CF 37 0C 44 00 02 00 00 A2 01 00 5E 4E 00 22 01 00 45",
    raw: { I_RMS: 25, V_RMS: 3_657_514, WATT: 2, CF_CNT: 418, FREQ: 20_062, STATUS: 0x22 },
    shown: {
      voltageMillivolts: 230_274,
      currentMilliamperes: 0,
      activePowerMilliwatts: 0,
      frequencyMillihertz: 49_845,
    },
  },
  {
    // The published capture ends before its checksum, which is computed here.
    name: "Tasmota xnrg_14, a 40 W bulb through a reversed transformer",
    profile: TASMOTA_OLD,
    hex: "55 A3 B9 00 9E 4C 36 93 43 00 F4 98 FF 99 00 00 16 4E 00 01 01 00 76",
    raw: { I_RMS: 47_523, V_RMS: 3_558_558, WATT: -26_380, CF_CNT: 153, FREQ: 19_990, STATUS: 0x01 },
    shown: {
      voltageMillivolts: 234_316,
      currentMilliamperes: 189,
      activePowerMilliwatts: -44_262,
      frequencyMillihertz: 50_025,
    },
  },
];

/** Computed from the scale factors of theory. */
export const COMPUTED: readonly PacketVector[] = [
  {
    name: "230 V, 10 A, power factor 1, the counter at its top",
    profile: IDEAL_BOARD,
    hex: "55 07 55 26 30 BE 37 00 00 00 CE E0 15 FF FF FF 20 4E 00 00 01 00 7C",
    raw: {
      I_RMS: 2_512_135,
      V_RMS: 3_653_168,
      WATT: 1_433_806,
      CF_CNT: 0xffffff,
      FREQ: 20_000,
      STATUS: 0,
    },
    shown: {
      voltageMillivolts: 230_000,
      currentMilliamperes: 10_000,
      activePowerMilliwatts: 2_300_000,
      frequencyMillihertz: 50_000,
    },
  },
  {
    name: "500 W of export just after a wrap",
    profile: IDEAL_BOARD,
    hex: "55 5A 55 08 30 BE 37 00 00 00 6F 3E FB 00 00 00 20 4E 00 01 01 00 5E",
    raw: { I_RMS: 546_138, V_RMS: 3_653_168, WATT: -311_697, CF_CNT: 0, FREQ: 20_000, STATUS: 0x01 },
    shown: {
      voltageMillivolts: 230_000,
      currentMilliamperes: 2174,
      activePowerMilliwatts: -500_000,
      frequencyMillihertz: 50_000,
    },
  },
];
