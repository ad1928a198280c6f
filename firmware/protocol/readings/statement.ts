// What a meter signs: registers as they were, for somebody who sees it years later and has nothing else.
import { equal, fromText } from "../bytes.ts";
import { type CborValue, decodeCbor, encodeCbor, encodeCborSequence } from "../cbor.ts";
import { arrayItems, decodeTime, encodeTime, isIntegerWithin, STATUS_MAX } from "./answer-fields.ts";
import { isPlateText } from "./nameplate.ts";
import { type Obis, obisBytes, obisFromBytes } from "./obis.ts";
import {
  isTellable,
  paddingOf,
  QUALITIES,
  REGISTERS_PER_REQUEST_MAX,
  type RegisterEntry,
  VALUE_BYTES,
} from "./register-reading.ts";
import { publishedForm } from "./register-table.ts";
import { decodeMonth, isChallenge, type StatedMonth } from "./statement-request.ts";

/** A register with all that it takes to read its value. */
export type StatedEntry = RegisterEntry & { readonly unit: string; readonly scaler: number };

/** The month at whose end the registers stood so, and by which readings that is known. */
export interface MonthStatement extends StatedMonth {
  readonly endSeconds: number;
  /** UTC of the last reading before the end, and of the first at or after it, of which the values are. */
  readonly beforeSeconds: number;
  readonly afterSeconds: number;
  /** Bits of `INTERVAL_FLAG`: an outage lay over the end, or the clock was set over it. */
  readonly flags: number;
  /** COSEM's clock status at that first reading. */
  readonly clockStatus: number;
}

export interface Statement {
  readonly serialNumber: string;
  /** The alias of the credential whose signing key it is signed by. */
  readonly id: string;
  /** From 1, one more for each statement that the meter made, whoever asked. */
  readonly sequence: number;
  /** SHA-256 of the payload of the statement before; empty in the first. */
  readonly previous: Uint8Array;
  /** The asker's. */
  readonly challenge: Uint8Array;
  /** When it was made; undefined where the meter did not know. */
  readonly timeSeconds: number | undefined;
  /** Bits of `STATUS`; `simulatedTime` among them. */
  readonly status: number;
  /** COSEM's. */
  readonly clockStatus: number;
  /** Undefined where the registers are of the time that it was made. */
  readonly month: MonthStatement | undefined;
  readonly entries: readonly StatedEntry[];
}

/** What a meter signs it for: its signature under anything else is no statement, and the other way round. */
export const STATEMENT_CONTEXT = fromText("meterbench statement");

const FORM = 1;
const SEQUENCE_MAX = 0xffffffff;
const HASH_BYTES = 32;
const BYTE_MAX = 0xff;
const UNIT_CHARACTERS_MAX = 8;
const SCALER_MAX = 9;

/** The entry as it is stated: with its unit, and what no answer can tell as unavailable. */
export function statedEntry(entry: RegisterEntry): StatedEntry {
  const { unit, scaler } = publishedForm(entry.register) ?? { unit: "", scaler: 0 };
  const tellable: RegisterEntry = isTellable(entry)
    ? entry
    : { register: entry.register, quality: "unavailable" };
  return { ...tellable, unit, scaler };
}

/**
 * `[form, serial number, id, sequence, previous, challenge, time, status, clock status, month, entries, padding, ...]`.
 * The padding is a register reading's, so that the length does not tell what was used. What is no statement throws.
 */
export function encodeStatement(statement: Statement): Uint8Array {
  const { serialNumber, id, sequence, previous, challenge, timeSeconds, status, clockStatus } = statement;
  const entries = statement.entries.map(entryToCbor);
  const values = statement.entries.map((entry) => ("value" in entry ? entry.value : null));
  const room = VALUE_BYTES * values.length + 1 - encodeCborSequence(values).length;
  const body = encodeCbor([
    ...[FORM, serialNumber, id, sequence, previous, challenge],
    ...[encodeTime(timeSeconds), status, clockStatus, monthToCbor(statement.month), entries],
    ...paddingOf(room),
  ]);
  if (fromCbor(decodeCbor(body)) === undefined) throw new Error(`no statement: ${JSON.stringify(statement)}`);
  return body;
}

/** The statement that a payload is, or undefined; it has one encoding only. Whose it is its signature says. */
export function decodeStatement(payload: Uint8Array): Statement | undefined {
  const statement = fromCbor(decodeCbor(payload));
  return statement !== undefined && equal(encodeStatement(statement), payload) ? statement : undefined;
}

function fromCbor(value: CborValue | undefined): Statement | undefined {
  const [form, serialNumber, id, sequence, previous, challenge, ...rest] = arrayItems(value) ?? [];
  const [timeItem, status, clockStatus, monthItem, list] = rest;
  const time = decodeTime(timeItem);
  const month = monthItem === null ? undefined : monthFromCbor(monthItem);
  const entries = entriesFromCbor(list);
  if (form !== FORM || !isText(serialNumber) || !isText(id) || time === undefined) return undefined;
  if (!isIntegerWithin(sequence, 1, SEQUENCE_MAX) || !isHash(previous) || !isChallenge(challenge))
    return undefined;
  if (!isIntegerWithin(status, 0, STATUS_MAX) || !isIntegerWithin(clockStatus, 0, BYTE_MAX)) return undefined;
  if (entries === undefined || (monthItem !== null && month === undefined)) return undefined;
  const timeSeconds = time === "unknown" ? undefined : time;
  const made = { serialNumber, id, sequence, previous, challenge, timeSeconds, status, clockStatus };
  return { ...made, month, entries };
}

function monthToCbor(month: MonthStatement | undefined): CborValue {
  if (month === undefined) return null;
  const { endSeconds, beforeSeconds, afterSeconds, flags, clockStatus } = month;
  const seen = [endSeconds, beforeSeconds, afterSeconds].map(encodeTime);
  return [month.year, month.month, ...seen, flags, clockStatus];
}

function monthFromCbor(item: CborValue | undefined): MonthStatement | undefined {
  const [year = null, number = null, end, before, after, flags, clockStatus, ...more] =
    arrayItems(item) ?? [];
  const month = decodeMonth([year, number]);
  const [endSeconds, beforeSeconds, afterSeconds] = [end, before, after].map(decodeTime);
  if (month === undefined || more.length > 0) return undefined;
  if (typeof endSeconds !== "number" || typeof beforeSeconds !== "number") return undefined;
  if (typeof afterSeconds !== "number" || !isIntegerWithin(flags, 0, BYTE_MAX)) return undefined;
  if (!isIntegerWithin(clockStatus, 0, BYTE_MAX)) return undefined;
  return { ...month, endSeconds, beforeSeconds, afterSeconds, flags, clockStatus };
}

function entryToCbor(entry: StatedEntry): CborValue {
  const value = "value" in entry ? entry.value : null;
  const atSeconds = "value" in entry ? entry.atSeconds : undefined;
  return [
    ...[obisBytes(entry.register), value, QUALITIES.indexOf(entry.quality), entry.unit, entry.scaler],
    ...(atSeconds === undefined ? [] : [encodeTime(atSeconds)]),
  ];
}

function entriesFromCbor(list: CborValue | undefined): StatedEntry[] | undefined {
  const items = arrayItems(list) ?? [];
  if (items.length < 1 || items.length > REGISTERS_PER_REQUEST_MAX) return undefined;
  const entries = items.map(entryFromCbor).filter((entry) => entry !== undefined);
  return entries.length === items.length ? entries : undefined;
}

function entryFromCbor(item: CborValue): StatedEntry | undefined {
  const [name, value, code, unit, scaler, timeItem] = arrayItems(item) ?? [];
  const register = name instanceof Uint8Array ? obisFromBytes(name) : undefined;
  if (register === undefined || typeof unit !== "string" || unit.length > UNIT_CHARACTERS_MAX)
    return undefined;
  const entry = registerEntry(register, [value, code, timeItem]);
  return entry && isIntegerWithin(scaler, -SCALER_MAX, SCALER_MAX) ? { ...entry, unit, scaler } : undefined;
}

function registerEntry(
  register: Obis,
  [value, code, timeItem]: readonly (CborValue | undefined)[],
): RegisterEntry | undefined {
  const quality = typeof code === "number" ? QUALITIES[code] : undefined;
  if (quality === undefined) return undefined;
  if (quality === "unavailable" || quality === "not-in-meter")
    return value === null ? { register, quality } : undefined;
  const atSeconds = timeItem === undefined ? undefined : decodeTime(timeItem);
  if (typeof value !== "number" || (timeItem !== undefined && typeof atSeconds !== "number"))
    return undefined;
  const entry = { register, quality, value, ...(typeof atSeconds === "number" && { atSeconds }) };
  return isTellable(entry) ? entry : undefined;
}

function isText(item: CborValue | undefined): item is string {
  return typeof item === "string" && isPlateText(item);
}

function isHash(item: CborValue | undefined): item is Uint8Array {
  return item instanceof Uint8Array && (item.length === 0 || item.length === HASH_BYTES);
}
