// How the time of a bench passes: by itself, or only while somebody waits for something.
import type { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import type { Clock } from "../../hal/ports/clock.ts";

/** A clock, and what whoever waits has to say to it. */
export interface RigTime {
  readonly clock: Clock;
  /** Gives what the promise gives; all that takes time on the bench is awaited through this. */
  wait<Result>(promise: Promise<Result>): Promise<Result>;
  /** Lets so much time pass. */
  pass(ms: number): Promise<void>;
}

/** Time that passes by itself: real, or at the pace of real time. */
export class PassingTime implements RigTime {
  readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  wait<Result>(promise: Promise<Result>): Promise<Result> {
    return promise;
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(ms, resolve);
    });
  }
}

/**
 * Time that jumps from wake-up to wake-up while somebody waits, and stands else. Any number may wait at once: whoever
 * has got what it waited for goes on before the next wake-up, as long as it waits for nothing outside of the bench.
 */
export class VirtualTime implements RigTime {
  readonly clock: VirtualClock;
  #waiting = 0;
  #passing: Promise<void> | undefined;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  async wait<Result>(promise: Promise<Result>): Promise<Result> {
    this.#waiting++;
    this.#passing ??= this.#letPass().finally(() => {
      this.#passing = undefined;
    });
    try {
      // A wake-up that throws is a bug of the bench, and ends all waits as their promises never would.
      return await Promise.race([promise, this.#passing.then(() => promise)]);
    } finally {
      this.#waiting--;
    }
  }

  get isWaitedFor(): boolean {
    return this.#waiting > 0;
  }

  async pass(ms: number): Promise<void> {
    if (!this.isWaitedFor) return this.clock.advanceBy(ms);
    return this.wait(
      new Promise((resolve) => {
        this.clock.after(ms, resolve);
      }),
    );
  }

  /** Until nobody waits any more. */
  async #letPass(): Promise<void> {
    await macrotask();
    while (this.#waiting > 0) {
      const dueMs = this.clock.nextDueMs();
      if (dueMs === undefined) throw new Error("nothing is left that the bench could wait for");
      this.clock.advanceBy(Math.max(0, dueMs - this.clock.monotonicMs()));
      await macrotask();
    }
  }
}

/** Lets everything run that promises have made ready. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
