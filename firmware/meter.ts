// The meter: what it has measured, by which tariff, and what its registers stand at.

import type { MeteringReading, PhaseReading } from "../hal/ports/metering-ic.ts";
import type { LocalTime, TimeZone } from "./calendar/time-zone.ts";
import type { WallClock } from "./clock/wall-clock.ts";
import { type MeterConfiguration, zoneOf } from "./configuration.ts";
import type { EventLog } from "./events/event-log.ts";
import type { EventName } from "./events/event-table.ts";
import { EnergyEngine, type EnergyEngineState, type SavedEngine } from "./metrology/energy-engine.ts";
import type { MeterTime } from "./metrology/interval-cutter.ts";
import type { IntervalProfile, IntervalRecord } from "./metrology/interval-profile.ts";
import type { MonthEnd, MonthEndRecord } from "./metrology/month-ends.ts";
import { type Month, monthEndSeconds, nextMonthSeconds } from "./metrology/monthly-reset.ts";
import { energyOf, PREVIOUS_PERIOD } from "./metrology/quantities.ts";
import { activateDue, Tariff } from "./metrology/tariff.ts";
import { equal } from "./protocol/bytes.ts";
import type { Obis } from "./protocol/readings/obis.ts";
import { PROFILE_PERIOD_SECONDS } from "./protocol/readings/profile-reading.ts";
import type { RegisterEntry } from "./protocol/readings/register-reading.ts";
import {
  EMPTY_TARIFF_TABLE,
  RATE_OF_EMPTY_TABLE,
  RATES_MAX,
  type TariffPlan,
} from "./protocol/readings/tariff.ts";
import { encodeTariffPlan } from "./protocol/readings/tariff-table.ts";

/** What a meter stands on: its clock, its log, and who must hear what it has to keep. */
export interface MeterParts {
  readonly configuration: MeterConfiguration;
  readonly clock: Pick<WallClock, "utcMs" | "status">;
  readonly log: Pick<EventLog, "record">;
  readonly monotonicMs: () => number;
  /** How old a reading of the part may be before its instant values are no longer given. */
  readonly staleAfterMs: () => number;
  /** Told of each interval as it closes: to be stored no later than the next state. */
  readonly onRow?: (profile: number, row: IntervalRecord) => void;
  /** Told of the registers as each month ends, in the same way. */
  readonly onMonthEnd?: (record: MonthEndRecord) => void;
  /** Told when the tariff plan is another one: to be stored. */
  readonly onTariff?: () => void;
}

/** What is left of the time before. */
export interface SavedMeter {
  readonly engine: SavedEngine;
  readonly tariff: TariffPlan | undefined;
}

/** What a meter knows of the end of a month. */
export interface MonthReading {
  /** When the month ended, by the calendar of the meter's place. */
  readonly endSeconds: number;
  readonly found: Omit<MonthEnd, "registers">;
  readonly entries: readonly RegisterEntry[];
}

/** 190 days of quarter-hours, the depth that utility meters have. */
export const PROFILE_ROWS = 18_240;
/** Maxima and their sums. */
const DEMAND = /^1-0:\d+\.[26]\./;
const IMPORT: Obis = "1-0:1.8.0*255";
const ONE_RATE: TariffPlan = { active: EMPTY_TARIFF_TABLE };

interface Taken {
  readonly reading: MeteringReading;
  readonly atMs: number;
}

/** Energy, demand and tariff of one meter; it never reaches for time or chance itself. */
export class Meter {
  readonly configuration: MeterConfiguration;
  readonly zone: TimeZone;
  readonly #parts: MeterParts;
  readonly #startedAtMs: number;
  readonly #engine: EnergyEngine;
  readonly #isNew: boolean;
  #plan: TariffPlan;
  #tariff: Tariff;
  #last: Taken | undefined;

  /** A zone, period or demand that cannot be is a bug of the composition and throws. */
  constructor(parts: MeterParts, saved?: SavedMeter) {
    this.configuration = parts.configuration;
    this.zone = zoneOf(parts.configuration);
    this.#parts = parts;
    this.#isNew = saved === undefined;
    this.#startedAtMs = parts.monotonicMs();
    this.#plan = saved?.tariff ?? ONE_RATE;
    this.#tariff = new Tariff(this.zone, this.#plan);
    this.#engine = new EnergyEngine(this.#engineOptions(), this.#time(), saved?.engine);
  }

  /** Import register in whole watt-hours, as 1-0:1.8.0*255 publishes it. */
  get importWattHours(): number {
    return Math.floor((this.#engine.energyMilli(IMPORT) ?? 0) / 1000);
  }

  /** What the LED has to have shown since the meter was made. */
  get pulses(): number {
    return this.#engine.pulses(this.configuration.impulsesPerKilowattHour);
  }

  get tariff(): TariffPlan {
    return this.#plan;
  }

  /** The rate in force, 1 to 8; what is used while the time is not known goes on rate 1. */
  get rate(): number {
    return this.#rateAt(this.utcSeconds);
  }

  /** UTC, whole seconds; undefined while the clock is invalid. */
  get utcSeconds(): number | undefined {
    const utcMs = this.#parts.clock.utcMs();
    return utcMs === undefined ? undefined : Math.floor(utcMs / 1000);
  }

  /** What the clock on its plate shows. */
  get localTime(): LocalTime | undefined {
    const { utcSeconds } = this;
    return utcSeconds === undefined ? undefined : this.zone.localTime(utcSeconds);
  }

  /** For a journal: all but the rows, which `onRow` has told. */
  state(): EnergyEngineState {
    return this.#engine.state();
  }

  /** To be told by the owner of the clock, right after it was set; what it showed before, if that was valid. */
  clockSet(fromSeconds: number | undefined): void {
    this.#engine.clockChanged({ kind: "adjusted", fromSeconds }, this.#time());
    this.#activateTariff();
  }

  /**
   * Bills by another plan from the next reading on; what is due of it has happened. One that says what holds anyway
   * changes nothing; one that is not sound throws.
   */
  setTariff(plan: TariffPlan): void {
    const due = this.#afterDue(plan);
    if (equal(encodeTariffPlan(due), encodeTariffPlan(this.#plan))) return;
    this.#useTariff(due, due.passive === undefined ? "configuration-changed" : "passive-tariff-set");
  }

  /** Books what one poll of the metering part found. */
  take(reading: MeteringReading): void {
    this.#last = { reading, atMs: this.#parts.monotonicMs() };
    this.#engine.book(energyOf(reading), this.#time());
    this.#activateTariff();
  }

  /** What a register stands at, or why it has no value. */
  register(register: Obis): RegisterEntry {
    const billed = this.#engine.published(register);
    if (billed !== "not-in-meter") return this.#billedEntry(register, billed);
    const instant = INSTANT_REGISTERS[register];
    if (instant === undefined) return { register, quality: "not-in-meter" };
    const measurement = this.#isFresh() && this.#last !== undefined ? instant(this.#last.reading) : undefined;
    return measurement === undefined ? { register, quality: "unavailable" } : { register, ...measurement };
  }

  /**
   * What registers stood at when a month ended, and the maxima of it, under the codes that they have in it; undefined of
   * a month that is not over, and of one that is not kept.
   */
  monthEnd(month: Month, registers: readonly Obis[]): MonthReading | undefined {
    const endSeconds = monthEndSeconds(this.zone, month);
    const place = this.#engine.monthEnds.placeOf(endSeconds);
    const found = place === undefined ? undefined : this.#engine.monthEnds.at(place);
    if (place === undefined || found === undefined || endSeconds > this.#latestSeconds()) return undefined;
    // Of several months that one outage covers, the maxima kept are those of the first.
    const isOther = found.endSeconds !== endSeconds;
    const entries = registers.map((register): RegisterEntry => {
      if (isOther && DEMAND.test(register)) return { register, quality: "unavailable" };
      const past = register.replace(/\*255$/, `*${PREVIOUS_PERIOD + place}`);
      const entry = past === register ? undefined : this.register(past);
      return entry === undefined ? { register, quality: "not-in-meter" } : { ...entry, register };
    });
    return { endSeconds, found, entries };
  }

  /** The load profile of this number on the wire, if the meter has it. */
  profile(number: number): IntervalProfile | undefined {
    const period = PROFILE_PERIOD_SECONDS[number];
    const place = this.configuration.profilePeriodsSeconds.indexOf(period ?? 0);
    return this.#engine.profile(place);
  }

  /** Until the part of a new meter has answered once, the register stands at what nobody has measured. */
  #billedEntry(register: Obis, value: number | "unavailable"): RegisterEntry {
    if (value === "unavailable" || (this.#isNew && this.#last === undefined))
      return { register, quality: "unavailable" };
    const atSeconds = this.#engine.maximumSeconds(register);
    return { register, quality: "measured", value, ...(atSeconds !== undefined && { atSeconds }) };
  }

  #engineOptions() {
    const { profilePeriodsSeconds, profileChannels, demand } = this.configuration;
    const { onRow, onMonthEnd, clock } = this.#parts;
    return {
      profiles: profilePeriodsSeconds.map((periodSeconds) => {
        return { periodSeconds, capacity: PROFILE_ROWS, channels: profileChannels };
      }),
      // All that a table can name: a new one needs no other registers than those that are kept.
      tariff: { rates: RATES_MAX, rateAt: (utcSeconds?: number) => this.#rateAt(utcSeconds) },
      demand: { ...demand, resetAt: (utcSeconds: number) => nextMonthSeconds(this.zone, utcSeconds) },
      isDaylightSaving: (utcSeconds: number) => this.zone.localTime(utcSeconds).isDaylight,
      ...(onRow !== undefined && { onRow }),
      onMonthEnd,
      clockStatus: () => clock.status,
    };
  }

  #rateAt(utcSeconds: number | undefined): number {
    return utcSeconds === undefined ? RATE_OF_EMPTY_TABLE : this.#tariff.rateAt(utcSeconds);
  }

  /** From its time on the passive table is the active one, also where the clock is set back behind it later. */
  #activateTariff(): void {
    const due = this.#afterDue(this.#plan);
    if (due !== this.#plan) this.#useTariff(due, "tariff-activated");
  }

  /** While the clock is invalid, what was past before is past. */
  #afterDue(plan: TariffPlan): TariffPlan {
    const utcSeconds = this.utcSeconds ?? this.#engine.lastUtcSeconds;
    return utcSeconds === undefined ? plan : activateDue(plan, utcSeconds);
  }

  #latestSeconds(): number {
    return this.utcSeconds ?? this.#engine.lastUtcSeconds ?? 0;
  }

  #useTariff(plan: TariffPlan, event: EventName): void {
    this.#tariff = new Tariff(this.zone, plan);
    this.#plan = plan;
    this.#parts.log.record(event);
    this.#parts.onTariff?.();
  }

  #isFresh(): boolean {
    return (
      this.#last !== undefined && this.#parts.monotonicMs() - this.#last.atMs <= this.#parts.staleAfterMs()
    );
  }

  #time(): MeterTime {
    const utcMs = this.#parts.clock.utcMs();
    const bootSeconds = (this.#parts.monotonicMs() - this.#startedAtMs) / 1000;
    return { utcSeconds: utcMs === undefined ? undefined : utcMs / 1000, bootSeconds };
  }
}

type Value = { readonly value: number; readonly quality: "measured" | "derived" } | undefined;

/** Instant registers by OBIS code, in their published unit and scaler. */
const INSTANT_REGISTERS: Readonly<Record<Obis, (reading: MeteringReading) => Value>> = {
  "1-0:1.7.0*255": (reading) => activePower(reading, (milliwatts) => Math.max(0, milliwatts)),
  "1-0:2.7.0*255": (reading) => activePower(reading, (milliwatts) => Math.max(0, -milliwatts)),
  "1-0:16.7.0*255": (reading) => activePower(reading, (milliwatts) => milliwatts),
  "1-0:32.7.0*255": ({ phases }) => scaled(phases[0]?.voltageMillivolts, 100),
  "1-0:31.7.0*255": ({ phases }) => phases[0]?.currentMilliamperes,
  "1-0:14.7.0*255": ({ frequencyMillihertz }) => frequencyMillihertz,
};

function activePower({ phases }: MeteringReading, part: (milliwatts: number) => number): Value {
  const power = total(phases);
  return power === undefined ? undefined : scaled({ ...power, value: part(power.value) }, 1000);
}

/** The sum over phases; undefined as soon as one is unknown: part of a sum is no sum. */
function total(phases: readonly PhaseReading[]): Value {
  let sum = 0;
  let quality: "measured" | "derived" = "measured";
  for (const { activePowerMilliwatts: power } of phases) {
    if (power === undefined) return undefined;
    sum += power.value;
    if (power.quality === "derived") quality = "derived";
  }
  return phases.length === 0 ? undefined : { value: sum, quality };
}

function scaled(measurement: Value, divisor: number): Value {
  return measurement && { ...measurement, value: Math.round(measurement.value / divisor) };
}
