// Chipsea CSE7766 and Hiliwi HLW8032, single-phase metering parts of one protocol: their data sheets as
// data. All that the host's side and emulated.ts have in common.
import type { UartSettings } from "../../ports/uart.ts";
import type { Installation } from "../installation.ts";

/** Even parity: a line set to none seems to work, and passes damaged bytes. */
export const CSE7766_LINE: UartSettings = { baud: 4800, dataBits: 8, parity: "even", stopBits: 1 };

/** The part sends one frame in this time, unasked: 55 ms on the line and a pause of 50 ms. */
export const FRAME_INTERVAL_MS = 105;

/** The frame: offsets of its fields, highest byte first, 3 bytes each but where it is said. */
export const FRAME = {
  length: 24,
  /** 1 byte, {@link STATE}; not under the checksum. */
  STATE: 0,
  /** 1 byte, always 5A; not under the checksum. */
  CHECK: 1,
  V_COEFFICIENT: 2,
  V_CYCLE: 5,
  I_COEFFICIENT: 8,
  I_CYCLE: 11,
  P_COEFFICIENT: 14,
  P_CYCLE: 17,
  /** 1 byte, {@link ADJ}. */
  ADJ: 20,
  /** 2 bytes: pulses of energy. */
  CF: 21,
  /** 1 byte, {@link checksum}. */
  SUM: 23,
} as const;
export const CHECK_BYTE = 0x5a;

/** Values of STATE; `ranges` is or-ed with what is wrong. */
export const STATE = {
  NORMAL: 0x55,
  /** The coefficients mean nothing. */
  NOT_CALIBRATED: 0xaa,
  RANGES: 0xf0,
} as const;

/** Bits of STATE where its high half is F. */
export const RANGE = {
  /** The store of the coefficients is damaged. */
  COEFFICIENTS: 0x01,
  /** No pulse in the time that P_CYCLE can hold: no load. */
  P_CYCLE: 0x02,
  I_CYCLE: 0x04,
  V_CYCLE: 0x08,
} as const;

/**
 * Bits of ADJ. The low half differs from part to part (1 or 2 in public captures) and means nothing to
 * a host.
 */
export const ADJ = {
  /** P_CYCLE is the last whole cycle; else the time that the present one takes already (xoseperez/espurna#867). */
  P_CYCLE: 0x10,
  I_CYCLE: 0x20,
  V_CYCLE: 0x40,
  /** Turns over when CF wraps; stays as it is on some parts (arendst/Tasmota#6302). */
  CF_CARRY: 0x80,
} as const;

export const CYCLE_BITS = 24;
export const CF_BITS = 16;

/** Quantity = coefficient / cycle, the cycle in microseconds: volts, amperes, watts at the reference board. */
export interface Coefficients {
  readonly voltage: number;
  readonly current: number;
  readonly power: number;
}

/** One part on its board and in its installation. */
export interface Cse7766Profile extends Installation {
  /** By the board's divider, as a multiple of the reference board's 1 Mohm over 1 kohm (1.88 with 4 x 470 kohm). */
  readonly voltageFactor: number;
  /** By the board's shunt, as a multiple of 1/(1 mohm). */
  readonly currentFactor: number;
  /** The part lives on the mains that it measures, and with less than this does not: such a voltage is false. */
  readonly leastVoltageMillivolts: number;
  /** Less current than this the part does not measure to any class, and shows some without a load too. */
  readonly leastCurrentMilliamperes: number;
  /** Less power than this is none. */
  readonly leastPowerMilliwatts: number;
}

/** 1 Mohm over 1 kohm and 1 mohm, as in most plugs. */
export const CSE7766_REFERENCE_BOARD: Cse7766Profile = {
  voltageFactor: 1,
  currentFactor: 1,
  nominalVoltageMillivolts: 230_000,
  largestCurrentMilliamperes: 65_000,
  leastVoltageMillivolts: 80_000,
  leastCurrentMilliamperes: 50,
  leastPowerMilliwatts: 1000,
};

/** The application circuit of the HLW8032's maker: 4 x 470 kohm over 1 kohm, and 1 mohm. */
export const HLW8032_REFERENCE_BOARD: Cse7766Profile = { ...CSE7766_REFERENCE_BOARD, voltageFactor: 1.88 };

/** The part's checksum: the 8-bit sum of a frame's bytes but for its first two. */
export function checksum(frame: Uint8Array): number {
  let sum = 0;
  for (let i = FRAME.V_COEFFICIENT; i < FRAME.SUM; i++) sum += frame[i] ?? 0;
  return sum & 0xff;
}
