import type { Cancel, Clock } from "../ports/clock.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** How often a paced clock catches up, in milliseconds of the pacing clock: fine for a person, light for a processor. */
const TICK_MS = 10;

/**
 * Drives a virtual clock by another clock at `speed` times its pace. All that runs on the virtual
 * clock keeps its exact order and timing at any speed, which timers of a fast-running clock could
 * not promise; it only happens in ticks of 10 ms of the pacing clock.
 */
export class PacedClock {
  readonly #virtual: VirtualClock;
  readonly #pacing: Clock;
  readonly #speed: number;
  #lastMs: number;
  #cancelTick: Cancel;

  constructor(virtual: VirtualClock, pacing: Clock, speed: number) {
    this.#virtual = virtual;
    this.#pacing = pacing;
    this.#speed = speed;
    this.#lastMs = pacing.monotonicMs();
    this.#cancelTick = pacing.after(TICK_MS, () => this.#tick());
  }

  /** Brings the virtual clock up to now, so that what is asked of it is not up to a tick old. */
  catchUp(): void {
    const nowMs = this.#pacing.monotonicMs();
    const elapsedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#virtual.advanceBy(elapsedMs * this.#speed);
  }

  stop(): void {
    this.#cancelTick();
  }

  #tick(): void {
    this.catchUp();
    this.#cancelTick = this.#pacing.after(TICK_MS, () => this.#tick());
  }
}
