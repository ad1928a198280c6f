// What the meter's time is at a start, from the board's own and from what storage knows.
import type { ClockMemory } from "./clock-memory.ts";
import { type InvalidReason, SYNCED_FOR_MS } from "./clock-state.ts";
import { isTimeMs, SYNC_LIMIT_MS } from "./set-rules.ts";

/** What a start knows beside the board's time. */
interface BootKnowledge {
  readonly board: "disciplined" | "free-running";
  readonly buildUtcMs: number;
  readonly memory?: ClockMemory | undefined;
}

interface BootTime {
  readonly utcMs: number | undefined;
  /** What is left of a slew. */
  readonly slewMs: number;
  /** True where the board is followed; else the time is the meter's own, by the distance that it had from the board's. */
  readonly isBoards: boolean;
}

/**
 * A board with a battery keeps its distance from the meter's time, as nobody sets it; and so does one that is followed,
 * while a head-end's word is fresh. Where that is behind storage's time by no more than a slew, one was under way: time
 * goes on from storage's, since it never goes back.
 */
export function bootTime(boardUtcMs: number | undefined, known: BootKnowledge): BootTime {
  const { boardOffsetMs = 0, lastUtcMs } = known.memory ?? {};
  if (boardUtcMs === undefined) return { utcMs: undefined, slewMs: 0, isBoards: true };
  const utcMs = boardUtcMs + boardOffsetMs;
  if (known.board === "disciplined" && !isHeadEndsFresh(utcMs, known.memory)) {
    return { utcMs: boardUtcMs, slewMs: 0, isBoards: true };
  }
  const behindMs = (lastUtcMs ?? utcMs) - utcMs;
  const isSlewing = known.memory?.boardOffsetMs !== undefined && behindMs > 0 && behindMs <= SYNC_LIMIT_MS;
  return isSlewing
    ? { utcMs: lastUtcMs, slewMs: -behindMs, isBoards: false }
    : { utcMs, slewMs: 0, isBoards: false };
}

function isHeadEndsFresh(utcMs: number, { source, syncUtcMs }: ClockMemory = {}): boolean {
  return source === "head-end" && syncUtcMs !== undefined && utcMs - syncUtcMs <= SYNCED_FOR_MS;
}

/** Why the time at the start is none, or undefined where it is one. */
export function invalidReason(
  utcMs: number | undefined,
  { buildUtcMs, memory = {} }: BootKnowledge,
): InvalidReason | undefined {
  if (utcMs === undefined) return memory.lastUtcMs === undefined ? "never-set" : "lost";
  if (!isTimeMs(utcMs)) return "out-of-range";
  if (memory.lastUtcMs !== undefined && utcMs < memory.lastUtcMs) return "before-stored";
  return utcMs < buildUtcMs ? "before-build" : undefined;
}
