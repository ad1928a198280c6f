// An interval of a load profile, as one end gives it and the other takes it.

/** What a profile says of an interval beside its value: the status byte that COSEM profiles have, and `missing`. */
export const INTERVAL_FLAG = {
  /** A fault of the meter, or a value too large to be given. */
  error: 0x01,
  clockInvalid: 0x02,
  /** Not for billing without a further look. */
  dataNotValid: 0x04,
  daylightSaving: 0x08,
  /** There is no value. */
  missing: 0x10,
  /** The clock was adjusted by more than the meter's limit. */
  clockAdjusted: 0x20,
  powerDown: 0x80,
} as const;

/** All bits that are defined; a byte with any other is refused. */
export const INTERVAL_FLAGS_DEFINED: number = Object.values(INTERVAL_FLAG).reduce(
  (all, flag) => all | flag,
  0,
);

/** A value of 0 to 2^20 in steps of the request, undefined where and only where `flags` has `missing`. */
export interface Interval {
  readonly value: number | undefined;
  /** Bits of {@link INTERVAL_FLAG}. */
  readonly flags: number;
}

/** At most a day of quarter-hours in one block; longer spans are several requests. */
export const INTERVALS_PER_BLOCK_MAX = 96;
/** 1 MWh in an interval at 1 Wh a step: far beyond what a meter's fuse lets through. */
export const INTERVAL_VALUE_MAX = 0x100000;
