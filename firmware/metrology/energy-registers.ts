// The registers that are billed on: energy since the meter was made.
import { RATES_MAX } from "../protocol/readings/tariff.ts";
import { type EnergyAddress, type EnergyDelta, QUANTITIES, type Quantity } from "./quantities.ts";

/**
 * For each quantity measured so far: its place in {@link QUANTITIES}, its total, and its rates from 1 up to the last
 * that has any.
 */
export type EnergyRegistersState = readonly (readonly number[])[];

/** Cells of one quantity: its total, then its rates. */
const STRIDE = 1 + RATES_MAX;

/**
 * Energy by quantity, in total and by rate, in whole mWh, mvarh and mVAh. Safe integers hold 9 TWh,
 * which is some hundred thousand years of the largest installation, so registers never wrap and never
 * go back. A quantity that was never booked is absent, not 0; active energy every part measures.
 */
export class EnergyRegisters {
  readonly #rates: number;
  readonly #cells = new Float64Array(QUANTITIES.length * STRIDE);
  readonly #measured = new Set<Quantity>(["activeImport", "activeExport"]);

  /** `rates` of the tariff, 0 to 8: as many rate registers are there before anything is booked on them. */
  constructor(rates = 0, state: EnergyRegistersState = []) {
    if (!Number.isInteger(rates) || rates < 0 || rates > RATES_MAX) throw new Error(`${rates} rates`);
    this.#rates = rates;
    for (const [place = 0, ...cells] of state) {
      this.#measured.add(QUANTITIES[place] as Quantity);
      this.#cells.set(cells, place * STRIDE);
    }
  }

  /**
   * Adds energy since the reading before: to the totals, and to the registers of `rate` where there is
   * one. An amount that is negative or no integer is a bug and throws before anything is booked.
   */
  book(delta: EnergyDelta, rate?: number): void {
    if (rate !== undefined && !(Number.isInteger(rate) && rate >= 1 && rate <= this.#rates)) {
      throw new Error(`${rate} is no rate of ${this.#rates}`);
    }
    const quantities = QUANTITIES.filter((quantity) => delta[quantity] !== undefined);
    for (const quantity of quantities) this.#check(quantity, delta[quantity] as number);
    for (const quantity of quantities) {
      this.#measured.add(quantity);
      this.#add(quantity, 0, delta[quantity] as number);
      if (rate !== undefined) this.#add(quantity, rate, delta[quantity] as number);
    }
  }

  /** What a register stands at; undefined where the part does not measure it or the tariff has no such rate. */
  read({ quantities, rate }: EnergyAddress): number | undefined {
    let sum = 0;
    for (const quantity of quantities) {
      if (!this.#measured.has(quantity)) return undefined;
      sum += this.#cells[cellOf(quantity, rate)] as number;
    }
    return rate <= this.#rates || sum > 0 ? sum : undefined;
  }

  state(): EnergyRegistersState {
    return [...this.#measured].map((quantity) => {
      const first = cellOf(quantity, 0);
      const cells = this.#cells.subarray(first, first + STRIDE);
      return [
        QUANTITIES.indexOf(quantity),
        ...cells.subarray(0, 1 + cells.findLastIndex((cell) => cell > 0)),
      ];
    });
  }

  #check(quantity: Quantity, energy: number): void {
    const register = this.#cells[cellOf(quantity, 0)] as number;
    if (Number.isSafeInteger(energy) && energy >= 0 && Number.isSafeInteger(register + energy)) return;
    throw new Error(`${energy} mWh cannot be booked on ${register} mWh`);
  }

  #add(quantity: Quantity, rate: number, energy: number): void {
    const cell = cellOf(quantity, rate);
    this.#cells[cell] = (this.#cells[cell] as number) + energy;
  }
}

function cellOf(quantity: Quantity, rate: number): number {
  return PLACES[quantity] * STRIDE + rate;
}

const PLACES = Object.fromEntries(QUANTITIES.map((quantity, place) => [quantity, place])) as Readonly<
  Record<Quantity, number>
>;
