// The physical side of the bench: what a metering part feels at its terminals. Floats are right
// here: integers begin where a part counts.

/** One phase at one instant. */
export interface MainsState {
  /** RMS, 0 or more. */
  readonly voltageVolts: number;
  /** RMS, 0 or more; the direction of power lies in the angle alone. */
  readonly currentAmperes: number;
  /** Current behind voltage: 0 is a resistor, past a quarter turn the installation exports. */
  readonly phaseAngleRadians: number;
  /** 0 where there is no voltage to take it from. */
  readonly frequencyHertz: number;
}

/** One phase as a function of monotonic time. The same instant always gives the same state. */
export interface Mains {
  at(monotonicMs: number): MainsState;
  /**
   * Until when the state at `monotonicMs` stays as it is: Infinity for ever, and `monotonicMs`
   * itself where the state varies continuously.
   */
  steadyUntilMs(monotonicMs: number): number;
}

/** Power over monotonic time, with {@link Mains.steadyUntilMs}'s meaning of steady. */
export interface PowerOverTime {
  /** Active power in watts, negative for export. */
  wattsAt(monotonicMs: number): number;
  steadyUntilMs(monotonicMs: number): number;
}

/** What turns a power into a voltage, a current and an angle. */
export interface Supply {
  readonly voltageVolts: number;
  /** Above 0, at most 1; lagging. */
  readonly powerFactor: number;
  readonly frequencyHertz: number;
}

/** A piece of time, and the instant whose state stands for it. */
export interface SteadyPiece {
  readonly lengthMs: number;
  readonly sampleMs: number;
}

/** A European household; the power factor is a usual mix of electronics and motors. */
const HOUSEHOLD_SUPPLY: Supply = { voltageVolts: 230, powerFactor: 0.95, frequencyHertz: 50 };

/** A continuously varying state is sampled this often by the reference integral. */
const REFERENCE_STEP_MS = 100;

/** Watts, negative for export: V I cos(phi). */
export function activePowerWatts(state: MainsState): number {
  return state.voltageVolts * state.currentAmperes * Math.cos(state.phaseAngleRadians);
}

/** The same state for ever. */
export function constantMains(state: MainsState): Mains {
  return { at: () => state, steadyUntilMs: () => Number.POSITIVE_INFINITY };
}

/** The current that draws (or, below 0, feeds) the given power at a supply's voltage and power factor. */
export function mainsFromLoad(load: PowerOverTime, supply: Supply = HOUSEHOLD_SUPPLY): Mains {
  const { voltageVolts, powerFactor, frequencyHertz } = supply;
  const importAngle = Math.acos(powerFactor);
  return {
    at(monotonicMs) {
      const watts = load.wattsAt(monotonicMs);
      return {
        voltageVolts,
        currentAmperes: Math.abs(watts) / (voltageVolts * powerFactor),
        phaseAngleRadians: watts < 0 ? Math.PI - importAngle : importAngle,
        frequencyHertz,
      };
    },
    steadyUntilMs: (monotonicMs) => load.steadyUntilMs(monotonicMs),
  };
}

/** Active energy in watt-hours from one instant to a later one, negative for export; exact on steady pieces. */
export function energyWattHours(mains: Mains, fromMs: number, toMs: number): number {
  let wattMilliseconds = 0;
  for (const { lengthMs, sampleMs } of steadyPieces(mains, fromMs, toMs, REFERENCE_STEP_MS)) {
    wattMilliseconds += activePowerWatts(mains.at(sampleMs)) * lengthMs;
  }
  return wattMilliseconds / 3_600_000;
}

/**
 * Cuts a span into pieces without a change inside. Where the source varies continuously a piece
 * lasts `stepMs` at most and is sampled at its middle.
 */
export function* steadyPieces(
  source: { steadyUntilMs(ms: number): number },
  fromMs: number,
  toMs: number,
  stepMs: number,
): Generator<SteadyPiece> {
  let startMs = fromMs;
  while (startMs < toMs) {
    const steadyUntilMs = source.steadyUntilMs(startMs);
    const isSteady = steadyUntilMs > startMs;
    const endMs = Math.min(toMs, isSteady ? steadyUntilMs : startMs + stepMs);
    yield { lengthMs: endMs - startMs, sampleMs: isSteady ? startMs : (startMs + endMs) / 2 };
    startMs = endMs;
  }
}
