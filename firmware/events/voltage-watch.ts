// Sags, swells and lost phases, from the voltages that the metering part gives.
import type { PhaseReading } from "../../hal/ports/metering-ic.ts";
import type { EventName } from "./event-table.ts";

/** What a detector found; the caller logs it. */
export interface Finding {
  readonly name: EventName;
  readonly details: readonly number[];
}

/** Per cent of the nominal voltage, but for the times. */
export interface VoltageLimits {
  readonly nominalMillivolts: number;
  readonly sagPercent: number;
  readonly swellPercent: number;
  readonly missingPercent: number;
  /** A state is left only beyond its limit by this much. */
  readonly hysteresisPercent: number;
  /** How long a voltage must have been beyond a limit. */
  readonly minimumMs: number;
}

/**
 * 90 % and 110 % with 2 % of hysteresis are what IEC 61000-4-30 (5.4) and EN 50160 begin a dip and a swell at, and
 * under 5 % it is an interruption. Their half-cycle values need a part that makes them: what a poll gives is an average
 * over hundreds of milliseconds, so a state is believed when it has lasted for two polls a second apart.
 */
const VOLTAGE_LIMITS: VoltageLimits = {
  nominalMillivolts: 230_000,
  sagPercent: 90,
  swellPercent: 110,
  missingPercent: 5,
  hysteresisPercent: 2,
  minimumMs: 1000,
};

type Zone = "missing" | "low" | "normal" | "high";

interface PhaseState {
  readonly zone: Zone;
  readonly sinceMs: number;
  /** The voltage furthest from the nominal one in this zone. */
  worstMillivolts: number;
  /** Another zone that the voltage is in, not yet for long enough. */
  candidate: PhaseState | undefined;
}

const NAMES = ["l1", "l2", "l3"] as const;

/** One state machine a phase: missing, low, normal, high, each left for any other. */
export class VoltageWatch {
  readonly #limits: VoltageLimits;
  readonly #phases: (PhaseState | undefined)[] = [];

  constructor(limits: Partial<VoltageLimits> = {}) {
    this.#limits = { ...VOLTAGE_LIMITS, ...limits };
  }

  /** Takes a reading's phases, the first three. A phase without a voltage is not judged and keeps its state. */
  take(atMs: number, phases: readonly PhaseReading[]): Finding[] {
    return NAMES.flatMap((name, i) => {
      const millivolts = phases[i]?.voltageMillivolts?.value;
      const found = millivolts === undefined ? undefined : this.#look(i, atMs, millivolts);
      return found === undefined ? [] : [finding(name, found.to, found.left, atMs, millivolts as number)];
    });
  }

  /** The move that this voltage makes, if it makes one. */
  #look(phase: number, atMs: number, millivolts: number): { to: Zone; left: PhaseState } | undefined {
    const state = this.#phases[phase] ?? begun("normal", atMs, millivolts);
    this.#phases[phase] = state;
    const zone = this.#zoneOf(millivolts, state.zone);
    if (zone === state.zone) {
      state.candidate = undefined;
      state.worstMillivolts = this.#worse(state.worstMillivolts, millivolts);
      return undefined;
    }
    if (state.candidate?.zone !== zone) state.candidate = begun(zone, atMs, millivolts);
    state.candidate.worstMillivolts = this.#worse(state.candidate.worstMillivolts, millivolts);
    if (atMs - state.candidate.sinceMs < this.#limits.minimumMs) return undefined;
    this.#phases[phase] = state.candidate;
    return { to: zone, left: state };
  }

  /** The limits of the zone that the phase is in are moved outwards by the hysteresis. */
  #zoneOf(millivolts: number, zone: Zone): Zone {
    const { nominalMillivolts, missingPercent, sagPercent, swellPercent, hysteresisPercent } = this.#limits;
    const percent = (100 * millivolts) / nominalMillivolts;
    if (percent < missingPercent + (zone === "missing" ? hysteresisPercent : 0)) return "missing";
    const isBelow = zone === "missing" || zone === "low";
    if (percent < sagPercent + (isBelow ? hysteresisPercent : 0)) return "low";
    return percent > swellPercent - (zone === "high" ? hysteresisPercent : 0) ? "high" : "normal";
  }

  #worse(a: number, b: number): number {
    const { nominalMillivolts } = this.#limits;
    return Math.abs(b - nominalMillivolts) > Math.abs(a - nominalMillivolts) ? b : a;
  }
}

function begun(zone: Zone, sinceMs: number, millivolts: number): PhaseState {
  return { zone, sinceMs, worstMillivolts: millivolts, candidate: undefined };
}

function finding(
  phase: (typeof NAMES)[number],
  to: Zone,
  left: PhaseState,
  atMs: number,
  millivolts: number,
): Finding {
  switch (to) {
    case "missing":
      return { name: `voltage-missing-${phase}`, details: [millivolts] };
    case "low":
      return { name: `undervoltage-${phase}`, details: [millivolts] };
    case "high":
      return { name: `overvoltage-${phase}`, details: [millivolts] };
    case "normal":
      return {
        name: `voltage-normal-${phase}`,
        details: [left.worstMillivolts, Math.round((atMs - left.sinceMs) / 1000)],
      };
  }
}
