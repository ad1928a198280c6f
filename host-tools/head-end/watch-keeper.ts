// Watches for as long as somebody wants them: a meter that cannot be reached is asked again, less and less often.

import { toUint } from "../../firmware/protocol/bytes.ts";
import type { EventReading, EventRequest } from "../../firmware/protocol/readings/event-reading.ts";
import type { Obis } from "../../firmware/protocol/readings/obis.ts";
import type { RegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import type { Cancel, Clock } from "../../hal/ports/clock.ts";
import type { Random } from "../../hal/ports/random.ts";
import type { HeadEnd, Target } from "./client.ts";
import type { HeadEndError } from "./errors.ts";
import type { StopWatch, Watcher } from "./watching.ts";

export interface WatchKeeperParts {
  readonly headEnd: Pick<HeadEnd, "watchRegisters" | "watchEvents">;
  readonly clock: Clock;
  /** For the pauses: meters that were lost at once are not asked again at once. */
  readonly random: Random;
}

/** After the first failure; a pause is between half and one and a half of that, and the next twice as long. */
const PAUSE_MS = 10_000;
const PAUSE_MAX_MS = 120_000;

/**
 * Keeps watches over blackouts. A watch of these ends for no other reason than that the meter answers what nobody can
 * work with: it is refused, its identity is not the one expected, or it has not what is watched.
 */
export class WatchKeeper {
  readonly #parts: WatchKeeperParts;

  constructor(parts: WatchKeeperParts) {
    this.#parts = parts;
  }

  /** As `HeadEnd.watchRegisters`. */
  watchRegisters(target: Target, registers: readonly Obis[], watcher: Watcher<RegisterReading>): StopWatch {
    const { headEnd } = this.#parts;
    return this.#keep(watcher, (kept) => headEnd.watchRegisters(target, registers, kept));
  }

  /** As `HeadEnd.watchEvents`; each time it goes on after the last event that it told. */
  watchEvents(
    target: Target,
    { log, from }: Omit<EventRequest, "count">,
    watcher: Watcher<EventReading>,
  ): StopWatch {
    const { headEnd } = this.#parts;
    let next = from;
    const onReading: Watcher<EventReading>["onReading"] = (notification) => {
      next = (notification.body.events.at(-1)?.sequence ?? next - 1) + 1;
      watcher.onReading(notification);
    };
    return this.#keep({ ...watcher, onReading }, (kept) =>
      headEnd.watchEvents(target, { log, from: next }, kept),
    );
  }

  #keep<Body>(watcher: Watcher<Body>, begin: (kept: Watcher<Body>) => StopWatch): StopWatch {
    let isStopped = false;
    let stopWatch: StopWatch = () => {};
    let cancelPause: Cancel = () => {};
    let pauseMs = PAUSE_MS;
    const start = (): void => {
      stopWatch = begin({ onReading, onEnd });
    };
    const onReading: Watcher<Body>["onReading"] = (notification) => {
      pauseMs = PAUSE_MS;
      watcher.onReading(notification);
    };
    const onEnd = (why: HeadEndError): void => {
      if (why.kind !== "timeout") return watcher.onEnd(why);
      if (isStopped) return;
      cancelPause = this.#parts.clock.after(this.#jittered(pauseMs), start);
      pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS);
    };
    start();
    return () => {
      isStopped = true;
      cancelPause();
      stopWatch();
    };
  }

  #jittered(milliseconds: number): number {
    return milliseconds * (0.5 + toUint(this.#parts.random.bytes(2)) / 0x10000);
  }
}
