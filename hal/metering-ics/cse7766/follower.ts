import type { Measurement, MeteringFault } from "../../ports/metering-ic.ts";
import { CounterAccumulator, type CounterPolicy, faultOfStep, maxPollIntervalMs } from "../accumulator.ts";
import { largestPowerMilliwatts } from "../installation.ts";
import { type Frame, isSamePart, nanowattHoursPerPulse } from "./decode.ts";
import { PowerTracker } from "./power.ts";
import { CF_BITS, type Cse7766Profile } from "./registers.ts";

/** What a frame brought; without `energy` it is not to be believed. */
export interface FollowedFrame {
  readonly fault?: MeteringFault;
  readonly energy?: { readonly milliwattHours: number };
  readonly power?: Measurement;
}

/**
 * One part through its frames, known by its coefficients. CF wraps in as little as 18 s, so that it is
 * followed from frame to frame; after a pause in which it may have wrapped unseen it starts anew.
 */
export class Cse7766Follower {
  readonly #accumulator: CounterAccumulator;
  readonly #power: PowerTracker;
  /** In longer pauses the largest power fills more than half of CF. */
  readonly #longestPauseMs: number;
  #last: Frame;
  #lastAtMs: number;
  /** Whether ADJ's carry has ever been seen to turn over; on some parts it never does. */
  #carry: "unseen" | "turns" = "unseen";

  /** Begins with a plausible frame of the part, which was complete at `atMs` and sets the baseline. */
  constructor(frame: Frame, atMs: number, profile: Cse7766Profile) {
    const policy: CounterPolicy = {
      widthBits: CF_BITS,
      nanowattHoursPerCount: nanowattHoursPerPulse(frame, profile),
      largestPowerMilliwatts: largestPowerMilliwatts(profile),
      adds: "absolute",
    };
    this.#last = frame;
    this.#lastAtMs = atMs;
    this.#accumulator = new CounterAccumulator(policy);
    this.#longestPauseMs = maxPollIntervalMs(policy);
    this.#power = new PowerTracker(profile);
    this.accept(frame, atMs);
  }

  isOf(frame: Frame): boolean {
    return isSamePart(frame, this.#last);
  }

  /** Takes the next plausible frame of the part, which was complete at `atMs`. */
  accept(frame: Frame, atMs: number): FollowedFrame {
    const isGap = atMs - this.#lastAtMs > this.#longestPauseMs;
    if (isGap) this.#accumulator.restart();
    if (frame.carry !== this.#last.carry) this.#carry = "turns";
    this.#last = frame;
    const step = this.#accumulator.accept({
      atMs,
      count: frame.pulses,
      isReverse: false,
      ...(this.#carry === "turns" && { carry: frame.carry }),
    });
    if (step.verdict === "implausible") return { fault: "implausible" };
    this.#lastAtMs = atMs;
    if (step.verdict === "reset") this.#power.restart();
    const fault = isGap ? "energy-gap" : faultOfStep(step);
    const power = this.#power.accept(frame);
    return {
      ...(fault && { fault }),
      energy: { milliwattHours: step.energy.importMilliwattHours },
      ...(power && { power }),
    };
  }
}
