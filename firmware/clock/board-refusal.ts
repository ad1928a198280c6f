// A time of the board that was refused, so that it is not judged and told again at each tick.
import { type RefusalReason, SET_DISTANCE_MS, SYNC_LIMIT_MS } from "./set-rules.ts";

/** What a refusal may wait for. */
export interface KnownTimes {
  /** When the set before was, on the monotonic clock. */
  readonly setAtMs: number | undefined;
  /** The newest time that storage has. */
  readonly storedUtcMs: number | undefined;
}

export class BoardRefusal {
  #refused: { readonly offsetMs: number; readonly untilMs: number } | undefined;

  note(nowMs: number, boardUtcMs: number, reason: RefusalReason, known: KnownTimes): void {
    const untilMs = nowMs + waitMs(nowMs, boardUtcMs, reason, known);
    this.#refused = { offsetMs: boardUtcMs - nowMs, untilMs };
  }

  /** The meter's own time has changed, or somebody has set the board's: what was wrong may be right now. */
  forget(): void {
    this.#refused = undefined;
  }

  /** True while the board still says what was refused, and waiting has not made it right. */
  holds(nowMs: number, boardUtcMs: number): boolean {
    const refused = this.#refused;
    if (refused === undefined || nowMs >= refused.untilMs) return false;
    return Math.abs(boardUtcMs - nowMs - refused.offsetMs) <= SYNC_LIMIT_MS;
  }
}

/** Until the same board is right. One that is behind by more than a sync's limit is wrong, and not right by passing. */
function waitMs(nowMs: number, boardUtcMs: number, reason: RefusalReason, known: KnownTimes): number {
  const { setAtMs = nowMs, storedUtcMs = boardUtcMs } = known;
  if (reason === "too-often") return setAtMs + SET_DISTANCE_MS - nowMs;
  const isNear = reason === "before-stored" && storedUtcMs - boardUtcMs <= SYNC_LIMIT_MS;
  return isNear ? storedUtcMs - boardUtcMs : Number.POSITIVE_INFINITY;
}
