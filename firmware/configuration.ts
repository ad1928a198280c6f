// How a meter is set, and what its plate says.
import type { CryptoEngine } from "../hal/ports/crypto.ts";
import { TimeZone } from "./calendar/time-zone.ts";
import { encodeCbor } from "./protocol/cbor.ts";
import type { PaddingTenths } from "./protocol/readings/interval-block.ts";
import type { Obis } from "./protocol/readings/obis.ts";
import { DEFAULT_REGISTERS } from "./protocol/readings/register-table.ts";

/** What meters of one tariff group measure and bill alike. */
export interface MeterBilling {
  /** The meter's place as a POSIX TZ string, such as CET-1CEST,M3.5.0,M10.5.0/3; empty where it keeps to UTC. */
  readonly zone: string;
  /** Of the load profiles: each 300, 900, 1800 or 3600, and no two alike. */
  readonly profilePeriodsSeconds: readonly number[];
  /** Energy registers that each profile has, 1 to 5. */
  readonly profileChannels: readonly Obis[];
  /** What power of a maximum is the mean of, and how often within it such a period ends (1 to 15). */
  readonly demand: { readonly periodSeconds: number; readonly subPeriods: number };
  /** True where energy may flow out: it is reported as fraud elsewhere. */
  readonly hasGeneration: boolean;
  /**
   * Tenths of a byte that a profile's answer has room for in each interval, by the kind of house: 14 holds a plain one's
   * days, 21 is for more that comes and goes (heat pump, generation), 41 holds whatever there can be (a car). Never by
   * what was used.
   */
  readonly profilePaddingTenths: PaddingTenths;
}

/** How this meter is set and what its plate says. */
export interface MeterConfiguration extends MeterBilling {
  readonly serialNumber: string;
  readonly type: string;
  /** Block of flats or line of houses that the meter is read with; empty for none. */
  readonly block: string;
  readonly chargingPolicyId: string;
  readonly firmwareVersion: string;
  /** 8 to 32 leading bytes of the SHA-256 over the firmware. */
  readonly firmwareDigest: Uint8Array;
  /** No clock that shows an earlier time is believed; 0 where time is played. */
  readonly firmwareBuiltUtcMs: number;
  readonly accuracyClass: string;
  readonly impulsesPerKilowattHour: number;
  /** True where time or load is played, not lived: every answer says so. */
  readonly simulated: boolean;
}

/** A household's meter until somebody sets it otherwise. */
export const HOUSEHOLD_BILLING: MeterBilling = {
  zone: "",
  profilePeriodsSeconds: [900],
  profileChannels: ["1-0:1.8.0*255", "1-0:2.8.0*255"],
  demand: { periodSeconds: 900, subPeriods: 1 },
  hasGeneration: false,
  profilePaddingTenths: 14,
};

const DIGEST_BYTES = 8;

/** Over what meters of one group must have in common: how they measure, bill and answer. */
export function configurationDigest(crypto: CryptoEngine, configuration: MeterConfiguration): Uint8Array {
  const { type, accuracyClass, impulsesPerKilowattHour, firmwareVersion } = configuration;
  const { zone, profilePeriodsSeconds, profileChannels, demand, hasGeneration } = configuration;
  const { profilePaddingTenths } = configuration;
  const common = [
    ...[type, accuracyClass, impulsesPerKilowattHour, firmwareVersion],
    ...[zone, profilePeriodsSeconds, profileChannels, demand.periodSeconds, demand.subPeriods, hasGeneration],
    profilePaddingTenths,
    [...DEFAULT_REGISTERS],
  ];
  return crypto.sha256(encodeCbor(common)).slice(0, DIGEST_BYTES);
}

/** The zone of a configuration; a text that is none is a bug of the composition and throws. */
export function zoneOf({ zone }: MeterBilling): TimeZone {
  if (zone === "") return TimeZone.utc;
  const parsed = TimeZone.parse(zone);
  if ("error" in parsed) throw new Error(parsed.error);
  return parsed;
}
