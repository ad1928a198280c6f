// The one place where energy is booked, and all that follows from it.
import { INTERVAL_FLAG } from "../protocol/readings/interval.ts";
import type { Obis } from "../protocol/readings/obis.ts";
import { maximumSeconds, type Published, publishedDemand } from "./demand-registers.ts";
import { EnergyRegisters, type EnergyRegistersState } from "./energy-registers.ts";
import type { ClockChange, MeterTime, Registers } from "./interval-cutter.ts";
import {
  IntervalProfile,
  type IntervalProfileOptions,
  type IntervalProfileState,
  type IntervalRecord,
} from "./interval-profile.ts";
import { kept } from "./kept.ts";
import {
  demandChannels,
  MaximumDemand,
  type MaximumDemandOptions,
  type MaximumDemandState,
} from "./maximum-demand.ts";
import { type MonthEndRecord, MonthEnds } from "./month-ends.ts";
import { pulsesOf } from "./pulses.ts";
import { type EnergyAddress, type EnergyDelta, energyAddress, pastEnergyAddress } from "./quantities.ts";

export interface EnergyEngineOptions {
  readonly profiles: readonly Pick<IntervalProfileOptions, "periodSeconds" | "capacity" | "channels">[];
  readonly tariff?: Tariff | undefined;
  readonly demand?: MaximumDemandOptions | undefined;
  /** Marks intervals that start in summer time. */
  readonly isDaylightSaving?: (utcSeconds: number) => boolean;
  /** Told of each interval as it closes, at a start from within the constructor: to be stored no later than the next state. */
  readonly onRow?: (profile: number, row: IntervalRecord) => void;
  /** Told of the registers as each billing period of `demand` ends, like a row. */
  readonly onMonthEnd?: ((record: MonthEndRecord) => void) | undefined;
  /** COSEM's clock status, to be kept with those. */
  readonly clockStatus?: () => number;
}

/** How energy is spread over rates 1 to `rates`, 8 at the most. */
export interface Tariff {
  readonly rates: number;
  /** The rate in force; also while the time is not known. */
  readonly rateAt: (utcSeconds: number | undefined) => number;
}

/**
 * A checkpoint, all but the rows of the profiles; each of its parts encodes as CBOR. A part in which nothing has
 * changed is the same object as in the checkpoint before.
 */
export interface EnergyEngineState {
  /** Changes with each reading. */
  readonly energy: EnergyState;
  /** These change as an interval closes or the clock is set. */
  readonly profiles: readonly IntervalProfileState[];
  readonly demand: MaximumDemandState | null;
}

/** Start of the meter, when the last reading was in UTC (as far as that was ever known) and since that start, registers. */
export type EnergyState = readonly [
  boot: number,
  lastUtcMs: number | null,
  lastBootMs: number,
  registers: EnergyRegistersState,
];

/** The newest checkpoint and, by profile, the rows that were told, in their order. */
export interface SavedEngine {
  readonly state: EnergyEngineState;
  readonly rows: readonly (readonly IntervalRecord[])[];
  /** Ends of billing periods that were told, in their order. */
  readonly monthEnds?: readonly MonthEndRecord[];
}

/** What cuts registers into intervals of its own, and which it cuts. */
interface Follower<Cut> {
  readonly cut: Cut;
  readonly addresses: readonly EnergyAddress[];
}

/**
 * Energy comes in once, by {@link EnergyEngine.book}, and flows to totals, phases, rates and open
 * intervals. Intervals keep what the registers stood at, and nothing adds energy up a second time.
 */
export class EnergyEngine {
  readonly #registers: EnergyRegisters;
  readonly #tariff: Tariff | undefined;
  readonly #profiles: readonly Follower<IntervalProfile>[];
  readonly #demand: Follower<MaximumDemand> | undefined;
  readonly #monthEnds: MonthEnds;
  readonly #boot: number;
  /** In force since the reading before: what is booked next was used under it. */
  #rate: number | undefined;
  #lastUtcSeconds: number | undefined;
  #lastBootSeconds: number;
  #savedProfiles: readonly IntervalProfileState[] | undefined;
  /** A clock that starts behind what is stored is not believed before somebody has set it. */
  #isClockDoubted: boolean;
  /** Of an end of a billing period that is found now; at a start it lay in the outage. */
  #monthEndFlags: number = INTERVAL_FLAG.powerDown;

  /** The meter starts: for the first time, or with what is left of the time before an outage. */
  constructor(options: EnergyEngineOptions, time: MeterTime, saved?: SavedEngine) {
    const [boot, , , registers] = saved?.state.energy ?? NEW;
    const seen = seenBefore(saved);
    this.#boot = boot + 1;
    this.#isClockDoubted =
      time.utcSeconds !== undefined && seen.utcSeconds !== undefined && time.utcSeconds < seen.utcSeconds;
    this.#tariff = options.tariff;
    this.#registers = new EnergyRegisters(options.tariff?.rates, registers);
    this.#monthEnds = new MonthEnds(saved?.monthEnds);
    this.#lastUtcSeconds = seen.utcSeconds;
    const believed = this.#believed(time);
    this.#profiles = options.profiles.map((profile, i) =>
      this.#newProfile(options, profile, i, believed, saved),
    );
    this.#demand = options.demand && this.#newDemand(options, options.demand, believed, saved);
    this.#monthEndFlags = 0;
    this.#lastUtcSeconds = believed.utcSeconds ?? seen.utcSeconds;
    this.#lastBootSeconds = believed.bootSeconds;
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
    this.#monthEndFlags = change.kind === "adjusted" ? INTERVAL_FLAG.clockAdjusted : 0;
    for (const { cut, addresses } of this.#followers()) cut.clockChanged(change, time, this.#read(addresses));
    this.#follow(this.#believed(time));
    this.#monthEndFlags = 0;
  }

  /** The latest UTC that was believed, before this start too; undefined where none ever was. */
  get lastUtcSeconds(): number | undefined {
    return this.#lastUtcSeconds;
  }

  /** What an energy register stands at, in whole mWh, mvarh or mVAh; undefined where the meter has none such. */
  energyMilli(obis: Obis): number | undefined {
    const address = energyAddress(obis);
    return address === undefined ? undefined : this.#registers.read(address);
  }

  /** Registers at the ends of billing periods. */
  get monthEnds(): Pick<MonthEnds, "at" | "placeOf"> {
    return this.#monthEnds;
  }

  /** The profile of this number, in the order of the options. */
  profile(number: number): IntervalProfile | undefined {
    return this.#profiles[number]?.cut;
  }

  /** Maxima with their times; undefined where the meter keeps none. */
  get demand(): MaximumDemand | undefined {
    return this.#demand?.cut;
  }

  /** A register in the unit that it is published in: whole Wh, varh or VAh rounded down, W, or a count. */
  published(obis: Obis): Published {
    const milli = this.energyMilli(obis) ?? this.#pastEnergyMilli(obis);
    if (milli !== undefined) return Math.floor(milli / 1000);
    const demand = this.#demand?.cut;
    return demand === undefined ? "not-in-meter" : publishedDemand(demand, this.#tariff?.rates ?? 0, obis);
  }

  /** When the period ended that a register's maximum is of; undefined for any other register. */
  maximumSeconds(obis: Obis): number | undefined {
    return this.#demand && maximumSeconds(this.#demand.cut, this.#tariff?.rates ?? 0, obis);
  }

  /** Pulses of active energy in either direction since the meter was made. */
  pulses(impulsesPerKilowattHour: number): number {
    const [imported = 0, exported = 0] = this.#read(demandChannels(0).map(channelAddress));
    return pulsesOf(imported + exported, impulsesPerKilowattHour);
  }

  state(): EnergyEngineState {
    const lastUtcMs = this.#lastUtcSeconds === undefined ? null : Math.round(1000 * this.#lastUtcSeconds);
    const lastBootMs = Math.round(1000 * this.#lastBootSeconds);
    return {
      energy: [this.#boot, lastUtcMs, lastBootMs, this.#registers.state()],
      profiles: this.#profileStates(),
      demand: this.#demand?.cut.state() ?? null,
    };
  }

  #profileStates(): readonly IntervalProfileState[] {
    const now = this.#profiles.map(({ cut }) => cut.state());
    this.#savedProfiles = kept(this.#savedProfiles, now);
    return this.#savedProfiles;
  }

  #newProfile(
    options: EnergyEngineOptions,
    profile: EnergyEngineOptions["profiles"][number],
    number: number,
    time: MeterTime,
    saved: SavedEngine | undefined,
  ): Follower<IntervalProfile> {
    const { isDaylightSaving, onRow = () => {} } = options;
    const addresses = profile.channels.map(channelAddress);
    const state = saved?.state.profiles[number];
    const left = state && { state, rows: saved?.rows[number] ?? [], seen: seenBefore(saved) };
    const all = { ...profile, isDaylightSaving, onRow: (row: IntervalRecord) => onRow(number, row) };
    return { cut: new IntervalProfile(all, this.#boot, time, this.#read(addresses), left), addresses };
  }

  #pastEnergyMilli(obis: Obis): number | undefined {
    const address = pastEnergyAddress(obis);
    return address && this.#monthEnds.read(address.place, this.#tariff?.rates ?? 0, address);
  }

  #newDemand(
    all: EnergyEngineOptions,
    demand: MaximumDemandOptions,
    time: MeterTime,
    saved: SavedEngine | undefined,
  ): Follower<MaximumDemand> {
    const state = saved?.state.demand ?? undefined;
    const left = state && { state, seen: seenBefore(saved) };
    const addresses = demandChannels(this.#tariff?.rates ?? 0).map(channelAddress);
    const onReset = (endSeconds: number, nowSeconds: number) => this.#monthEnded(all, endSeconds, nowSeconds);
    const options = { ...demand, onReset };
    return { cut: new MaximumDemand(options, this.#boot, time, this.#read(addresses), left), addresses };
  }

  /** The reading at hand is the first one at or after the end; a billing period that ends had a time before. */
  #monthEnded(
    { onMonthEnd = () => {}, clockStatus = () => 0 }: EnergyEngineOptions,
    endSeconds: number,
    nowSeconds: number,
  ): void {
    const beforeSeconds = Math.min(Math.floor(this.#lastUtcSeconds ?? 0), endSeconds - 1);
    const found = [endSeconds, beforeSeconds, Math.floor(nowSeconds)] as const;
    const record = [...found, this.#monthEndFlags, clockStatus(), this.#registers.state()] as const;
    this.#monthEnds.add(record);
    onMonthEnd(record);
  }

  #followers(): readonly Follower<IntervalProfile | MaximumDemand>[] {
    return this.#demand === undefined ? this.#profiles : [...this.#profiles, this.#demand];
  }

  #follow(time: MeterTime): void {
    for (const { cut, addresses } of this.#followers()) cut.advance(time, this.#read(addresses));
    this.#lastUtcSeconds = time.utcSeconds ?? this.#lastUtcSeconds;
    this.#lastBootSeconds = time.bootSeconds;
    this.#rate = this.#tariff?.rateAt(time.utcSeconds);
  }

  #believed(time: MeterTime): MeterTime {
    return this.#isClockDoubted ? { ...time, utcSeconds: undefined } : time;
  }

  #read(addresses: readonly EnergyAddress[]): Registers {
    return addresses.map((address) => this.#registers.read(address));
  }
}

/** Of a meter that never ran. */
const NEW: EnergyState = [0, null, 0, []];

/** The last reading of the time before; of a meter that never ran it is its beginning. */
function seenBefore(saved: SavedEngine | undefined): MeterTime {
  const [, lastUtcMs, lastBootMs] = saved?.state.energy ?? NEW;
  return { utcSeconds: lastUtcMs === null ? undefined : lastUtcMs / 1000, bootSeconds: lastBootMs / 1000 };
}

function channelAddress(obis: Obis): EnergyAddress {
  const address = energyAddress(obis);
  if (address === undefined) throw new Error(`${obis} is no energy register`);
  return address;
}
