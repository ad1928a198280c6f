// What a house's meter measures with here: a part that knows the load, since thousands of days are to be metered.
import type { Clock } from "../../hal/ports/clock.ts";
import type { MeteringIc, MeteringIcListener, MeteringReading } from "../../hal/ports/metering-ic.ts";
import { type Load, loadWattHours } from "../../host-tools/loads/index.ts";

const VOLTS = 230;
/** A part takes some time to answer. */
const ANSWER_MS = 1;

/** Energy by the load's own integral; its first energy is all that the house has used before, and so its register. */
export class HouseMetering implements MeteringIc {
  readonly part = "test";
  /** As long as an interval of the profile, each of which is right so. */
  readonly maxPollIntervalMs = 900_000;
  readonly largestPowerMilliwatts = 100_000_000;
  readonly #clock: Clock;
  readonly #load: Load;
  #beforeMilliwattHours: number;
  #lastUtcMs: number | undefined;
  /** Fractions are carried. */
  #owed = { import: 0, export: 0 };
  #readings = 0;
  #listener: MeteringIcListener | undefined;

  constructor(clock: Clock, load: Load, beforeWattHours: number) {
    this.#clock = clock;
    this.#load = load;
    this.#beforeMilliwattHours = beforeWattHours * 1000;
  }

  get counters(): MeteringIc["counters"] {
    const faults = {
      silent: 0,
      "bad-frame": 0,
      "counter-reset": 0,
      implausible: 0,
      "part-fault": 0,
      "energy-gap": 0,
    };
    return { readings: this.#readings, faults };
  }

  listen(listener: MeteringIcListener): void {
    this.#listener = listener;
  }

  poll(): "started" {
    this.#clock.after(ANSWER_MS, () => {
      this.#readings++;
      this.#listener?.reading(this.#reading());
    });
    return "started";
  }

  #reading(): MeteringReading {
    const utcMs = this.#clock.utcMs() ?? 0;
    const sinceMs = this.#lastUtcMs;
    const milliwattHours = sinceMs === undefined ? 0 : 1000 * loadWattHours(this.#load, sinceMs, utcMs);
    const before = sinceMs === undefined ? 0 : this.#beforeMilliwattHours;
    if (sinceMs !== undefined) this.#beforeMilliwattHours = 0;
    this.#lastUtcMs = utcMs;
    const watts = this.#load.wattsAt(utcMs);
    const measured = (value: number) => ({ value: Math.round(value), quality: "measured" as const });
    return {
      atMs: this.#clock.monotonicMs(),
      importMilliwattHours: before + this.#whole("import", Math.max(0, milliwattHours)),
      exportMilliwattHours: this.#whole("export", Math.max(0, -milliwattHours)),
      energyQuality: "measured",
      frequencyMillihertz: measured(50_000),
      phases: [
        {
          voltageMillivolts: measured(VOLTS * 1000),
          currentMilliamperes: measured((1000 * Math.abs(watts)) / VOLTS),
          activePowerMilliwatts: measured(1000 * watts),
        },
      ],
    };
  }

  #whole(direction: "import" | "export", milliwattHours: number): number {
    const whole = Math.floor(this.#owed[direction] + milliwattHours);
    this.#owed[direction] += milliwattHours - whole;
    return whole;
  }
}
