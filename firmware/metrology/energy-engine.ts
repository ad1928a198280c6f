// The one place where energy is booked, and all that follows from it.
import type { Obis } from "../protocol/readings/obis.ts";
import { EnergyRegisters, type EnergyRegistersState } from "./energy-registers.ts";
import type { ClockChange, MeterTime, Registers } from "./interval-cutter.ts";
import {
  IntervalProfile,
  type IntervalProfileOptions,
  type IntervalProfileState,
  type IntervalRecord,
} from "./interval-profile.ts";
import { type EnergyAddress, type EnergyDelta, energyAddress } from "./quantities.ts";

export interface EnergyEngineOptions {
  readonly profiles: readonly Pick<IntervalProfileOptions, "periodSeconds" | "capacity" | "channels">[];
  readonly tariff?: Tariff | undefined;
  /** Marks intervals that start in summer time. */
  readonly isDaylightSaving?: (utcSeconds: number) => boolean;
  /** Told of each interval as it closes, before {@link EnergyEngine.state} has it. */
  readonly onRow?: (profile: number, row: IntervalRecord) => void;
}

/** How energy is spread over rates 1 to `rates`, 8 at the most. */
export interface Tariff {
  readonly rates: number;
  /** The rate in force; also while the time is not known. */
  readonly rateAt: (utcSeconds: number | undefined) => number;
}

/** A checkpoint, all but the rows of the profiles; encodes as CBOR. */
export type EnergyEngineState = readonly [
  boot: number,
  lastUtcMs: number | null,
  registers: EnergyRegistersState,
  profiles: readonly IntervalProfileState[],
];

/** The newest checkpoint and, by profile, the rows that were told, in their order. */
export interface SavedEngine {
  readonly state: EnergyEngineState;
  readonly rows: readonly (readonly IntervalRecord[])[];
}

interface Profile {
  readonly profile: IntervalProfile;
  readonly addresses: readonly EnergyAddress[];
}

/**
 * Energy comes in once, by {@link EnergyEngine.book}, and flows to totals, phases, rates and open
 * intervals. Intervals keep what the registers stood at, and nothing adds energy up a second time.
 */
export class EnergyEngine {
  readonly #registers: EnergyRegisters;
  readonly #tariff: Tariff | undefined;
  readonly #profiles: readonly Profile[];
  readonly #boot: number;
  /** In force since the reading before: what is booked next was used under it. */
  #rate: number | undefined;
  /** The latest UTC that was believed. */
  #lastUtcSeconds: number | undefined;
  /** A clock that starts behind what is stored is not believed before somebody has set it. */
  #isClockDoubted: boolean;

  /** The meter starts: for the first time, or with what is left of the time before an outage. */
  constructor(options: EnergyEngineOptions, time: MeterTime, saved?: SavedEngine) {
    const [boot, lastUtcMs, registers] = saved?.state ?? [0, null, []];
    this.#boot = boot + 1;
    this.#lastUtcSeconds = lastUtcMs === null ? undefined : lastUtcMs / 1000;
    this.#isClockDoubted =
      time.utcSeconds !== undefined &&
      this.#lastUtcSeconds !== undefined &&
      time.utcSeconds < this.#lastUtcSeconds;
    this.#tariff = options.tariff;
    this.#registers = new EnergyRegisters(options.tariff?.rates, registers);
    const believed = this.#believed(time);
    this.#profiles = options.profiles.map((profile, i) =>
      this.#profile(options, profile, i, believed, saved),
    );
    this.#rate = this.#tariff?.rateAt(believed.utcSeconds);
  }

  /** Books what one poll of the metering part found, up to `time`. */
  book(delta: EnergyDelta, time: MeterTime): void {
    this.#registers.book(delta, this.#rate);
    this.#follow(this.#believed(time));
  }

  /** The clock was set by its owner and shows `time` now. */
  clockChanged(change: ClockChange, time: MeterTime): void {
    this.#isClockDoubted = false;
    for (const { profile, addresses } of this.#profiles) {
      profile.clockChanged(change, time, this.#read(addresses));
    }
    this.#follow(this.#believed(time));
  }

  /** What an energy register stands at, in whole mWh, mvarh or mVAh; undefined where the meter has none such. */
  energyMilli(obis: Obis): number | undefined {
    const address = energyAddress(obis);
    return address === undefined ? undefined : this.#registers.read(address);
  }

  /** The profile of this number, in the order of the options. */
  profile(number: number): IntervalProfile | undefined {
    return this.#profiles[number]?.profile;
  }

  state(): EnergyEngineState {
    const lastUtcMs = this.#lastUtcSeconds === undefined ? null : Math.round(1000 * this.#lastUtcSeconds);
    const profiles = this.#profiles.map(({ profile }) => profile.state());
    return [this.#boot, lastUtcMs, this.#registers.state(), profiles];
  }

  #profile(
    options: EnergyEngineOptions,
    profile: EnergyEngineOptions["profiles"][number],
    number: number,
    time: MeterTime,
    saved: SavedEngine | undefined,
  ): Profile {
    const { isDaylightSaving, onRow = () => {} } = options;
    const addresses = profile.channels.map(channelAddress);
    const state = saved?.state[3][number];
    const left = state === undefined ? undefined : { state, rows: saved?.rows[number] ?? [] };
    const all = { ...profile, isDaylightSaving, onRow: (row: IntervalRecord) => onRow(number, row) };
    return { profile: new IntervalProfile(all, this.#boot, time, this.#read(addresses), left), addresses };
  }

  #follow(time: MeterTime): void {
    for (const { profile, addresses } of this.#profiles) profile.advance(time, this.#read(addresses));
    this.#lastUtcSeconds = time.utcSeconds ?? this.#lastUtcSeconds;
    this.#rate = this.#tariff?.rateAt(time.utcSeconds);
  }

  #believed(time: MeterTime): MeterTime {
    return this.#isClockDoubted ? { ...time, utcSeconds: undefined } : time;
  }

  #read(addresses: readonly EnergyAddress[]): Registers {
    return addresses.map((address) => this.#registers.read(address));
  }
}

function channelAddress(obis: Obis): EnergyAddress {
  const address = energyAddress(obis);
  if (address === undefined) throw new Error(`${obis} is no energy register`);
  return address;
}
