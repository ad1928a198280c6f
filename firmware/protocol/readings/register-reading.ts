// Bodies of the resource `r`: which registers are asked for, and what they stand at.
import { EMPTY, equal } from "../bytes.ts";
import { type CborValue, decodeCbor, encodeCbor, encodeCborSequence } from "../cbor.ts";
import { arrayItems, decodeTime, encodeTime, isIntegerWithin, STATUS, STATUS_MAX } from "./answer-fields.ts";
import type { Obis } from "./obis.ts";
import { decodeRegisterName, encodeRegisterName } from "./register-table.ts";

/**
 * What one register stands at: an integer in the register's published unit and scaler, and how it
 * came about; or why there is none. `stale` is a value of before, of which the part no longer says
 * that it holds.
 */
export type RegisterEntry =
  | {
      readonly register: Obis;
      readonly quality: "measured" | "derived" | "stale";
      readonly value: number;
      /** Of a maximum: when the period that it is of ended, UTC in whole seconds. */
      readonly atSeconds?: number;
    }
  | { readonly register: Obis; readonly quality: "unavailable" | "not-in-meter" };

export interface RegisterReading {
  /** UTC, whole seconds; undefined where the meter does not know it. */
  readonly timeSeconds: number | undefined;
  /** Bits of {@link STATUS}; 0 to 23. An unknown time sets `clockInvalid` by itself. */
  readonly status: number;
  /** In the order of the request, or of the configured default set. */
  readonly entries: readonly RegisterEntry[];
}

/** With time, status and two strings of padding, an array of up to 23 items: a head of one byte. */
export const REGISTERS_PER_REQUEST_MAX = 16;

/** What the padding of a value fills up to. */
export const VALUE_BYTES = 5;
const QUALITY_BYTES = 2;
/** Values that CBOR writes in five bytes or fewer: -2^32 to 2^32 - 1. */
const VALUE_LIMIT = 0x100000000;
/** By their numbers on the wire. */
export const QUALITIES = ["measured", "derived", "stale", "unavailable", "not-in-meter"] as const;

/** `[register, ...]`, 1 to 16 of them in the order wanted; any other number throws. */
export function encodeRegisterRequest(registers: readonly Obis[]): Uint8Array {
  checkCount(registers.length);
  return encodeCbor(registers.map(encodeRegisterName));
}

/** The registers asked for, or undefined where the body is no such request. */
export function decodeRegisterRequest(body: Uint8Array): Obis[] | undefined {
  const names = arrayItems(decodeCbor(body));
  if (names === undefined || names.length < 1 || names.length > REGISTERS_PER_REQUEST_MAX) return undefined;
  const registers = names.map(decodeRegisterName).filter((register) => register !== undefined);
  return registers.length === names.length ? registers : undefined;
}

/**
 * `[time, status, value, ..., padding]`. A value is an integer, or `[integer or null, quality]` where
 * it is not plainly measured, or `[integer, quality, time]` where it is a maximum; one beyond five
 * bytes is given as unavailable, never cut.
 *
 * Values and padding together take 5 bytes a value and 1 more, 2 for each value not plainly
 * measured, and 7 for each maximum; nothing else moves the length. One string of zeros fills that room, but no string takes
 * exactly 25 bytes (its head grows at 24 octets): there two do, an empty one and one of 23 octets.
 */
export function encodeRegisterReading(reading: RegisterReading): Uint8Array {
  const { entries, timeSeconds, status } = reading;
  checkCount(entries.length);
  if (!isIntegerWithin(status, 0, STATUS_MAX)) throw new Error(`${status} is no status`);
  const time = encodeTime(timeSeconds);
  const clock = decodeTime(time) === "unknown" ? STATUS.clockInvalid : 0;
  const values = entries.map(encodeEntry);
  const qualified = values.filter((value) => typeof value !== "number").length;
  const timed = values.filter((value) => Array.isArray(value) && value.length === 3).length;
  const room = VALUE_BYTES * (values.length + timed) + 1 + QUALITY_BYTES * qualified;
  const padding = paddingOf(room - encodeCborSequence(values).length);
  return encodeCbor([time, status | clock, ...values, ...padding]);
}

/**
 * The reading, or undefined where the body is none of these registers: those of the request, or for
 * a GET those of the meter's default set (`DEFAULT_REGISTERS` until configured otherwise). A reading
 * has one encoding only, so padding of another length or content is refused too.
 */
export function decodeRegisterReading(
  body: Uint8Array,
  registers: readonly Obis[],
): RegisterReading | undefined {
  const items = arrayItems(decodeCbor(body)) ?? [];
  const time = decodeTime(items[0]);
  const status = items[1];
  if (time === undefined || !isIntegerWithin(status, 0, STATUS_MAX)) return undefined;
  const entries = registers
    .map((register, i) => decodeEntry(register, items[2 + i]))
    .filter((entry) => entry !== undefined);
  if (entries.length !== registers.length) return undefined;
  const reading = { timeSeconds: time === "unknown" ? undefined : time, status, entries };
  return equal(encodeRegisterReading(reading), body) ? reading : undefined;
}

function encodeEntry(entry: RegisterEntry): CborValue {
  const value = "value" in entry ? entry.value : null;
  if (!isTellable(entry)) return [null, QUALITIES.indexOf("unavailable")];
  const quality = QUALITIES.indexOf(entry.quality);
  const atSeconds = "value" in entry ? entry.atSeconds : undefined;
  if (atSeconds !== undefined) return [value, quality, encodeTime(atSeconds)];
  return entry.quality === "measured" ? value : [value, quality];
}

/** False for a value beyond what five bytes hold. */
export function isTellable(entry: RegisterEntry): boolean {
  return !("value" in entry) || (entry.value >= -VALUE_LIMIT && entry.value < VALUE_LIMIT);
}

function decodeEntry(register: Obis, item: CborValue | undefined): RegisterEntry | undefined {
  if (typeof item === "number") return { register, quality: "measured", value: item };
  const [value, code, timeItem] = arrayItems(item) ?? [];
  const quality = typeof code === "number" ? QUALITIES[code] : undefined;
  if (quality === undefined) return undefined;
  if (quality === "unavailable" || quality === "not-in-meter") return { register, quality };
  if (typeof value !== "number") return undefined;
  if (timeItem === undefined) return { register, quality, value };
  const atSeconds = decodeTime(timeItem);
  return typeof atSeconds === "number" ? { register, quality, value, atSeconds } : undefined;
}

/** Strings of zeros that take `room` (1 to 65) bytes of CBOR together. */
export function paddingOf(room: number): Uint8Array[] {
  if (room === 25) return [EMPTY, new Uint8Array(23)];
  return [new Uint8Array(room - (room < 25 ? 1 : 2))];
}

function checkCount(registers: number): void {
  if (registers < 1 || registers > REGISTERS_PER_REQUEST_MAX) {
    throw new Error(`${registers} registers; a request has 1 to ${REGISTERS_PER_REQUEST_MAX}`);
  }
}
