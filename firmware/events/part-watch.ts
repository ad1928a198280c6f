// A metering part that no longer answers: is the line down, or is the part?
import type { Finding } from "./voltage-watch.ts";

/** Three polls of ten seconds: one lost frame, or two, are the bus and not the part. */
const SILENT_MS = 30_000;

type PartState =
  | { readonly kind: "answers" }
  | {
      readonly kind: "silent";
      readonly sinceMs: number;
      readonly told: "nothing" | "line-down" | "part-silent";
    };

/**
 * A part that is fed by the line falls silent with it. A board that outlasts the line (a battery, USB) and says that
 * the line is down logs a power failure; where the line is up or nobody knows, it is the part's fault.
 */
export class PartWatch {
  #state: PartState = { kind: "answers" };

  /** The part gave a reading. */
  answered(atMs: number): Finding | undefined {
    const state = this.#state;
    this.#state = { kind: "answers" };
    if (state.kind === "answers" || state.told === "nothing") return undefined;
    const details = [(atMs - state.sinceMs) / 1000];
    return { name: state.told === "line-down" ? "power-up" : "metering-part-back", details };
  }

  /** A poll brought none. A line that is down is told at once; what was told is not told again. */
  silent(atMs: number, line: "up" | "down" | "unknown"): Finding | undefined {
    const state: PartState =
      this.#state.kind === "silent" ? this.#state : { kind: "silent", sinceMs: atMs, told: "nothing" };
    this.#state = state;
    if (state.told !== "nothing") return undefined;
    const seconds = (atMs - state.sinceMs) / 1000;
    if (line === "down") {
      this.#state = { ...state, told: "line-down" };
      return { name: "power-down", details: [] };
    }
    if (atMs - state.sinceMs < SILENT_MS) return undefined;
    this.#state = { ...state, told: "part-silent" };
    return { name: "metering-part-silent", details: [seconds] };
  }
}
