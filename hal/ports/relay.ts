/**
 * Where the main contacts are, as a feedback of their own senses it, not as they were driven: an auxiliary contact, or
 * the voltage behind them. `unknown` where the board has none or cannot read it just now.
 */
export type RelayPosition = "closed" | "open" | "unknown";

/** `failed`: the board could not drive the coil at all, and the contacts are where they were. */
export type DriveResult = "driven" | "failed";

/**
 * The switch between the mains and the installation behind the meter. It latches: without a drive, and without supply,
 * the contacts stay where they are.
 *
 * A caller may assume: `drive` returns at once; driving contacts to where they are does no harm; a position is as it is
 * sensed now, and asking changes nothing. A caller may not assume that contacts move when they are driven (they weld),
 * that they have arrived sooner than `settleMs` after it, or that their feedback is steady until then: it bounces.
 */
export interface Relay {
  /** How long after a drive the position is to be believed. */
  readonly settleMs: number;
  position(): RelayPosition;
  drive(to: "closed" | "open"): DriveResult;
  /** Gives the relay up for good, as it is. Later drives fail, and its position is unknown. */
  close(): void;
}
