// What the answers with readings have in common.
import type { CborValue } from "../cbor.ts";

/** Bits of the status in a reading and in the nameplate. Others are kept for later, up to 23: one byte of CBOR. */
export const STATUS = {
  /** The time is not to be trusted, or not known at all. */
  clockInvalid: 1,
  /** The time may be off by more than the meter's limit. */
  clockDoubtful: 2,
  /** Time or load is played, not lived: a demonstration or a test. */
  simulatedTime: 4,
} as const;

export const STATUS_MAX = 23;

/** First and last time that take five bytes of CBOR: 1970-01-01T18:12:16Z to 2106-02-07T06:28:14Z. */
const TIME_FIRST_SECONDS = 0x10000;
const TIME_LAST_SECONDS = 0xfffffffe;
/** Stands for "not known": all bits set, as COSEM writes fields that are not specified. */
const TIME_NOT_KNOWN = 0xffffffff;

/**
 * UTC in whole seconds for an answer. It takes five bytes whatever the clock says, so that no
 * answer's length tells of it: a time that is not known, or that five bytes cannot hold, is
 * 4294967295. Fractions are cut.
 */
export function encodeTime(utcSeconds: number | undefined): number {
  const seconds = Math.floor(utcSeconds ?? TIME_NOT_KNOWN);
  return seconds >= TIME_FIRST_SECONDS && seconds <= TIME_LAST_SECONDS ? seconds : TIME_NOT_KNOWN;
}

/** The reverse: seconds, `unknown` where the meter does not know the time, undefined for anything else. */
export function decodeTime(item: CborValue | undefined): number | "unknown" | undefined {
  if (item === TIME_NOT_KNOWN) return "unknown";
  return isIntegerWithin(item, TIME_FIRST_SECONDS, TIME_LAST_SECONDS) ? item : undefined;
}

/** True for an integer from `least` to `most`, both included. */
export function isIntegerWithin(item: CborValue | undefined, least: number, most: number): item is number {
  return typeof item === "number" && Number.isSafeInteger(item) && item >= least && item <= most;
}

/** The items of an array; undefined for anything else. */
export function arrayItems(value: CborValue | undefined): readonly CborValue[] | undefined {
  return Array.isArray(value) ? (value as readonly CborValue[]) : undefined;
}
