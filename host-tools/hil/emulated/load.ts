import { type Mains, mainsFromLoad } from "../../../hal/emulated/mains.ts";
import type { Clock } from "../../../hal/ports/clock.ts";
import type { RigLoad } from "../rig.ts";

/** Changes that are remembered for parts that look back: each looks several times a second, or at its next question. */
const CHANGES_MAX = 1024;

/** A load that a test sets; what was drawn before stays as it was. */
export class SettableLoad implements RigLoad {
  readonly mains: Mains;
  readonly #clock: Clock;
  readonly #onChange: (watts: number) => void;
  readonly #changes: { readonly atMs: number; readonly watts: number }[];

  constructor(clock: Clock, watts: number, onChange: (watts: number) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
    onChange(watts);
    this.#changes = [{ atMs: Number.NEGATIVE_INFINITY, watts }];
    this.mains = mainsFromLoad({
      wattsAt: (ms) => this.#wattsAt(ms),
      steadyUntilMs: (ms) => this.#changes.find(({ atMs }) => atMs > ms)?.atMs ?? Number.POSITIVE_INFINITY,
    });
  }

  async set(watts: number): Promise<void> {
    this.#changes.push({ atMs: this.#clock.monotonicMs(), watts });
    if (this.#changes.length > CHANGES_MAX) this.#changes.shift();
    this.#onChange(watts);
  }

  #wattsAt(ms: number): number {
    return (this.#changes.findLast(({ atMs }) => atMs <= ms) ?? this.#changes[0])?.watts ?? 0;
  }
}
