import type { ClockEvent } from "../../../firmware/clock/clock-event.ts";
import { type ProposalResult, WallClock, type WallClockOptions } from "../../../firmware/clock/wall-clock.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";

/** 2025-11-25T00:00:00Z, some time after the firmware was built. */
export const MIDNIGHT_MS = 1_764_028_800_000;
export const BUILD_MS = MIDNIGHT_MS - 100 * 86_400_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** A wall clock on a virtual board, with all that it told. */
export class ClockBench {
  readonly board: VirtualClock;
  readonly wall: WallClock;
  readonly told: ClockEvent[] = [];

  constructor(options: Partial<WallClockOptions> & { readonly boardUtcMs?: number | undefined } = {}) {
    const { boardUtcMs, ...more } = options;
    const utcMs = "boardUtcMs" in options ? boardUtcMs : MIDNIGHT_MS;
    this.board = new VirtualClock(utcMs === undefined ? {} : { utcMs });
    this.wall = new WallClock({
      clock: this.board,
      random: new SeededRandom(11),
      board: "free-running",
      buildUtcMs: BUILD_MS,
      onEvent: (event) => this.told.push(event),
      ...more,
    });
  }

  /** Lets time pass with a tick at least every minute. */
  pass(ms: number): void {
    for (let leftMs = ms; leftMs > 0; leftMs -= MINUTE_MS) {
      this.board.advanceBy(Math.min(MINUTE_MS, leftMs));
      this.wall.tick();
    }
  }

  /** A head-end that asks for a challenge and sets the clock with it. */
  set(utcMs: number): ProposalResult {
    return this.wall.propose({ role: "head-end", utcMs, challenge: this.wall.challenge() });
  }

  setBy(byMs: number): ProposalResult {
    return this.set((this.wall.utcMs() ?? 0) + byMs);
  }

  kinds(): string[] {
    return this.told.map(({ kind }) => kind);
  }
}
