// Whether the contacts are where they were driven to: contacts weld, coils burn out, and somebody bridges them.
import type { RelayPosition } from "../../hal/ports/relay.ts";

/**
 * What flows through open contacts is no leak from here on: parts that count pulses show some watts for a while after
 * the load has gone.
 */
const FLOWING_WATTS = 50;
/** What is wrong once may be a part that is slow; twice in a row it is wrong. */
const FINDINGS = 2;
/** A coil is driven so often for one demand: contacts that do not move by then will not. */
const DRIVES_MAX = 3;

/** What each poll finds: drive again, tell that they disagree, tell that they agree again. */
export type Finding = "nothing" | "disagrees" | "drive-again" | "agrees-again";

export class PositionWatch {
  #findings = 0;
  #isTold: boolean;
  #drives = 1;
  #settledAtMs = Number.NEGATIVE_INFINITY;

  /** `isTold`: that they disagree was logged last, so that a restart logs it only once. */
  constructor(isTold = false) {
    this.#isTold = isTold;
  }

  /** The coil was driven, for a new demand, and the position is to be believed from a time on. */
  driven(settledAtMs: number): void {
    this.#settledAtMs = settledAtMs;
    this.#findings = 0;
    this.#drives = 1;
  }

  /** It was driven again for the same demand. */
  drivenAgain(settledAtMs: number): void {
    this.#settledAtMs = settledAtMs;
    this.#drives++;
  }

  /** The coil could not be driven. True where nobody was told yet. */
  failed(): boolean {
    const isNew = !this.#isTold;
    this.#isTold = true;
    return isNew;
  }

  /** Contacts that let current through are closed, whatever their feedback says. */
  take(
    atMs: number,
    demanded: "closed" | "open",
    position: RelayPosition,
    watts: number | undefined,
  ): Finding {
    if (atMs < this.#settledAtMs) return "nothing";
    const flows = watts !== undefined && Math.abs(watts) > FLOWING_WATTS;
    const felt = demanded === "open" && flows ? "closed" : position;
    if (felt === "unknown") return "nothing";
    if (felt === demanded) return this.#agree();
    if (++this.#findings < FINDINGS) return "nothing";
    if (!this.#isTold) {
      this.#isTold = true;
      return "disagrees";
    }
    return this.#drives < DRIVES_MAX ? "drive-again" : "nothing";
  }

  #agree(): Finding {
    this.#findings = 0;
    if (!this.#isTold) return "nothing";
    this.#isTold = false;
    return "agrees-again";
  }
}
