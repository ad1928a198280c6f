// Which time may replace which: the rules of statements 2, 3, 11, 13 and 14, as one pure judgement.

/** Who gives a time, of those that may set it: a head-end that has proved itself and has the right, or the board. */
export type TimeSetter = "head-end" | "board";

/** Why a time was not taken; their places are on the wire and in storage. */
export const REFUSAL_REASONS = [
  /** No number, or one that an answer's five bytes cannot hold. */
  "no-time",
  /** Earlier than the firmware was built, or than the newest time that storage has. */
  "before-build",
  "before-stored",
  /** More than {@link SET_LIMIT_MS} from the meter's time. */
  "too-far",
  /** Sooner after the set before than {@link SET_DISTANCE_MS}. */
  "too-often",
  /** The challenge is not the one given out last, was used before, or is too old: a replay, or a message held back. */
  "stale",
  /** A claim while the clock is synced or invalid, or sooner than {@link CLAIM_DISTANCE_MS} after the one before. */
  "not-needed",
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** A difference up to here is a sync and not a set: the limit in Great Britain and Flanders (Honeywell AS302P; emis.vito.be, article 3.2.4). */
export const SYNC_LIMIT_MS = 10_000;
/** The Italian limit: a larger drift is rejected and told (UNI/TS 11291). */
const SET_LIMIT_MS = 4 * 3_600_000;
/** GB meters take an explicit set once in 24 hours (Honeywell AS302P). */
export const SET_DISTANCE_MS = 24 * 3_600_000;
/**
 * What somebody who has proved nothing may change, and how often: as much as a crystal of 20 ppm drifts in a
 * day (1.7 s). A liar needs five days to the sync limit, and the clock is doubtful after seven.
 */
export const CLAIM_LIMIT_MS = 2000;
export const CLAIM_DISTANCE_MS = 24 * 3_600_000;

/** First and last time of an answer (`encodeTime`): 1970-01-01T18:12:16Z to 2106-02-07T06:28:14Z. */
const FIRST_MS = 0x10000 * 1000;
const LAST_MS = 0xfffffffe * 1000;

/** A time in question, and what it is judged by. */
export interface Proposal {
  readonly setter: TimeSetter;
  readonly utcMs: number;
  /** The meter's own time; undefined while the clock is invalid. */
  readonly wallUtcMs: number | undefined;
  readonly buildUtcMs: number;
  /** The newest time that storage had at the start. */
  readonly storedUtcMs: number | undefined;
  readonly sinceSetMs: number | undefined;
  readonly phase: "commissioning" | "in-service";
}

export type Verdict =
  | { readonly kind: "slew" | "step" }
  | { readonly kind: "refuse"; readonly reason: RefusalReason };

/** True for a time that the meter can have at all. */
export function isTimeMs(utcMs: number | undefined): utcMs is number {
  return utcMs !== undefined && utcMs >= FIRST_MS && utcMs <= LAST_MS;
}

export function judge(proposal: Proposal): Verdict {
  const { utcMs, wallUtcMs, phase } = proposal;
  if (!isTimeMs(utcMs)) return refuse("no-time");
  const isSync = wallUtcMs !== undefined && Math.abs(utcMs - wallUtcMs) <= SYNC_LIMIT_MS;
  if (isSync) return { kind: "slew" };
  if (phase === "commissioning") return { kind: "step" };
  if (utcMs < proposal.buildUtcMs) return refuse("before-build");
  return wallUtcMs === undefined ? judgeFirst(proposal) : judgeSet(proposal, wallUtcMs);
}

/** No time to compare with: only storage's. A head-end may correct it by as much as it may correct a clock. */
function judgeFirst({ setter, utcMs, storedUtcMs = 0 }: Proposal): Verdict {
  const earliestMs = setter === "head-end" ? storedUtcMs - SET_LIMIT_MS : storedUtcMs;
  return utcMs < earliestMs ? refuse("before-stored") : { kind: "step" };
}

function judgeSet({ utcMs, sinceSetMs }: Proposal, wallUtcMs: number): Verdict {
  if (Math.abs(utcMs - wallUtcMs) > SET_LIMIT_MS) return refuse("too-far");
  if (sinceSetMs !== undefined && sinceSetMs < SET_DISTANCE_MS) return refuse("too-often");
  return { kind: "step" };
}

function refuse(reason: RefusalReason): Verdict {
  return { kind: "refuse", reason };
}
