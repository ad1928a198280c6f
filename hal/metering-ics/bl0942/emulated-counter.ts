import { activePowerWatts, type Mains, steadyPieces } from "../../emulated/mains.ts";
import { type Bl0942Profile, CF_CNT_BITS, MODE, WATT_COUNTS_PER_CREEP } from "./registers.ts";

/** How often the part looks at a continuously varying mains: its faster RMS update. */
const SAMPLE_MS = 400;
const SPAN = 2 ** CF_CNT_BITS;
/** Watts for a millisecond in a kilowatt-hour. */
const WATT_MILLISECONDS_PER_KILOWATT_HOUR = 3.6e9;

/** CF_CNT of the emulated part: the integral of the mains' power, fractions of a count kept. */
export class EmulatedCounter {
  readonly #mains: Mains;
  readonly #profile: Bl0942Profile;
  #countedUntilMs: number;
  #count = 0;
  #fraction = 0;
  #isReverse = false;

  constructor(mains: Mains, profile: Bl0942Profile, nowMs: number) {
    this.#mains = mains;
    this.#profile = profile;
    this.#countedUntilMs = nowMs;
  }

  /** CF_CNT as of the last {@link advanceTo}. */
  get count(): number {
    return this.#count;
  }

  /** The last count was of reverse energy. */
  get isReverse(): boolean {
    return this.#isReverse;
  }

  /** Sets the counter, 0 to 2^24 - 1, without a fraction. */
  preset(count: number): void {
    this.#count = count;
    this.#fraction = 0;
  }

  /** Counts what the mains brought since the last call; both registers must have held all that time. */
  advanceTo(nowMs: number, mode: number, waCreep: number): void {
    const fromMs = this.#countedUntilMs;
    this.#countedUntilMs = nowMs;
    if ((mode & MODE.CF_EN) === 0) return;
    for (const { lengthMs, sampleMs } of steadyPieces(this.#mains, fromMs, nowMs, SAMPLE_MS)) {
      const watts = activePowerWatts(this.#mains.at(sampleMs));
      if (!isBelowCreep(watts, waCreep, this.#profile)) this.#add(watts, lengthMs, mode);
    }
  }

  #add(watts: number, lengthMs: number, mode: number): void {
    const kilowattHours = (watts * lengthMs) / WATT_MILLISECONDS_PER_KILOWATT_HOUR;
    const counts = kilowattHours * this.#profile.energyCountsPerKilowattHour;
    const isSelected = (mode & MODE.CF_CNT_ADD_SEL) !== 0;
    const isAbsolute = (this.#profile.counterAdds === "absolute") === isSelected;
    const total = this.#fraction + (isAbsolute ? Math.abs(counts) : counts);
    const whole = Math.floor(total);
    this.#fraction = total - whole;
    this.#count = (((this.#count + whole) % SPAN) + SPAN) % SPAN;
    if (whole !== 0) this.#isReverse = watts < 0;
  }
}

/** True where power is so small that the part takes it for none. */
export function isBelowCreep(watts: number, waCreep: number, profile: Bl0942Profile): boolean {
  return Math.abs(watts) * profile.powerCountsPerWatt < waCreep * WATT_COUNTS_PER_CREEP;
}
