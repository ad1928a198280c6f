// One event as a log keeps it, and its form in storage and on the wire.
import type { CborValue } from "../cbor.ts";
import { arrayItems, decodeTime, encodeTime, isIntegerWithin } from "./answer-fields.ts";

/** When an event was, as far as the meter knew it then. */
export interface EventTime {
  /** UTC, whole seconds; undefined where the meter did not know it. */
  readonly utcSeconds: number | undefined;
  /** COSEM's clock status at that time. */
  readonly clockStatus: number;
}

export interface LoggedEvent extends EventTime {
  /** In its log, from 1; never given twice. */
  readonly sequence: number;
  readonly code: number;
  /** Up to three whole numbers; what they are is with the event in the table. */
  readonly details: readonly number[];
}

/** One event a second is 136 years: numbers never come round. The one after it takes five bytes too. */
export const SEQUENCE_MAX = 0xfffffffe;
export const CODE_MAX = 0xffff;
const STATUS_MAX = 0xff;
export const DETAILS_MAX = 3;
/** What CBOR writes in five bytes or fewer. */
const DETAIL_MAX = 0xffffffff;

/** `[code, time, clock status, detail, ...]`: 9 to 26 bytes; the sequence number is told by whoever carries it. */
export function eventToCbor({ code, utcSeconds, clockStatus, details }: LoggedEvent): CborValue {
  return [code, encodeTime(utcSeconds), clockStatus, ...details];
}

/** The event, or undefined where the value is none. */
export function eventFromCbor(sequence: number, value: CborValue | undefined): LoggedEvent | undefined {
  const [code, timeItem, clockStatus, ...details] = arrayItems(value) ?? [];
  const time = decodeTime(timeItem);
  if (time === undefined || !isIntegerWithin(code, 1, CODE_MAX)) return undefined;
  if (!isIntegerWithin(clockStatus, 0, STATUS_MAX)) return undefined;
  if (details.length > DETAILS_MAX || !details.every(isDetail)) return undefined;
  return { sequence, code, utcSeconds: time === "unknown" ? undefined : time, clockStatus, details };
}

/** A number as a detail: cut to whole, and to the nearest that a detail can be. */
export function toDetail(value: number): number {
  if (Number.isNaN(value)) return 0;
  // Adding 0 makes -0, which CBOR has not, a plain 0.
  return Math.min(DETAIL_MAX, Math.max(-DETAIL_MAX - 1, Math.trunc(value))) + 0;
}

function isDetail(item: CborValue): item is number {
  return isIntegerWithin(item, -DETAIL_MAX - 1, DETAIL_MAX);
}
