// Bodies of the resource `p`: which intervals of a load profile are asked for, and their values.
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { arrayItems, decodeTime, encodeTime, isIntegerWithin } from "./answer-fields.ts";
import { INTERVALS_PER_BLOCK_MAX, type Interval } from "./interval.ts";
import { decodeBlock, encodeBlock, type PaddingTenths, padBlock } from "./interval-block.ts";
import type { Obis } from "./obis.ts";
import { decodeRegisterName, encodeRegisterName } from "./register-table.ts";

/** Seconds of an interval, by the number of the profile on the wire; a meter need not have all of them. */
export const PROFILE_PERIOD_SECONDS: readonly number[] = [900, 300, 1800, 3600];

/** Steps that values can be asked in, in the register's unit: coarser ones are shorter and say less. */
export const PROFILE_STEPS: readonly number[] = [1, 10, 100, 1000];

/** A value is floor(register at the interval's end / step) - floor(register at its start / step). */
export interface ProfileRequest {
  /** Index of {@link PROFILE_PERIOD_SECONDS}. */
  readonly profile: number;
  readonly register: Obis;
  /** UTC; the first interval is the one that this second lies in. */
  readonly startSeconds: number;
  /** 1 to 96. */
  readonly count: number;
  /** One of {@link PROFILE_STEPS}. */
  readonly step: number;
}

export interface ProfileReading {
  /** UTC of the answer, whole seconds; undefined where the meter does not know it. */
  readonly timeSeconds: number | undefined;
  /** Where the first interval starts: on the grid of the profile's period. */
  readonly startSeconds: number;
  /** As many as were asked for, without gaps: one that the meter has not is flagged missing. */
  readonly intervals: readonly Interval[];
}

const SECONDS_MAX = 0xffffffff;
const REQUEST_ITEMS = 5;

/**
 * `[profile, register, start, count, step]`: 11 bytes for a register with a short number in steps of
 * 1 or 10. A sixth item, flags, is kept for later; none is defined, so a request with one is refused.
 * A request that cannot be asked throws.
 */
export function encodeProfileRequest(request: ProfileRequest): Uint8Array {
  const { profile, register, startSeconds, count, step } = request;
  const body = encodeCbor([profile, encodeRegisterName(register), startSeconds, count, step]);
  if (decodeProfileRequest(body) === undefined) throw new Error(`no request: ${JSON.stringify(request)}`);
  return body;
}

/** The request, or undefined where the body is none. */
export function decodeProfileRequest(body: Uint8Array): ProfileRequest | undefined {
  const items = arrayItems(decodeCbor(body));
  if (items?.length !== REQUEST_ITEMS) return undefined;
  const [profile, name, startSeconds, count, step] = items;
  const register = decodeRegisterName(name);
  if (register === undefined || !isIntegerWithin(profile, 0, PROFILE_PERIOD_SECONDS.length - 1))
    return undefined;
  if (!isIntegerWithin(startSeconds, 0, SECONDS_MAX)) return undefined;
  if (!isIntegerWithin(count, 1, INTERVALS_PER_BLOCK_MAX)) return undefined;
  if (typeof step !== "number" || !PROFILE_STEPS.includes(step)) return undefined;
  return { profile, register, startSeconds, count, step };
}

/**
 * `[time, block, ? start where it differs from the one asked for]`, the block padded by
 * `paddingTenths`; undefined where it does not fit that padding, and a larger one is due. An answer
 * of another count or off the grid is a bug of the caller and throws.
 */
export function encodeProfileReading(
  reading: ProfileReading,
  request: ProfileRequest,
  paddingTenths: PaddingTenths,
): Uint8Array | undefined {
  const { timeSeconds, startSeconds, intervals } = reading;
  if (intervals.length !== request.count || !isOnGrid(startSeconds, request)) {
    throw new Error(`${intervals.length} intervals from ${startSeconds} answer no such request`);
  }
  const block = padBlock(encodeBlock(intervals), request.count, paddingTenths);
  if (block === undefined) return undefined;
  const start = startSeconds === request.startSeconds ? [] : [startSeconds];
  return encodeCbor([encodeTime(timeSeconds), block, ...start]);
}

/** The reading, or undefined where the body does not answer this request. */
export function decodeProfileReading(body: Uint8Array, request: ProfileRequest): ProfileReading | undefined {
  const items = arrayItems(decodeCbor(body)) ?? [];
  const [timeItem, block, start = request.startSeconds] = items;
  const time = decodeTime(timeItem);
  if (time === undefined || !(block instanceof Uint8Array)) return undefined;
  if (!isOnGrid(start, request)) return undefined;
  if (items.length !== (start === request.startSeconds ? 2 : 3)) return undefined;
  const intervals = decodeBlock(block, request.count);
  if (intervals === undefined) return undefined;
  return { timeSeconds: time === "unknown" ? undefined : time, startSeconds: start, intervals };
}

/** Seconds of each interval that a request asks for. */
export function periodSecondsOf({ profile }: Pick<ProfileRequest, "profile">): number {
  return PROFILE_PERIOD_SECONDS[profile] as number;
}

/** True for a start on the grid of the profile's period, whose first interval holds the start asked for. */
function isOnGrid(start: CborValue, request: ProfileRequest): start is number {
  return start === request.startSeconds - (request.startSeconds % periodSecondsOf(request));
}
