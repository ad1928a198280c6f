// What all that is on one open bench has in common.
import { PacedClock } from "../../hal/emulated/paced-clock.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { Bench } from "./bench.ts";
import { Recorder } from "./recorder.ts";
import { PassingTime, type RigTime, VirtualTime } from "./time.ts";

/** A Monday morning: where time is played it begins here. */
const START_UTC_MS = Date.UTC(2027, 0, 11, 8);
/** How long a meter is waited for, and one that a DAP has to ask in its turn. */
const TIMEOUT_MS = 8000;
const TIMEOUT_THROUGH_MS = 30_000;

export interface Wiring {
  readonly bench: Bench;
  readonly seed: number;
  readonly time: RigTime;
  readonly crypto: CryptoEngine;
  /** What is done to a bench, and all that is on an emulated one. */
  readonly chance: SeededRandom;
  /** Keys and numbers of those who ask: no real meter may ever meet the same ones again. */
  readonly random: Random;
  readonly recorder: Recorder;
  readonly timeoutMs: number;
  readonly timeoutThroughMs: number;
  /** What undoes all that was opened; each is called at the end, the last one first. */
  readonly ends: (() => unknown)[];
}

export function wiringOf(bench: Bench, seed: number): Wiring {
  const ends: (() => unknown)[] = [];
  const time = timeOf(bench, ends);
  const startMs = time.clock.monotonicMs();
  const chance = new SeededRandom(seed);
  return {
    ...{ bench, seed, time, chance, ends, crypto: opensslEngine },
    random: bench.kind === "emulated" ? chance : systemRandom,
    recorder: new Recorder(seed, () => time.clock.monotonicMs() - startMs),
    timeoutMs: TIMEOUT_MS * bench.timeoutMultiplier,
    timeoutThroughMs: TIMEOUT_THROUGH_MS * bench.timeoutMultiplier,
  };
}

/** Virtual time, the same at the pace that the bench names, or with real meters real time. */
function timeOf({ kind, timeScale }: Bench, ends: (() => unknown)[]): RigTime {
  if (kind !== "emulated") return new PassingTime(systemClock);
  const clock = new VirtualClock({ utcMs: START_UTC_MS });
  if (timeScale === undefined) return new VirtualTime(clock);
  const pace = new PacedClock(clock, systemClock, timeScale);
  ends.push(() => pace.stop());
  return new PassingTime(clock);
}

/** Undoes what was opened, the last one first; trouble with one does not keep the others from it. */
export async function undo(ends: (() => unknown)[]): Promise<void> {
  const troubles: unknown[] = [];
  for (const end of ends.splice(0).reverse()) {
    try {
      await end();
    } catch (trouble) {
      troubles.push(trouble);
    }
  }
  if (troubles.length > 0) throw troubles[0];
}
