/** How a value came about; a value that is neither is absent, never 0 and never the last one. */
export type Quality = "measured" | "derived";

/** An integer in the unit that the field's name ends with, and how it came about. */
export interface Measurement {
  readonly value: number;
  readonly quality: Quality;
}

/** Instant values of one phase. An absent field is one that the part cannot give, or gave wrongly just now. */
export interface PhaseReading {
  readonly voltageMillivolts?: Measurement;
  readonly currentMilliamperes?: Measurement;
  /** Positive into the installation (import). */
  readonly activePowerMilliwatts?: Measurement;
  readonly apparentPowerMillivoltamperes?: Measurement;
  /** Active energy of this phase since the reading before, by the rules of {@link MeteringReading}. */
  readonly importMilliwattHours?: number;
  readonly exportMilliwattHours?: number;
}

/** What one poll of a metering part found. */
export interface MeteringReading {
  /** When the part's answer was complete, on the monotonic clock. */
  readonly atMs: number;
  /**
   * Active energy since the reading before, in whole milliwatt-hours, each 0 or more. The first
   * reading after a start only sets the baseline and gives 0. Fractions are carried, not dropped:
   * over any span the sum differs from the part's own counter by less than 1 mWh.
   */
  readonly importMilliwattHours: number;
  readonly exportMilliwattHours: number;
  readonly energyQuality: Quality;
  /** Reactive energy in quadrants I to IV since the reading before, by the same rules. */
  readonly reactiveMillivarHours?: readonly [number, number, number, number];
  readonly apparentMillivoltampereHours?: number;
  readonly frequencyMillihertz?: Measurement;
  readonly phases: readonly PhaseReading[];
}

/**
 * What kept a poll from giving a reading, or what a reading gave away: no answer in time, bytes that
 * were no frame, a counter that went back without a wrap, values that no installation has, a part that
 * says of itself that it cannot measure (not calibrated, broken inputs), and a time whose energy nobody
 * knows, since the part was away for longer than its counter bridges.
 */
export type MeteringFault =
  | "silent"
  | "bad-frame"
  | "counter-reset"
  | "implausible"
  | "part-fault"
  | "energy-gap";

export interface MeteringIcListener {
  reading(reading: MeteringReading): void;
  fault(fault: MeteringFault): void;
}

/** Frames and faults since the start; numbers only grow. */
export interface MeteringIcCounters {
  readonly readings: number;
  readonly faults: Readonly<Record<MeteringFault, number>>;
}

/**
 * One metering part, whatever its bus. The driver owns its bytes, sets the part up when it appears
 * and again after it was away, and answers each `poll` with one fault or with one reading; what the
 * reading gives away is told as faults just before it.
 *
 * A part that streams is followed whether polled or not; its reading is of the first good frame that
 * is complete after the poll, with the energy of all frames since the reading before.
 *
 * A caller may assume: energy is booked once, even over lost frames, wraps and part resets; a silent
 * part gives a fault and no values. A caller must poll at least every `maxPollIntervalMs`, which
 * follows from the width of the part's counter and the installation's largest current; it is Infinity
 * where the driver follows the counter by itself.
 */
export interface MeteringIc {
  /** The part's name, as its folder has it: `bl0942`. */
  readonly part: string;
  readonly maxPollIntervalMs: number;
  /** The most that the installation can draw or feed, short overloads included. */
  readonly largestPowerMilliwatts: number;
  readonly counters: MeteringIcCounters;
  /** Asks for a reading; `busy` while the one before is under way. */
  poll(): "started" | "busy" | "down";
  /** Installs the one listener. A second call is a bug in the caller and throws. */
  listen(listener: MeteringIcListener): void;
}
