// Body of the resource `i`: what a meter says of itself.
import { fromText } from "../bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { arrayItems, isIntegerWithin, STATUS_MAX } from "./answer-fields.ts";

/** Events since the meter's start; numbers only grow. */
export interface NameplateCounters {
  /** Readings that the metering part gave. */
  readonly meteringReadings: number;
  /** Polls of the metering part that gave none. */
  readonly meteringFaults: number;
  readonly receivedDatagrams: number;
  /** Frames and datagrams that the link dropped. */
  readonly rejectedFrames: number;
  /** Messages that protection or the server refused. */
  readonly refusedMessages: number;
}

/**
 * Texts are as the meter gave them, up to 64 bytes of UTF-8: a terminal must escape them. Those that
 * a meter has nothing for are empty.
 */
export interface Nameplate {
  readonly serialNumber: string;
  /** Type of the meter. */
  readonly type: string;
  /** Block of flats or line of houses that the meter is read with. */
  readonly block: string;
  /** Leading 8 to 32 bytes of the SHA-256 over the configuration: the same where meters are set alike. */
  readonly configurationDigest: Uint8Array;
  readonly chargingPolicyId: string;
  readonly firmwareVersion: string;
  /** Leading 8 to 32 bytes of the SHA-256 over the firmware. */
  readonly firmwareDigest: Uint8Array;
  /** Name of the metering part: `bl0942`. */
  readonly chip: string;
  /** A, B or C of EN 50470-3, or 2, 1, 0.5 of IEC 62053. */
  readonly accuracyClass: string;
  /** Flashes of the test output for a kilowatt-hour (the meter constant of IEC 62052-11); 0 for none. */
  readonly impulsesPerKilowattHour: number;
  /** The most of what was used that a power cut can take from the registers; null for a meter that keeps nothing. */
  readonly maxLossWattHours: number | null;
  /** State of the clock: bits of a reading's status. */
  readonly clockStatus: number;
  readonly counters: NameplateCounters;
}

const TEXT_BYTES_MAX = 64;
const DIGEST_BYTES_MIN = 8;
const DIGEST_BYTES_MAX = 32;
const IMPULSES_MAX = 0xffffffff;
const MAX_LOSS_WATT_HOURS_MAX = 0xffffffff;

type Check = (item: CborValue | undefined) => boolean;

const isText: Check = (item) => typeof item === "string" && isPlateText(item);
const isDigest: Check = (item) =>
  item instanceof Uint8Array && item.length >= DIGEST_BYTES_MIN && item.length <= DIGEST_BYTES_MAX;
const isCount: Check = (item) => isIntegerWithin(item, 0, Number.MAX_SAFE_INTEGER);

/** Fields in their order on the wire. */
const FIELDS = {
  serialNumber: isText,
  type: isText,
  block: isText,
  configurationDigest: isDigest,
  chargingPolicyId: isText,
  firmwareVersion: isText,
  firmwareDigest: isDigest,
  chip: isText,
  accuracyClass: isText,
  impulsesPerKilowattHour: (item) => isIntegerWithin(item, 0, IMPULSES_MAX),
  maxLossWattHours: (item) => item === null || isIntegerWithin(item, 0, MAX_LOSS_WATT_HOURS_MAX),
  clockStatus: (item) => isIntegerWithin(item, 0, STATUS_MAX),
} as const satisfies Record<Exclude<keyof Nameplate, "counters">, Check>;

const COUNTERS = {
  meteringReadings: isCount,
  meteringFaults: isCount,
  receivedDatagrams: isCount,
  rejectedFrames: isCount,
  refusedMessages: isCount,
} as const satisfies Record<keyof NameplateCounters, Check>;

/** True for what a text of a plate can be; CBOR here has none that starts with a byte order mark. */
export function isPlateText(text: string): boolean {
  return fromText(text).length <= TEXT_BYTES_MAX && !text.startsWith("\ufeff");
}

/** One array of the fields in order, the counters an array within it. A field out of range throws. */
export function encodeNameplate(nameplate: Nameplate): Uint8Array {
  const fields = toItems(FIELDS, nameplate);
  return encodeCbor([...fields, toItems(COUNTERS, nameplate.counters)]);
}

/** The nameplate, or undefined where the body is none. */
export function decodeNameplate(body: Uint8Array): Nameplate | undefined {
  const items = arrayItems(decodeCbor(body)) ?? [];
  const fields = fromItems(FIELDS, items.slice(0, -1));
  const counters = fromItems(COUNTERS, arrayItems(items.at(-1)) ?? []);
  if (fields === undefined || counters === undefined) return undefined;
  return { ...fields, counters } as unknown as Nameplate;
}

function toItems<Name extends string>(
  checks: Readonly<Record<Name, Check>>,
  record: Readonly<Record<NoInfer<Name>, CborValue>>,
): CborValue[] {
  return (Object.keys(checks) as Name[]).map((name) => {
    if (!checks[name](record[name])) throw new Error(`nameplate: ${name} is out of range`);
    return record[name];
  });
}

function fromItems<Name extends string>(
  checks: Readonly<Record<Name, Check>>,
  items: readonly CborValue[],
): Record<Name, CborValue> | undefined {
  const names = Object.keys(checks) as Name[];
  if (items.length !== names.length || !names.every((name, i) => checks[name](items[i]))) return undefined;
  return Object.fromEntries(names.map((name, i) => [name, items[i]])) as Record<Name, CborValue>;
}
