// What the energy registers stood at when each billing period ended: value group F of their OBIS codes, 101 and on.
import { EnergyRegisters, type EnergyRegistersState } from "./energy-registers.ts";
import type { EnergyAddress } from "./quantities.ts";

/** Registers as they were at the end of a billing period, and how well that is known. */
export interface MonthEnd {
  /** When it ended, by the calendar. */
  readonly endSeconds: number;
  /** UTC of the last reading before that, and of the first one at or after it, of which the registers are. */
  readonly beforeSeconds: number;
  readonly afterSeconds: number;
  /** Bits of `INTERVAL_FLAG`: an outage lay over the end, or the clock was set over it. */
  readonly flags: number;
  /** COSEM's clock status at that first reading. */
  readonly clockStatus: number;
  readonly registers: EnergyRegistersState;
}

/** As storage keeps it; each is told once, when the period ends. */
export type MonthEndRecord = readonly [
  endSeconds: number,
  beforeSeconds: number,
  afterSeconds: number,
  flags: number,
  clockStatus: number,
  registers: EnergyRegistersState,
];

/** A billing year, and the month that a complaint about it takes. */
export const MONTH_ENDS_MAX = 13;

/** The newest first. */
export class MonthEnds {
  #all: readonly MonthEnd[];

  /** With what storage has, in the order that it was told. */
  constructor(records: readonly MonthEndRecord[] = []) {
    this.#all = records.slice(-MONTH_ENDS_MAX).reverse().map(monthEndOf);
  }

  add(record: MonthEndRecord): void {
    this.#all = [monthEndOf(record), ...this.#all].slice(0, MONTH_ENDS_MAX);
  }

  /** What a register stood at when the period ended that is `place` periods back, in mWh, mvarh or mVAh. */
  read(place: number, rates: number, address: EnergyAddress): number | undefined {
    const monthEnd = this.#all[place];
    return monthEnd && new EnergyRegisters(rates, monthEnd.registers).read(address);
  }

  at(place: number): MonthEnd | undefined {
    return this.#all[place];
  }

  /** The place of what holds for this end of a month: an outage over several ends makes one entry. */
  placeOf(endSeconds: number): number | undefined {
    const place = this.#all.findIndex(
      ({ beforeSeconds, afterSeconds }) => beforeSeconds < endSeconds && endSeconds <= afterSeconds,
    );
    return place === -1 ? undefined : place;
  }
}

function monthEndOf(record: MonthEndRecord): MonthEnd {
  const [endSeconds, beforeSeconds, afterSeconds, flags, clockStatus, registers] = record;
  return { endSeconds, beforeSeconds, afterSeconds, flags, clockStatus, registers };
}
