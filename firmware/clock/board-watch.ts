// The board's own UTC against the monotonic clock: has somebody set it, or does it only drift?

/** What one look at the board's UTC found, against the look before. */
export type BoardChange =
  | { readonly kind: "steady" | "unknown" | "learnt" | "lost" }
  | { readonly kind: "stepped"; readonly byMs: number };

/** The largest pace at which a kernel or NTP client slews UTC (RFC 5905 MAXFREQ, Linux adjtimex): faster is a step. */
const SLEW_PPM_MAX = 500;
/** An NTP client steps from here on (RFC 5905 STEPT); what two clocks read one after the other differ by is far less. */
const STEP_MS_MIN = 128;

/**
 * Compares at each tick how far UTC and the monotonic clock went. A difference that a slewing board can
 * make in that time is drift and is not told; more than that is a step, even if it is a small one.
 */
export class BoardWatch {
  #last: { readonly monotonicMs: number; readonly utcMs: number | undefined } | undefined;

  observe(monotonicMs: number, boardUtcMs: number | undefined): BoardChange {
    const utcMs = Number.isFinite(boardUtcMs) ? boardUtcMs : undefined;
    const last = this.#last;
    this.#last = { monotonicMs, utcMs };
    if (utcMs === undefined) return { kind: last?.utcMs === undefined ? "unknown" : "lost" };
    if (last?.utcMs === undefined) return { kind: "learnt" };
    const elapsedMs = monotonicMs - last.monotonicMs;
    const byMs = utcMs - last.utcMs - elapsedMs;
    const isStep = Math.abs(byMs) > STEP_MS_MIN + (elapsedMs * SLEW_PPM_MAX) / 1e6;
    return isStep ? { kind: "stepped", byMs } : { kind: "steady" };
  }
}
