// Time that has passed before a meter serves: its registers and its profile then have it.
import { PROFILE_PERIOD_SECONDS } from "../../firmware/protocol/readings/profile-reading.ts";
import type { MeterRuntime } from "../../firmware/runtime.ts";
import type { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import type { MeteringIc } from "../../hal/ports/metering-ic.ts";

export interface Past {
  /** The meters' clock, which stands when the past begins. */
  readonly clock: VirtualClock;
  readonly runtimes: readonly MeterRuntime[];
  /** The part that allows the longest time between two polls the least. */
  readonly meteringIc: Pick<MeteringIc, "maxPollIntervalMs">;
  readonly lengthMs: number;
  /** How often the parts are asked from the end of the past on. */
  readonly pollIntervalMs: number;
  /** Told after each day of it, and at its end, how much has been played. */
  readonly onPlayed?: (playedMs: number) => void;
}

const DAY_MS = 86_400_000;
/** The interval of the profile and parts of it, so that a poll falls on each boundary whatever the part allows. */
const PROFILE_PERIOD_MS = (PROFILE_PERIOD_SECONDS[0] as number) * 1000;
const POLL_INTERVALS_MS = [1, 3, 15, 90].map((parts) => PROFILE_PERIOD_MS / parts);
/** Polls of the usual kind at the end, so that instant values are fresh when the past is over. */
const LAST_POLLS = 3;

/**
 * Plays the past through the parts' counters, their lines and their drivers. Intervals are as if each
 * had been polled all the time, since only the polls on their boundaries cut them.
 */
export function playPast(past: Past): void {
  const { clock, runtimes, meteringIc, lengthMs, pollIntervalMs, onPlayed = () => {} } = past;
  const coarseMs = POLL_INTERVALS_MS.find((ms) => ms <= meteringIc.maxPollIntervalMs) ?? pollIntervalMs;
  const lastMs = Math.min(lengthMs, LAST_POLLS * pollIntervalMs);
  for (const runtime of runtimes) runtime.pollEvery(coarseMs);
  for (let playedMs = 0; playedMs < lengthMs - lastMs; ) {
    const stepMs = Math.min(DAY_MS, lengthMs - lastMs - playedMs);
    clock.advanceBy(stepMs);
    playedMs += stepMs;
    onPlayed(playedMs);
  }
  for (const runtime of runtimes) runtime.pollEvery(pollIntervalMs);
  clock.advanceBy(lastMs);
  onPlayed(lengthMs);
}
