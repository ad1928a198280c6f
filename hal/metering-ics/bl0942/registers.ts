// Belling BL0942, single-phase metering part: its data sheet as data. All that driver.ts and
// emulated.ts have in common.
import type { UartSettings } from "../../ports/uart.ts";
import type { Installation } from "../installation.ts";

/** With the SCLK_BPS pin low. The part sends 1.5 stop bits; a receiver set to 1 takes them. */
export const BL0942_LINE: UartSettings = { baud: 4800, dataBits: 8, parity: "none", stopBits: 1 };

/** First byte of a request; the part's address (0 to 3) is in the lowest two bits. */
export const COMMAND = { read: 0x58, write: 0xa8 } as const;
/** In place of a register: the answer is the whole {@link PACKET}. */
export const READ_ALL = 0xaa;

/** Register addresses; each holds 24 bits or less, lowest byte first on the UART. */
export const REGISTER = {
  I_RMS: 0x03,
  V_RMS: 0x04,
  I_FAST_RMS: 0x05,
  WATT: 0x06,
  CF_CNT: 0x07,
  FREQ: 0x08,
  STATUS: 0x09,
  WA_CREEP: 0x14,
  MODE: 0x19,
  SOFT_RESET: 0x1c,
  USR_WRPROT: 0x1d,
} as const;

/** Bits of MODE. */
export const MODE = {
  /** Always written as ones. */
  RESERVED: 0x003,
  /** Energy is counted. */
  CF_EN: 0x004,
  /** RMS values every 800 ms, not 400. */
  RMS_UPDATE_SEL: 0x008,
  /** 60 Hz mains, not 50. */
  AC_FREQ_SEL: 0x020,
  /** Reading CF_CNT clears it. */
  CF_CNT_CLR_SEL: 0x040,
  /** How CF_CNT adds; see {@link Bl0942Profile.counterAdds}. */
  CF_CNT_ADD_SEL: 0x080,
  /** 19200 or 38400 baud in place of what the pin says. */
  UART_RATE_SEL: 0x300,
} as const;
export const MODE_DEFAULT = MODE.RESERVED | MODE.CF_EN | MODE.CF_CNT_ADD_SEL;

/** Bits of STATUS. */
export const STATUS = {
  /** The last energy pulse was reverse (openshwprojects/OpenBK7231T_App#1147). */
  CF_REVP_F: 0x01,
  /** Active power is below the creep threshold: nothing is counted. */
  CREEP_F: 0x02,
} as const;

/** WA_CREEP counts in units of 3125/256 counts of WATT. */
export const WA_CREEP_DEFAULT = 0x0b;
export const WATT_COUNTS_PER_CREEP = 3125 / 256;

/** To USR_WRPROT: configuration can be written. It then reads 1, and 0 while locked. */
export const WRITE_UNLOCK = 0x55;
/** To SOFT_RESET. */
export const SOFT_RESET_KEY = 0x5a5a5a;

export const CF_CNT_BITS = 24;

/** The answer to {@link READ_ALL}: offsets of its fields, lowest byte first. */
export const PACKET = {
  length: 23,
  header: 0x55,
  I_RMS: 1,
  V_RMS: 4,
  I_FAST_RMS: 7,
  /** Signed. */
  WATT: 10,
  CF_CNT: 13,
  /** 16 bits. */
  FREQ: 16,
  /** Always 0. */
  RESERVED: 18,
  STATUS: 19,
  /** 01 00 in every public capture; its meaning is not published. */
  TRAILER: 20,
} as const;

/** FREQ counts 1 MHz over one period of the mains. */
export const FREQ_CLOCK_HERTZ = 1_000_000;

/** One part on its board: where it answers and what its counts are worth. */
export interface Bl0942Profile extends Installation {
  /** By the A1 and A2 pins. */
  readonly address: 0 | 1 | 2 | 3;
  readonly voltageCountsPerVolt: number;
  readonly currentCountsPerAmpere: number;
  readonly powerCountsPerWatt: number;
  readonly energyCountsPerKilowattHour: number;
  readonly mainsHertz: 50 | 60;
  /** What CF_CNT does with MODE's CF_CNT_ADD_SEL set. Public sources disagree, so it is the board's to say. */
  readonly counterAdds: "absolute" | "algebraic";
}

/** The maker's reference board (1 milliohm shunt, 5 x 390 kilohm over 510 ohm), scaled as in ESPHome's bl0942.h. */
export const BL0942_REFERENCE_BOARD: Bl0942Profile = {
  address: 0,
  voltageCountsPerVolt: 15_883.34116,
  currentCountsPerAmpere: 251_065.6814,
  powerCountsPerWatt: 623.02707,
  energyCountsPerKilowattHour: 5347.48424,
  mainsHertz: 50,
  nominalVoltageMillivolts: 230_000,
  largestCurrentMilliamperes: 65_000,
  counterAdds: "absolute",
};

/**
 * The part's checksum: the inverted sum of all bytes given. An answer's also covers bytes that are
 * not in it: the request's command byte for a packet, command and register for one register.
 */
export function checksum(bytes: Iterable<number>): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return ~sum & 0xff;
}
