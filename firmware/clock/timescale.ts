// Wall time as an offset on the monotonic clock: it can step, slew, and run at a corrected pace.

/**
 * A slew changes wall time by one second a minute: ten seconds, the most that is slewed, are over in ten
 * minutes and so within one quarter-hour, and an interval's length stays within the ten seconds that Flanders
 * allows it (metering rules, article 3.2.4, emis.vito.be). adjtime's 500 ppm would take more than five hours for the same.
 */
export const SLEW_MS_PER_MS = 1 / 60;

/** The one offset of the meter. Between steps, wall time never stands still and never goes back. */
export class Timescale {
  /** Where wall time stood, and what was left to slew, at one instant of the monotonic clock. */
  #base: { readonly monotonicMs: number; readonly utcMs: number; readonly slewMs: number };
  #correctionPpm = 0;

  constructor(monotonicMs: number, utcMs: number) {
    this.#base = { monotonicMs, utcMs, slewMs: 0 };
  }

  utcMs(monotonicMs: number): number {
    const elapsedMs = monotonicMs - this.#base.monotonicMs;
    const correctedMs = (elapsedMs * this.#correctionPpm) / 1e6;
    return this.#base.utcMs + elapsedMs + correctedMs + this.#base.slewMs - this.pendingMs(monotonicMs);
  }

  /** What a slew that is under way has still to change. */
  pendingMs(monotonicMs: number): number {
    const { slewMs } = this.#base;
    const doneMs = (monotonicMs - this.#base.monotonicMs) * SLEW_MS_PER_MS;
    return Math.sign(slewMs) * Math.max(0, Math.abs(slewMs) - doneMs);
  }

  /** How long wall time takes to go on by `wallMs`, if nothing changes its pace but the end of a slew. */
  spanMs(monotonicMs: number, wallMs: number): number {
    const pendingMs = this.pendingMs(monotonicMs);
    const pace = 1 + this.#correctionPpm / 1e6;
    const slewPace = pace + Math.sign(pendingMs) * SLEW_MS_PER_MS;
    const slewMs = Math.abs(pendingMs) / SLEW_MS_PER_MS;
    const leftMs = wallMs - slewMs * slewPace;
    return leftMs <= 0 ? wallMs / slewPace : slewMs + leftMs / pace;
  }

  /** Wall time is `utcMs` from now on; what was left to slew is dropped. */
  step(monotonicMs: number, utcMs: number): void {
    this.#base = { monotonicMs, utcMs, slewMs: 0 };
  }

  /** Wall time is to change by `byMs`, little by little, in place of what was left to slew. */
  slew(monotonicMs: number, byMs: number): void {
    this.#base = { monotonicMs, utcMs: this.utcMs(monotonicMs), slewMs: byMs };
  }

  /** From now on wall time runs faster than the monotonic clock by this much. */
  correct(monotonicMs: number, ppm: number): void {
    this.#base = { monotonicMs, utcMs: this.utcMs(monotonicMs), slewMs: this.pendingMs(monotonicMs) };
    this.#correctionPpm = ppm;
  }
}
