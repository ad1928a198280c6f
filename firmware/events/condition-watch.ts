// Covers, magnets and other conditions that hold or do not, as somebody's sensor says.
import type { EventName } from "./event-table.ts";

/** A condition, how long it must hold or not hold before it is believed, and what is logged then. */
export interface Condition {
  readonly begins: EventName;
  readonly ends: EventName;
  readonly holdMs: number;
}

/** A switch bounces for some milliseconds; a cover that is off for half a second is off. */
const SWITCH_HOLD_MS = 500;
/** As a three-phase meter has it: "in case the event stays longer than 30s" (MetCom MCS301, manual 1.25, 23.4). */
const FIELD_HOLD_MS = 30_000;

export const CONDITIONS = {
  cover: { begins: "cover-removed", ends: "cover-closed", holdMs: SWITCH_HOLD_MS },
  terminalCover: {
    begins: "terminal-cover-removed",
    ends: "terminal-cover-closed",
    holdMs: SWITCH_HOLD_MS,
  },
  magnet: { begins: "magnet-present", ends: "magnet-gone", holdMs: FIELD_HOLD_MS },
  neutral: { begins: "neutral-missing", ends: "neutral-back", holdMs: FIELD_HOLD_MS },
} as const satisfies Readonly<Record<string, Condition>>;

export class ConditionWatch {
  readonly #condition: Condition;
  #believed: "holds" | "clear";
  /** Since when the sensor says the opposite. */
  #otherSinceMs: number | undefined;

  /** `believed`: what was logged last, so that a restart with the cover off logs it only once. */
  constructor(condition: Condition, believed: "holds" | "clear" = "clear") {
    this.#condition = condition;
    this.#believed = believed;
  }

  get believed(): "holds" | "clear" {
    return this.#believed;
  }

  /** Takes what the sensor says; "unknown" changes nothing. Gives the event that is due, if one is. */
  take(atMs: number, sensed: "holds" | "clear" | "unknown"): EventName | undefined {
    if (sensed === "unknown" || sensed === this.#believed) {
      this.#otherSinceMs = undefined;
      return undefined;
    }
    this.#otherSinceMs ??= atMs;
    if (atMs - this.#otherSinceMs < this.#condition.holdMs) return undefined;
    this.#believed = sensed;
    this.#otherSinceMs = undefined;
    return sensed === "holds" ? this.#condition.begins : this.#condition.ends;
  }
}
