/** Stops a wake-up that was armed with {@link Clock.after}; calling it late or twice does nothing. */
export type Cancel = () => void;

/**
 * Time as a meter's board gives it. Two times, never mixed: a monotonic one that every delay,
 * timer and energy integral runs on, and UTC, which people and networks set and which may step.
 *
 * A caller may assume: `monotonicMs` never goes back and runs at one pace; wake-ups come in
 * order of their due time, ties in the order they were armed, never from inside `after` itself.
 * A caller may not assume that a wake-up is punctual: it can come late, by any amount.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start, fractions allowed. */
  monotonicMs(): number;
  /** UTC in milliseconds since 1970-01-01, or undefined while nobody has told the board. */
  utcMs(): number | undefined;
  /** Calls `wake` once, `delayMs` (0 or more) from now on the monotonic clock. */
  after(delayMs: number, wake: () => void): Cancel;
}
