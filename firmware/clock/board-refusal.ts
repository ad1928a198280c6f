// A time of the board that was refused, so that it is not judged and told again at each tick.
import { type RefusalReason, SET_DISTANCE_MS, SYNC_LIMIT_MS } from "./set-rules.ts";

export class BoardRefusal {
  #refused: { readonly offsetMs: number; readonly untilMs: number } | undefined;

  /** `setAtMs`: when the set before was, which a refusal as too often waits for. */
  note(nowMs: number, boardUtcMs: number, reason: RefusalReason, setAtMs: number | undefined): void {
    const nextSetMs = (setAtMs ?? nowMs) + SET_DISTANCE_MS;
    const untilMs = reason === "too-often" ? nextSetMs : Number.POSITIVE_INFINITY;
    this.#refused = { offsetMs: boardUtcMs - nowMs, untilMs };
  }

  /** The meter's own time has changed: what was wrong against it may be right now. */
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
