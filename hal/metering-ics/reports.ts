import type {
  MeteringFault,
  MeteringIcCounters,
  MeteringIcListener,
  MeteringReading,
} from "../ports/metering-ic.ts";

/** What every driver keeps of its listener: the one that there is, and how often it was told what. */
export class MeteringReports {
  #readings = 0;
  readonly #faults: Record<MeteringFault, number> = {
    silent: 0,
    "bad-frame": 0,
    "counter-reset": 0,
    implausible: 0,
    "part-fault": 0,
    "energy-gap": 0,
  };
  #listener: MeteringIcListener | undefined;

  get counters(): MeteringIcCounters {
    return { readings: this.#readings, faults: { ...this.#faults } };
  }

  /** Installs the one listener; a second one throws. */
  listen(listener: MeteringIcListener): void {
    if (this.#listener !== undefined) throw new Error("the driver has a listener already");
    this.#listener = listener;
  }

  reading(reading: MeteringReading): void {
    this.#readings++;
    this.#listener?.reading(reading);
  }

  fault(fault: MeteringFault): void {
    this.#faults[fault]++;
    this.#listener?.fault(fault);
  }
}
