// What registers stand at as a SenML pack (RFC 8428), for readers that know nothing of this meter.
import {
  type CborValue,
  DecimalFraction,
  decodeCborWithFractions,
  encodeCbor,
  encodeCborSequence,
} from "../cbor.ts";
import { arrayItems, isIntegerWithin, STATUS } from "./answer-fields.ts";
import type { Obis } from "./obis.ts";
import type { RegisterEntry, RegisterReading } from "./register-reading.ts";
import { publishedForm } from "./register-table.ts";

/** One record of a pack by its labels in JSON: RFC 8428 table 1. */
export interface SenmlRecord {
  readonly bn?: string;
  readonly bt?: number;
  readonly n?: string;
  readonly u?: string;
  readonly v?: number;
  readonly t?: number;
}

/** Labels in CBOR: RFC 8428 table 4. */
const LABELS = { bn: -2, bt: -3, n: 0, u: 1, v: 2, t: 6 } as const;
/**
 * Units of the registry that every reader must know (RFC 8428 12.1, RFC 8798 2), and what makes them of ours:
 * a watt-hour would take a version of SenML that many do not know (RFC 9100).
 */
const UNITS: ReadonlyMap<string, { readonly unit: string; readonly factor: number }> = new Map([
  ["Wh", { unit: "J", factor: 3600 }],
  ["varh", { unit: "vars", factor: 3600 }],
  ["VAh", { unit: "VAs", factor: 3600 }],
  ["", { unit: "/", factor: 1 }],
]);
/** RFC 8428 4.5.1: names begin with a letter or a digit and have no other characters. */
const NOT_IN_NAMES = /[^A-Za-z0-9\-:./_]/g;
const RECORDS_MAX = 64;
/** Readers ignore labels that they do not know and that do not end with `_` (RFC 8428 12.3). */
const PADDING_LABEL = "pad";
/** What it fills up to: the joules of a register at its end, and a time. */
const VALUE_BYTES = 9;
const TIME_BYTES = 5;
const TIME_MAX_SECONDS = 0xffffffff;

/**
 * The reading as a pack, its names under `baseName`. A value that is not known or that is of before is left out,
 * as SenML cannot say so; without a time to be trusted there is none in the pack. Each record is padded, so that its
 * length does not tell its value.
 */
export function encodeSenmlReading(
  { timeSeconds, status, entries }: RegisterReading,
  baseName: string,
): Uint8Array {
  const baseSeconds = (status & STATUS.clockInvalid) === 0 ? timeSeconds : undefined;
  const records = entries.flatMap((entry) => recordOf(entry, baseSeconds));
  const [first = [], ...rest] = records;
  const base: Fields = [[LABELS.bn, baseName.replace(NOT_IN_NAMES, "_")]];
  if (baseSeconds !== undefined) base.push([LABELS.bt, Math.floor(baseSeconds)]);
  return encodeCbor([new Map([...base, ...first]), ...rest.map((record) => new Map(record))]);
}

type Fields = [label: number | string, value: CborValue][];

function recordOf(entry: RegisterEntry, baseSeconds: number | undefined): Fields[] {
  if (!("value" in entry) || entry.quality === "stale") return [];
  const form = publishedForm(entry.register);
  const { unit, factor } = UNITS.get(form?.unit ?? "") ?? { unit: form?.unit ?? "", factor: 1 };
  const value = decimal(entry.value * factor, form?.scaler ?? 0);
  // A time is counted from the base time (RFC 8428 4.1), without one from 1970.
  const times = entry.atSeconds === undefined ? [] : [entry.atSeconds - Math.floor(baseSeconds ?? 0)];
  const room = VALUE_BYTES + TIME_BYTES * times.length;
  const padding = new Uint8Array(room - encodeCborSequence([value, ...times]).length);
  return [
    [
      [LABELS.n, nameOf(entry.register)],
      [LABELS.v, value],
      ...(form === undefined ? [] : ([[LABELS.u, unit]] satisfies Fields)),
      ...times.map((time): Fields[number] => [LABELS.t, time]),
      [PADDING_LABEL, padding],
    ],
  ];
}

/** `1-0:1.8.0`, as `*255` says only that the value is the present one; else `1-0:1.8.0_12`. */
function nameOf(register: Obis): string {
  return register.replace(/\*255$/, "").replace(NOT_IN_NAMES, "_");
}

/** The shortest form: an integer where it is one. */
function decimal(mantissa: number, exponent: number): CborValue {
  if (exponent >= 0) return mantissa * 10 ** exponent;
  return mantissa % 10 === 0 ? decimal(mantissa / 10, exponent + 1) : new DecimalFraction(mantissa, exponent);
}

/** The records of a pack, or undefined where the body is none that {@link encodeSenmlReading} could write. */
export function decodeSenml(body: Uint8Array): SenmlRecord[] | undefined {
  const items = arrayItems(decodeCborWithFractions(body));
  if (items === undefined || items.length < 1 || items.length > RECORDS_MAX) return undefined;
  const records = items.map(decodeRecord).filter((record) => record !== undefined);
  return records.length === items.length ? records : undefined;
}

function decodeRecord(item: CborValue): SenmlRecord | undefined {
  if (!(item instanceof Map)) return undefined;
  const fields = Object.entries(LABELS).flatMap(([name, label]): [string, CborValue][] => {
    const value: CborValue | undefined = item.get(label);
    return value === undefined ? [] : [[name, value]];
  });
  const padding = item.get(PADDING_LABEL);
  const size = fields.length + (padding === undefined ? 0 : 1);
  const isRecord =
    size === item.size && isPadding(padding) && fields.every((field) => isFieldValue(...field));
  return isRecord ? (Object.fromEntries(fields) as SenmlRecord) : undefined;
}

function isPadding(value: CborValue | undefined): boolean {
  return value === undefined || (value instanceof Uint8Array && value.every((byte) => byte === 0));
}

function isFieldValue(name: string, value: CborValue): boolean {
  if (name === "v") return typeof value === "number";
  if (name === "bt" || name === "t") return isIntegerWithin(value, -TIME_MAX_SECONDS, TIME_MAX_SECONDS);
  return typeof value === "string";
}
