import type { Measurement } from "../../ports/metering-ic.ts";
import { type Frame, powerMilliwatts } from "./decode.ts";
import type { Cse7766Profile } from "./registers.ts";

/**
 * `unknown`: no cycle has ended yet. `begun`: one has, at this count of pulses, and it was incomplete
 * or too long to be counted: the part had just been started, or was idle. `measured`: the power of the
 * last whole cycle, or less since the present one outlasts it.
 */
type State =
  | { readonly kind: "unknown" }
  | { readonly kind: "begun"; readonly pulses: number }
  | { readonly kind: "measured"; readonly milliwatts: number };

/**
 * Active power from the cycles of frame after frame. Once the present cycle outlasts the last whole
 * one, the part shows how long it takes already, which bounds power from above: a load that was
 * switched off is seen to fade at once, where the last value alone would stand for the 17 s until the
 * part itself says "no load" (arendst/Tasmota#759, esphome/esphome#13734).
 */
export class PowerTracker {
  readonly #profile: Cse7766Profile;
  #state: State = { kind: "unknown" };

  constructor(profile: Cse7766Profile) {
    this.#profile = profile;
  }

  /** The part was started anew: its first cycle is incomplete. */
  restart(): void {
    this.#state = { kind: "unknown" };
  }

  /** Active power as of this frame; undefined while it is not known. */
  accept(frame: Frame): Measurement | undefined {
    const { powerCycle } = frame;
    if (powerCycle.kind === "none") {
      this.#state = { kind: "unknown" };
      return { value: 0, quality: "measured" };
    }
    const milliwatts = powerMilliwatts(frame, powerCycle.microseconds, this.#profile);
    return powerCycle.kind === "whole" ? this.#ended(milliwatts, frame.pulses) : this.#running(milliwatts);
  }

  /** The part shows a cycle again until the next one ends or outlasts it; each end is one pulse. */
  #ended(milliwatts: number, pulses: number): Measurement | undefined {
    const state = this.#state;
    if (state.kind === "measured" || (state.kind === "begun" && state.pulses !== pulses)) {
      this.#state = { kind: "measured", milliwatts };
      return this.#known(milliwatts, "measured");
    }
    this.#state = { kind: "begun", pulses };
    return this.#atMost(milliwatts);
  }

  /** The bound only tightens: after 17 s the part's count begins again at 0. */
  #running(bound: number): Measurement | undefined {
    const state = this.#state;
    if (state.kind !== "measured") return this.#atMost(bound);
    if (state.milliwatts <= bound) return this.#known(state.milliwatts, "measured");
    this.#state = { kind: "measured", milliwatts: bound };
    return this.#known(bound, "derived");
  }

  /** A bound alone says no more than that there is nothing. */
  #atMost(bound: number): Measurement | undefined {
    return bound < this.#profile.leastPowerMilliwatts ? { value: 0, quality: "derived" } : undefined;
  }

  #known(milliwatts: number, quality: Measurement["quality"]): Measurement {
    const value = milliwatts < this.#profile.leastPowerMilliwatts ? 0 : Math.round(milliwatts);
    return { value, quality };
  }
}
