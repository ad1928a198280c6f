// Energy that runs out of an installation which should only take it.
import type { Finding } from "./voltage-watch.ts";

/** More than a measuring part's noise and a motor's braking give; at 100 W it is reached in six minutes. */
const REVERSE_MILLIWATT_HOURS = 10_000;
/** A quarter-hour without any export ends it: a cloud over a hidden panel does not. */
const QUIET_MS = 900_000;

type ReverseState =
  | { readonly kind: "none" }
  | {
      readonly kind: "suspected" | "told";
      readonly sinceMs: number;
      readonly lastMs: number;
      readonly milliwattHours: number;
    };

/** For an installation without generation of its own: others export, and that is no fraud. */
export class ReverseWatch {
  #state: ReverseState = { kind: "none" };

  /** Takes a reading's exported energy; to be given each reading, also those without any. */
  take(atMs: number, exportMilliwattHours: number): Finding | undefined {
    const state = this.#state;
    if (exportMilliwattHours <= 0) return this.#rest(atMs);
    const [sinceMs, before] = state.kind === "none" ? [atMs, 0] : [state.sinceMs, state.milliwattHours];
    const milliwattHours = before + exportMilliwattHours;
    const isNew = state.kind !== "told" && milliwattHours >= REVERSE_MILLIWATT_HOURS;
    const kind = isNew || state.kind === "told" ? "told" : "suspected";
    this.#state = { kind, sinceMs, lastMs: atMs, milliwattHours };
    return isNew ? { name: "reverse-energy", details: [milliwattHours / 1000] } : undefined;
  }

  #rest(atMs: number): Finding | undefined {
    const state = this.#state;
    if (state.kind === "none" || atMs - state.lastMs < QUIET_MS) return undefined;
    this.#state = { kind: "none" };
    if (state.kind === "suspected") return undefined;
    const { milliwattHours, lastMs, sinceMs } = state;
    return { name: "reverse-energy-end", details: [milliwattHours / 1000, (lastMs - sinceMs) / 1000] };
  }
}
