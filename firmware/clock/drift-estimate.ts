// How fast the meter's crystal runs, from the times that a trusted source gave it.

interface SyncPoint {
  readonly monotonicMs: number;
  readonly utcMs: number;
}

const DAY_MS = 86_400_000;
/** A time that came over the line is good to about a second: over less than a day that would be more than 12 ppm. */
const SPAN_MS_MIN = DAY_MS;
/** Points closer than this add nothing but memory. */
const DISTANCE_MS_MIN = DAY_MS / 4;
/** Three days and a half to two weeks, by how often there is a sync: older temperatures are not today's. */
const POINTS_MAX = 14;
/** No crystal of a meter is this far off (IEC 62054-21 asks for 0.5 s a day, 5.8 ppm): it is a wrong time. */
const DRIFT_PPM_MAX = 200;

/** What is left after a correction by an estimate: a second over a day, the resolution of its inputs. */
export const ESTIMATE_BOUND_PPM = 12;

/** Estimates drift as the slope between the oldest and the newest time kept. */
export class DriftEstimate {
  #points: SyncPoint[] = [];
  #ppm: number | undefined;

  /** `ppm`: an estimate of before the restart, which holds until there is a new one. */
  constructor(ppm?: number) {
    this.#ppm = ppm !== undefined && Math.abs(ppm) <= DRIFT_PPM_MAX ? ppm : undefined;
  }

  /** Positive where UTC runs ahead of the crystal; undefined until the first whole day between two syncs. */
  get ppm(): number | undefined {
    return this.#ppm;
  }

  /**
   * Takes a time of a trusted source; true where the estimate is a new one. A time that no crystal explains
   * begins the estimate anew and changes nothing.
   */
  add(point: SyncPoint): boolean {
    const newest = this.#points.at(-1);
    if (newest !== undefined && point.monotonicMs - newest.monotonicMs < DISTANCE_MS_MIN) return false;
    this.#points.push(point);
    if (this.#points.length > POINTS_MAX) this.#points.shift();
    const oldest = this.#points[0] as SyncPoint;
    if (point.monotonicMs - oldest.monotonicMs < SPAN_MS_MIN) return false;
    const ppm = slopePpm(oldest, point);
    if (Math.abs(ppm) > DRIFT_PPM_MAX) {
      this.#points = [point];
      return false;
    }
    this.#ppm = ppm;
    return true;
  }
}

function slopePpm(from: SyncPoint, to: SyncPoint): number {
  const elapsedMs = to.monotonicMs - from.monotonicMs;
  return ((to.utcMs - from.utcMs - elapsedMs) / elapsedMs) * 1e6;
}
