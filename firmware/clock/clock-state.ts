// What the meter knows of its own time, and the status byte that COSEM has for it.

/** Where the meter's time came from. */
export type ClockSource = "head-end" | "board";

export type InvalidReason =
  /** Nobody has told the board, and storage knows no time either. */
  | "never-set"
  /** The board has lost the time that storage shows it once had. */
  | "lost"
  /** The board says what cannot be: earlier than storage or than the firmware, or no time of ours. */
  | "before-stored"
  | "before-build"
  | "out-of-range";

export type ClockState =
  | { readonly kind: "invalid"; readonly reason: InvalidReason }
  /** Runs on the offset of the last sync; `ageMs` is undefined where there never was one. */
  | {
      readonly kind: "holdover";
      readonly source: ClockSource;
      readonly ageMs: number | undefined;
      readonly driftBoundPpm: number;
      readonly trust: "good" | "doubtful";
    }
  | { readonly kind: "synced"; readonly source: ClockSource; readonly ageMs: number };

/** One sync a day, and two hours for repeating one that was missed. */
export const SYNCED_FOR_MS = 26 * 3_600_000;
/** From here on a value's time is not to be relied on (Janitza MID+: a value is invalid 7 days after the last sync). */
const DOUBTFUL_AFTER_MS = 7 * 86_400_000;
/** A watch crystal of a meter over its temperatures: 1.7 s a day, 12 s in the seven days of a holdover. */
export const CRYSTAL_PPM = 20;

/** Status of COSEM's class 8, Clock (DLMS UA 1000-1, Blue Book). */
export const CLOCK_STATUS = {
  invalid: 0x01,
  doubtful: 0x02,
  /** Never set: the meter's base is its crystal at all times. */
  differentBase: 0x04,
  /** A bit of this byte cannot be known: daylight saving while the time is invalid. */
  invalidStatus: 0x08,
  daylightSaving: 0x80,
} as const;

/** `daylight` is undefined where nobody can say, and "none" where the meter's zone has no such rule. */
export function clockStatusOf(doubt: Doubt, daylight: "on" | "off" | "none" | undefined): number {
  const saving = daylight === "on" ? CLOCK_STATUS.daylightSaving : 0;
  const unknown = daylight === undefined ? CLOCK_STATUS.invalidStatus : 0;
  return (doubt === "none" ? 0 : CLOCK_STATUS[doubt]) | unknown | saving;
}

export type Doubt = "none" | "invalid" | "doubtful";

export function doubtOf(state: ClockState): Doubt {
  if (state.kind === "invalid") return "invalid";
  return state.kind === "holdover" && state.trust === "doubtful" ? "doubtful" : "none";
}

/** The state of a clock that runs, by the age of its last sync. */
export function runningState(
  source: ClockSource,
  ageMs: number | undefined,
  driftBoundPpm: number,
): Exclude<ClockState, { kind: "invalid" }> {
  if (ageMs !== undefined && ageMs <= SYNCED_FOR_MS) return { kind: "synced", source, ageMs };
  const trust = ageMs !== undefined && ageMs <= DOUBTFUL_AFTER_MS ? "good" : "doubtful";
  return { kind: "holdover", source, ageMs, driftBoundPpm, trust };
}
