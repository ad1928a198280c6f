import { activePowerWatts, type Mains, steadyPieces } from "../../emulated/mains.ts";
import { CF_BITS } from "./registers.ts";

/** How finely a continuously varying mains is integrated. */
const SAMPLE_MS = 100;
const SPAN = 2 ** CF_BITS;
/** Where in a count the part starts: somewhere, so that its first power cycle is incomplete. */
const FIRST_FRACTION = 0.5;

/**
 * CF and the power cycle of the emulated part: a pulse each time that the mains' energy, of either
 * direction, has grown by one count.
 */
export class EmulatedPulses {
  readonly #mains: Mains;
  readonly #wattMillisecondsPerPulse: number;
  #countedUntilMs: number;
  #fraction = FIRST_FRACTION;
  #count = 0;
  #carry: 0 | 1 = 0;
  #pulseAtMs: number;
  #wholeCycleMs: number | undefined;

  constructor(mains: Mains, wattMicrosecondsPerPulse: number, nowMs: number) {
    this.#mains = mains;
    this.#wattMillisecondsPerPulse = wattMicrosecondsPerPulse / 1000;
    this.#countedUntilMs = nowMs;
    this.#pulseAtMs = nowMs;
  }

  /** CF as of the last {@link advanceTo}. */
  get count(): number {
    return this.#count;
  }

  /** Turns over at each wrap of CF. */
  get carry(): 0 | 1 {
    return this.#carry;
  }

  /** Since when the present power cycle runs. */
  get pulseAtMs(): number {
    return this.#pulseAtMs;
  }

  /** The last power cycle that ended; undefined before the first. */
  get wholeCycleMs(): number | undefined {
    return this.#wholeCycleMs;
  }

  /** Sets CF, 0 to 65535; carry and cycle stay. */
  preset(count: number): void {
    this.#count = count;
  }

  /** As at the first start. */
  restart(nowMs: number): void {
    this.#count = 0;
    this.#carry = 0;
    this.#fraction = FIRST_FRACTION;
    this.#pulseAtMs = nowMs;
    this.#wholeCycleMs = undefined;
  }

  /** Counts what the mains brought since the last call. */
  advanceTo(nowMs: number): void {
    let fromMs = this.#countedUntilMs;
    this.#countedUntilMs = nowMs;
    for (const { lengthMs, sampleMs } of steadyPieces(this.#mains, fromMs, nowMs, SAMPLE_MS)) {
      this.#add(Math.abs(activePowerWatts(this.#mains.at(sampleMs))), fromMs, lengthMs);
      fromMs += lengthMs;
    }
  }

  #add(watts: number, fromMs: number, lengthMs: number): void {
    const cycleMs = this.#wattMillisecondsPerPulse / watts;
    const total = this.#fraction + lengthMs / cycleMs;
    const pulses = Math.floor(total);
    this.#fraction = total - pulses;
    if (pulses === 0) return;
    const pulseAtMs = fromMs + lengthMs - this.#fraction * cycleMs;
    this.#wholeCycleMs = pulses > 1 ? cycleMs : pulseAtMs - this.#pulseAtMs;
    this.#pulseAtMs = pulseAtMs;
    const count = this.#count + pulses;
    if (count >= SPAN) this.#carry = this.#carry === 0 ? 1 : 0;
    this.#count = count % SPAN;
  }
}
