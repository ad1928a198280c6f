import type { Load } from "./load.ts";

/** Powers one after the other, each for the same time. */
export interface Series {
  /** When the first begins. */
  readonly startUtcMs: number;
  /** How long each lasts. */
  readonly stepMs: number;
  readonly watts: Float64Array;
}

const DAY_MS = 86_400_000;

/**
 * Spans that a series repeats by, the longest first that it has whole: years of 52 weeks keep season,
 * weekday and time of day, weeks the latter two, days the last.
 */
const REPEAT_UNITS_MS = [364 * DAY_MS, 7 * DAY_MS, DAY_MS];

/**
 * The load of a series. In its own time it is the series itself. Outside of that it repeats by whole
 * years of 52 weeks, else weeks, else days, else its own length, or, without `repeats`, draws nothing.
 */
export function seriesLoad(name: string, series: Series, repeats: boolean): Load {
  const { startUtcMs, stepMs, watts } = series;
  const lengthMs = stepMs * watts.length;
  const periodMs = repeatMs(series);
  const positionMs = (utcMs: number): number => {
    const sinceStartMs = utcMs - startUtcMs;
    const isInside = sinceStartMs >= 0 && sinceStartMs < lengthMs;
    return isInside || !repeats ? sinceStartMs : ((sinceStartMs % periodMs) + periodMs) % periodMs;
  };
  return {
    name,
    wattsAt: (utcMs) => watts[Math.floor(positionMs(utcMs) / stepMs)] ?? 0,
    steadyUntilMs(utcMs) {
      const atMs = positionMs(utcMs);
      if (atMs < 0) return startUtcMs;
      if (atMs >= lengthMs) return Number.POSITIVE_INFINITY;
      return utcMs - atMs + (Math.floor(atMs / stepMs) + 1) * stepMs;
    },
  };
}

function repeatMs({ stepMs, watts }: Series): number {
  const lengthMs = stepMs * watts.length;
  const unitMs = REPEAT_UNITS_MS.find((ms) => ms <= lengthMs && ms % stepMs === 0) ?? lengthMs;
  return Math.floor(lengthMs / unitMs) * unitMs;
}
