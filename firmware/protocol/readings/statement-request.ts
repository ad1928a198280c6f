// Body of the resource `s`: what a head-end wants a signed statement of.
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { arrayItems, isIntegerWithin } from "./answer-fields.ts";
import type { Obis } from "./obis.ts";
import { REGISTERS_PER_REQUEST_MAX } from "./register-reading.ts";
import { decodeRegisterName, encodeRegisterName } from "./register-table.ts";

export interface StatementRequest {
  /** Comes back in the statement: whoever asked knows by it that the statement was made for him, and when. */
  readonly challenge: Uint8Array;
  readonly registers: readonly Obis[];
  /** The month at whose end they are wanted; of now where there is none. */
  readonly month?: StatedMonth;
}

/** A month by the calendar of the meter's place, 1 to 12. */
export interface StatedMonth {
  readonly year: number;
  readonly month: number;
}

const CHALLENGE_BYTES = { least: 8, most: 32 } as const;
/** Years of a time that an answer can tell. */
const YEARS = { first: 1970, last: 2106 } as const;

/** `[challenge, [register, ...]]`, with `year, month` after it for the end of a month. What cannot be asked throws. */
export function encodeStatementRequest({ challenge, registers, month }: StatementRequest): Uint8Array {
  const of = month === undefined ? [] : [month.year, month.month];
  const body = encodeCbor([challenge, registers.map(encodeRegisterName), ...of]);
  if (decodeStatementRequest(body) === undefined) throw new Error("no statement can be asked for like this");
  return body;
}

/** The request, or undefined where the body is none. */
export function decodeStatementRequest(body: Uint8Array): StatementRequest | undefined {
  const [challenge, list, ...of] = arrayItems(decodeCbor(body)) ?? [];
  const names = arrayItems(list) ?? [];
  const registers = names.map(decodeRegisterName).filter((register) => register !== undefined);
  if (!isChallenge(challenge) || registers.length !== names.length) return undefined;
  if (registers.length < 1 || registers.length > REGISTERS_PER_REQUEST_MAX) return undefined;
  if (of.length === 0) return { challenge, registers };
  const month = decodeMonth(of);
  return month && { challenge, registers, month };
}

/** The two items `year, month`, or undefined. */
export function decodeMonth([year, month, ...more]: readonly CborValue[]): StatedMonth | undefined {
  if (more.length > 0 || !isIntegerWithin(month, 1, 12)) return undefined;
  return isIntegerWithin(year, YEARS.first, YEARS.last) ? { year, month } : undefined;
}

export function isChallenge(item: CborValue | undefined): item is Uint8Array {
  if (!(item instanceof Uint8Array)) return false;
  return item.length >= CHALLENGE_BYTES.least && item.length <= CHALLENGE_BYTES.most;
}
