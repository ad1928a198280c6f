// The registers that are billed on: energy since the meter was made.

/**
 * Active energy imported and exported, in whole milliwatt-hours. Safe integers hold 9 TWh, which is
 * some hundred thousand years of the largest installation, so registers never wrap and never go back.
 */
export class EnergyRegisters {
  #importMilliwattHours = 0;
  #exportMilliwattHours = 0;

  get importMilliwattHours(): number {
    return this.#importMilliwattHours;
  }

  get exportMilliwattHours(): number {
    return this.#exportMilliwattHours;
  }

  /** Adds energy since the reading before. An amount that is negative or no integer is a bug and throws. */
  book(importMilliwattHours: number, exportMilliwattHours: number): void {
    const imported = sum(this.#importMilliwattHours, importMilliwattHours);
    const exported = sum(this.#exportMilliwattHours, exportMilliwattHours);
    this.#importMilliwattHours = imported;
    this.#exportMilliwattHours = exported;
  }
}

function sum(register: number, milliwattHours: number): number {
  const total = register + milliwattHours;
  if (!Number.isSafeInteger(milliwattHours) || milliwattHours < 0 || !Number.isSafeInteger(total)) {
    throw new Error(`${milliwattHours} mWh cannot be booked on ${register} mWh`);
  }
  return total;
}
