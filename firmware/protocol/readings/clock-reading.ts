// Bodies of the resource `c`: what a meter knows of its time, and a head-end's message that sets it.
import { ZONE_CHARACTERS_MAX } from "../../calendar/zone-text.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { arrayItems, decodeTime, encodeTime, isIntegerWithin, STATUS_MAX } from "./answer-fields.ts";

export interface ClockReading {
  /** UTC, whole seconds; undefined where the meter does not know it. */
  readonly timeSeconds: number | undefined;
  /** Bits of `STATUS`. */
  readonly status: number;
  /** COSEM's clock status, with daylight saving. */
  readonly clockStatus: number;
  readonly source: (typeof CLOCK_SOURCES)[number];
  /** Since the last sync; undefined where there never was one. */
  readonly ageSeconds: number | undefined;
  /** How much faster UTC runs than the meter's crystal; undefined until that is known. */
  readonly driftPartsPerBillion: number | undefined;
  /** The meter's zone as a POSIX TZ string, or empty where it keeps to UTC. */
  readonly zone: string;
  /** What a set must carry; empty for an asker who may not set. */
  readonly challenge: Uint8Array;
}

/** A set: true for as long as the message takes, once, and for the challenge of the reading just before. */
export interface ClockSet {
  readonly utcMs: number;
  readonly challenge: Uint8Array;
}

const CLOCK_SOURCES = ["none", "board", "head-end"] as const;
const CLOCK_STATUS_MAX = 0xff;
const AGE_SECONDS_MAX = 0xffffffff;
/** Far beyond any crystal; keeps the number within five bytes. */
const DRIFT_MAX = 1_000_000;
const CHALLENGE_BYTES = 8;
/** What a time zone is written with. */
const ZONE_PATTERN = /^[\x21-\x7e]*$/;

/** `[time, status, clock status, source, age, drift, zone, challenge]`: 55 bytes with the zone of Central Europe. */
export function encodeClockReading(reading: ClockReading): Uint8Array {
  const { timeSeconds, status, clockStatus, source, ageSeconds, driftPartsPerBillion: drift } = reading;
  const age = ageSeconds === undefined ? null : Math.min(AGE_SECONDS_MAX, Math.floor(ageSeconds));
  const body = encodeCbor([
    encodeTime(timeSeconds),
    status,
    clockStatus,
    CLOCK_SOURCES.indexOf(source),
    age,
    drift === undefined ? null : Math.round(drift),
    reading.zone,
    reading.challenge,
  ]);
  if (decodeClockReading(body) === undefined) throw new Error(`no clock reading: ${JSON.stringify(reading)}`);
  return body;
}

/** The reading, or undefined where the body is none. */
export function decodeClockReading(body: Uint8Array): ClockReading | undefined {
  const items = arrayItems(decodeCbor(body)) ?? [];
  const time = decodeTime(items[0]);
  if (time === undefined || items.length !== 1 + FIELD_CHECKS.length) return undefined;
  if (!FIELD_CHECKS.every((check, i) => check(items[1 + i]))) return undefined;
  const [, status, clockStatus, source, age, drift, zone, challenge] = items;
  return {
    timeSeconds: time === "unknown" ? undefined : time,
    status: status as number,
    clockStatus: clockStatus as number,
    source: CLOCK_SOURCES[source as number] as ClockReading["source"],
    ageSeconds: (age as number | null) ?? undefined,
    driftPartsPerBillion: (drift as number | null) ?? undefined,
    zone: zone as string,
    challenge: challenge as Uint8Array,
  };
}

type Check = (item: CborValue | undefined) => boolean;

/** Of the fields after the time, in their order. */
const FIELD_CHECKS: readonly Check[] = [
  (status) => isIntegerWithin(status, 0, STATUS_MAX),
  (clockStatus) => isIntegerWithin(clockStatus, 0, CLOCK_STATUS_MAX),
  (source) => isIntegerWithin(source, 0, CLOCK_SOURCES.length - 1),
  (age) => age === null || isIntegerWithin(age, 0, AGE_SECONDS_MAX),
  (drift) => drift === null || isIntegerWithin(drift, -DRIFT_MAX, DRIFT_MAX),
  (zone) => typeof zone === "string" && zone.length <= ZONE_CHARACTERS_MAX && ZONE_PATTERN.test(zone),
  (challenge) => isChallenge(challenge) || (challenge instanceof Uint8Array && challenge.length === 0),
];

/** `[milliseconds of UTC, challenge]`: 19 bytes. A set that cannot be sent throws. */
export function encodeClockSet({ utcMs, challenge }: ClockSet): Uint8Array {
  const body = encodeCbor([Math.round(utcMs), challenge]);
  if (decodeClockSet(body) === undefined)
    throw new Error(`${utcMs} ms with ${challenge.length} bytes is no set`);
  return body;
}

/** The set, or undefined where the body is none; whether its time can be is the clock's to judge. */
export function decodeClockSet(body: Uint8Array): ClockSet | undefined {
  const [utcMs, challenge, ...more] = arrayItems(decodeCbor(body)) ?? [];
  if (more.length > 0 || !isIntegerWithin(utcMs, 0, Number.MAX_SAFE_INTEGER)) return undefined;
  return isChallenge(challenge) ? { utcMs, challenge } : undefined;
}

/** What became of a set that was taken: `byMs` is how far the time moved, or will with a slew; 0 where it began. */
export interface ClockSetOutcome {
  readonly kind: (typeof SET_OUTCOMES)[number];
  readonly byMs: number;
}

const SET_OUTCOMES = ["slewing", "set", "started"] as const;
/** As much as times of ours can be apart: 136 years. */
const MOVED_MS_MAX = 0xffffffff * 1000;

/** `[outcome, milliseconds]`. */
export function encodeClockSetOutcome({ kind, byMs }: ClockSetOutcome): Uint8Array {
  return encodeCbor([SET_OUTCOMES.indexOf(kind), Math.round(byMs) + 0]);
}

/** The outcome, or undefined where the body is none. */
export function decodeClockSetOutcome(body: Uint8Array): ClockSetOutcome | undefined {
  const [index, byMs, ...more] = arrayItems(decodeCbor(body)) ?? [];
  const kind = typeof index === "number" ? SET_OUTCOMES[index] : undefined;
  if (kind === undefined || more.length > 0 || !isIntegerWithin(byMs, -MOVED_MS_MAX, MOVED_MS_MAX)) {
    return undefined;
  }
  return { kind, byMs };
}

function isChallenge(item: CborValue | undefined): item is Uint8Array {
  return item instanceof Uint8Array && item.length === CHALLENGE_BYTES;
}
