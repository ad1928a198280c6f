import type { RigClock } from "./rig.ts";
import type { RigTime } from "./time.ts";

const EVERY_MS = 1000;

export interface BenchClockParts {
  readonly time: RigTime;
  readonly timeoutMultiplier: number;
  /** Lets time pass in which nobody asks anything. */
  readonly pass: (ms: number) => Promise<void>;
}

export class BenchClock implements RigClock {
  readonly #parts: BenchClockParts;
  readonly #startMs: number;

  constructor(parts: BenchClockParts) {
    this.#parts = parts;
    this.#startMs = parts.time.clock.monotonicMs();
  }

  monotonicMs(): number {
    return this.#parts.time.clock.monotonicMs() - this.#startMs;
  }

  utcMs(): number {
    return this.#parts.time.clock.utcMs() ?? 0;
  }

  pass(ms: number): Promise<void> {
    return this.#parts.pass(ms);
  }

  async until(done: () => boolean | Promise<boolean>, limitMs: number, everyMs = EVERY_MS): Promise<boolean> {
    const { time, timeoutMultiplier } = this.#parts;
    const endMs = this.monotonicMs() + limitMs * timeoutMultiplier;
    while (!(await done())) {
      const leftMs = endMs - this.monotonicMs();
      if (leftMs <= 0) return false;
      await time.pass(Math.min(everyMs, leftMs));
    }
    return true;
  }
}
