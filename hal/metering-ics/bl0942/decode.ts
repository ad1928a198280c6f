import type { Measurement, PhaseReading } from "../../ports/metering-ic.ts";
import { largestPowerMilliwatts, largestVoltageMillivolts, overloadMilliamperes } from "../installation.ts";
import { type Bl0942Profile, FREQ_CLOCK_HERTZ, PACKET, STATUS } from "./registers.ts";

/** A packet's registers as numbers, before any scaling. */
export interface Packet {
  readonly I_RMS: number;
  readonly V_RMS: number;
  readonly WATT: number;
  readonly CF_CNT: number;
  readonly FREQ: number;
  readonly STATUS: number;
}

const UNSIGNED_24_MAX = 0xffffff;
const SIGNED_24_MAX = 0x7fffff;

/** The registers of a sound packet; undefined where all it holds is zeros, as from a part that lost its supply. */
export function parsePacket(bytes: Uint8Array): Packet | undefined {
  if (bytes.subarray(1, PACKET.length - 1).every((byte) => byte === 0)) return undefined;
  return {
    I_RMS: unsigned(bytes, PACKET.I_RMS, 3),
    V_RMS: unsigned(bytes, PACKET.V_RMS, 3),
    WATT: (unsigned(bytes, PACKET.WATT, 3) << 8) >> 8,
    CF_CNT: unsigned(bytes, PACKET.CF_CNT, 3),
    FREQ: unsigned(bytes, PACKET.FREQ, 2),
    STATUS: unsigned(bytes, PACKET.STATUS, 1),
  };
}

/** An integer from `length` bytes, lowest first. */
export function unsigned(bytes: Uint8Array, offset: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] ?? 0);
  return value;
}

/** False where a packet says what no installation does, checksum or not (arendst/Tasmota#5789). */
export function isPlausible(packet: Packet, profile: Bl0942Profile): boolean {
  const { V_RMS, I_RMS, WATT } = packet;
  const volts = V_RMS / profile.voltageCountsPerVolt;
  const amperes = I_RMS / profile.currentCountsPerAmpere;
  const watts = Math.abs(WATT) / profile.powerCountsPerWatt;
  return (
    volts * 1000 <= largestVoltageMillivolts(profile) &&
    amperes * 1000 <= overloadMilliamperes(profile) &&
    watts * 1000 <= largestPowerMilliwatts(profile)
  );
}

/** What the part can say of its phase. A register at its end is no measurement, and is left out. */
export function phaseReading(packet: Packet, profile: Bl0942Profile): PhaseReading {
  const isIdle = (packet.STATUS & STATUS.CREEP_F) !== 0;
  const voltage = Math.round((packet.V_RMS * 1000) / profile.voltageCountsPerVolt);
  const current = isIdle ? 0 : Math.round((packet.I_RMS * 1000) / profile.currentCountsPerAmpere);
  const power = isIdle ? 0 : Math.round((packet.WATT * 1000) / profile.powerCountsPerWatt);
  const hasCurrent = packet.I_RMS < UNSIGNED_24_MAX;
  const hasPower = packet.WATT < SIGNED_24_MAX && packet.WATT > -SIGNED_24_MAX;
  return {
    voltageMillivolts: measured(voltage),
    ...(hasCurrent && {
      currentMilliamperes: measured(current),
      apparentPowerMillivoltamperes: { value: Math.round((voltage * current) / 1000), quality: "derived" },
    }),
    ...(hasPower && { activePowerMilliwatts: measured(power) }),
  };
}

/** Undefined while the part sees no mains to take it from. */
export function frequencyMillihertz(packet: Packet): Measurement | undefined {
  if (packet.FREQ === 0) return undefined;
  return measured(Math.round((FREQ_CLOCK_HERTZ * 1000) / packet.FREQ));
}

function measured(value: number): Measurement {
  return { value, quality: "measured" };
}
