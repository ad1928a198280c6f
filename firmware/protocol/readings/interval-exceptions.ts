// The flags of a run of intervals as a sparse list: most intervals have none.
import { INTERVAL_FLAGS_DEFINED, type Interval } from "./interval.ts";
import { type Cursor, leb128, readLeb128 } from "./leb128.ts";

/**
 * Count of runs, then for each run of intervals with the same flags: intervals since the end of the
 * run before, flags, length of the run - 1. Nothing at all where no interval has a flag.
 */
export function encodeExceptions(intervals: readonly Interval[]): number[] {
  const list: number[] = [];
  let runs = 0;
  let end = 0;
  for (const run of runsOf(intervals)) {
    if (run.flags === 0) continue;
    list.push(...leb128(run.start - end), run.flags, ...leb128(run.length - 1));
    end = run.start + run.length;
    runs++;
  }
  return runs === 0 ? [] : [...leb128(runs), ...list];
}

/**
 * A flags byte for each of `count` intervals; undefined where the list is malformed or goes beyond
 * them, which bounds the work: each run takes at least one.
 */
export function decodeExceptions(cursor: Cursor, count: number): Uint8Array | undefined {
  const flags = new Uint8Array(count);
  const runs = readLeb128(cursor) ?? 0;
  if (runs === 0) return undefined;
  let end = 0;
  for (let run = 0; run < runs; run++) {
    const gap = readLeb128(cursor);
    const byte = cursor.bytes[cursor.at++];
    const more = readLeb128(cursor);
    if (gap === undefined || byte === undefined || more === undefined) return undefined;
    const start = end + gap;
    end = start + more + 1;
    if (end > count || byte === 0 || (byte & ~INTERVAL_FLAGS_DEFINED) !== 0) return undefined;
    flags.fill(byte, start, end);
  }
  return flags;
}

interface Run {
  readonly flags: number;
  readonly start: number;
  length: number;
}

function runsOf(intervals: readonly Interval[]): Run[] {
  const runs: Run[] = [];
  for (const [start, { flags }] of intervals.entries()) {
    const last = runs.at(-1);
    if (last?.flags === flags) last.length++;
    else runs.push({ flags, start, length: 1 });
  }
  return runs;
}
