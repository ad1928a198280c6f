// Too much power for too long: COSEM's class 71, limiter, with its normal threshold alone.

/** More than so many watts for so many seconds opens the contacts. */
export interface Limit {
  readonly watts: number;
  readonly seconds: number;
}

/** A meter of 100 A on three phases, well exceeded; and an hour, beyond which a fuse is the better limiter. */
export const LIMIT_WATTS_MAX = 100_000;
export const LIMIT_SECONDS_MAX = 3600;

/** Watches the power against a limit; a power that is not known neither begins nor ends an excess. */
export class Limiter {
  #overSinceMs: number | undefined;

  /** Takes the power as it is now. True where it has been over the limit for long enough. */
  exceeds(atMs: number, watts: number | undefined, limit: Limit | undefined): boolean {
    if (limit === undefined) this.reset();
    if (limit === undefined || watts === undefined) return false;
    if (watts <= limit.watts) this.reset();
    else this.#overSinceMs ??= atMs;
    return this.#overSinceMs !== undefined && atMs - this.#overSinceMs >= limit.seconds * 1000;
  }

  /** What was over the limit before counts no more. */
  reset(): void {
    this.#overSinceMs = undefined;
  }
}

/** COSEM's minimal time under the threshold: as long stays open what the limiter opened. */
export const RECOVER_AFTER_MS = 60_000;
/** Contacts that close on a short circuit weld some day: more often in an hour takes somebody at the meter. */
const RECOVERIES_MAX = 5;
const RECOVERIES_WITHIN_MS = 3_600_000;

/** When contacts that the limiter opened may close by themselves. Nothing of it outlives a restart: the wait begins anew. */
export class Recovery {
  #openSinceMs: number | undefined;
  #recoveredAtMs: readonly number[] = [];

  /** The contacts are open, by the limiter or not. True where they may close now. */
  isDue(atMs: number, isOpenByLimiter: boolean): boolean {
    this.#openSinceMs = isOpenByLimiter ? (this.#openSinceMs ?? atMs) : undefined;
    if (this.#openSinceMs === undefined || atMs - this.#openSinceMs < RECOVER_AFTER_MS) return false;
    this.#recoveredAtMs = this.#recoveredAtMs.filter((ms) => atMs - ms < RECOVERIES_WITHIN_MS);
    if (this.#recoveredAtMs.length >= RECOVERIES_MAX) return false;
    this.#recoveredAtMs = [...this.#recoveredAtMs, atMs];
    this.#openSinceMs = undefined;
    return true;
  }
}
