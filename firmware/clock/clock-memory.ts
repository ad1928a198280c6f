// What the clock wants storage to keep over a restart.
import type { CborValue } from "../protocol/cbor.ts";
import { arrayItems, isIntegerWithin } from "../protocol/readings/answer-fields.ts";
import type { ClockSource } from "./clock-state.ts";
import { isTimeMs } from "./set-rules.ts";

/** Times in whole milliseconds of UTC, as the meter's clock had them; absent where there is none. */
export interface ClockMemory {
  /** The newest time that the meter has had. */
  readonly lastUtcMs?: number | undefined;
  readonly syncUtcMs?: number | undefined;
  readonly setUtcMs?: number | undefined;
  readonly claimUtcMs?: number | undefined;
  /** How far the meter's time is ahead of the board's own. */
  readonly boardOffsetMs?: number | undefined;
  readonly driftPpm?: number | undefined;
  /** Whose word the time was. */
  readonly source?: ClockSource | undefined;
}

const VERSION = 2;
/** Their places are in storage. */
const SOURCES: readonly ClockSource[] = ["board", "head-end"];
const PARTS_PER_BILLION = 1000;
/** A thousand times what any crystal does: only keeps the number small. */
const DRIFT_PPB_MAX = 1e9;

/** No two times of ours are further apart: 136 years. */
const OFFSET_MS_MAX = 0xffffffff * 1000;

/** `[version, last, sync, set, claim, board offset, drift in parts per billion, source]`, null for what is absent. */
export function clockMemoryToCbor(memory: ClockMemory): CborValue {
  const { lastUtcMs, syncUtcMs, setUtcMs, claimUtcMs, boardOffsetMs, driftPpm, source } = memory;
  const times = [lastUtcMs, syncUtcMs, setUtcMs, claimUtcMs].map((utcMs) =>
    isTimeMs(utcMs) ? Math.floor(utcMs) : null,
  );
  const offset = boardOffsetMs === undefined ? null : Math.round(boardOffsetMs);
  return [
    VERSION,
    ...times,
    offset,
    driftPpm === undefined ? null : Math.round(driftPpm * PARTS_PER_BILLION),
    source === undefined ? null : SOURCES.indexOf(source),
  ];
}

/** The memory, or undefined where the value is none. */
export function clockMemoryFromCbor(value: CborValue | undefined): ClockMemory | undefined {
  const items = arrayItems(value);
  if (items?.length !== 8 || items[0] !== VERSION) return undefined;
  const [offset, drift, place] = items.slice(5);
  if (!items.slice(1, 5).every((item) => item === null || (typeof item === "number" && isTimeMs(item)))) {
    return undefined;
  }
  if (offset !== null && !isIntegerWithin(offset, -OFFSET_MS_MAX, OFFSET_MS_MAX)) return undefined;
  if (drift !== null && !isIntegerWithin(drift, -DRIFT_PPB_MAX, DRIFT_PPB_MAX)) return undefined;
  if (place !== null && !isIntegerWithin(place, 0, SOURCES.length - 1)) return undefined;
  const numbers = items.map((item) => (typeof item === "number" ? item : undefined));
  const [, lastUtcMs, syncUtcMs, setUtcMs, claimUtcMs, boardOffsetMs, driftPpb] = numbers;
  const driftPpm = driftPpb === undefined ? undefined : driftPpb / PARTS_PER_BILLION;
  const source = place === null ? undefined : SOURCES[place];
  return { lastUtcMs, syncUtcMs, setUtcMs, claimUtcMs, boardOffsetMs, driftPpm, source };
}
