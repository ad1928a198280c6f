// What a DAP tells its operators of itself: the body of resource `d`.
import { type CborValue, decodeCbor, encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { arrayItems } from "../../../firmware/protocol/readings/answer-fields.ts";
import { type DapSettings, DISTRIBUTIONS, RETURNS } from "../forward/settings.ts";

/** One link towards meters. */
export interface LineStatus {
  readonly name: string;
  /** Of its meters; of a DAP with thousands, as many as there is room for. */
  readonly aliases: readonly string[];
  readonly waiting: number;
  readonly underWay: number;
  /** On a line that all share: messages that nobody waited for, by the meter that they seem to be of. */
  readonly unasked: Readonly<Record<string, number>>;
}

export interface DapStatus extends DapSettings {
  readonly id: string;
  readonly meters: number;
  readonly lines: readonly LineStatus[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Requests that are kept for later. */
  readonly held: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** One body has at most 4096 items; what is no name takes the rest. */
export const NAMES_MAX = 3000;

/** `[id, third party, distribution, return, hold seconds, meters, [[link, waiting, under way, aliases, unasked], ...], groups, held, counters]`. */
export function encodeStatus(status: DapStatus): Uint8Array {
  const { id, thirdParty, distribute, holdSeconds, meters, lines, groups, held, counters } = status;
  return encodeCbor([
    ...[
      id,
      thirdParty,
      DISTRIBUTIONS.indexOf(distribute),
      RETURNS.indexOf(status.return),
      holdSeconds,
      meters,
    ],
    lines.map(({ name, waiting, underWay, aliases, unasked }) => [
      ...[name, waiting, underWay, aliases],
      new Map(Object.entries(unasked)),
    ]),
    new Map(Object.entries(groups)),
    held,
    new Map(Object.entries(counters)),
  ]);
}

/** The reverse; undefined for anything else. Never throws. */
export function decodeStatus(bytes: Uint8Array): DapStatus | undefined {
  const items = arrayItems(decodeCbor(bytes)) ?? [];
  const [
    id,
    thirdParty,
    distributeIndex,
    returnIndex,
    holdSeconds,
    meters,
    lineItems,
    groupItems,
    held,
    counts,
  ] = items;
  const distribute = typeof distributeIndex === "number" ? DISTRIBUTIONS[distributeIndex] : undefined;
  const how = typeof returnIndex === "number" ? RETURNS[returnIndex] : undefined;
  const lines = arrayItems(lineItems)?.map(readLine);
  const groups = readMap(groupItems, readAliases);
  const counters = readMap(counts, readNumber);
  if (typeof id !== "string" || typeof thirdParty !== "boolean" || items.length !== 10) return undefined;
  if (typeof holdSeconds !== "number" || typeof meters !== "number" || typeof held !== "number")
    return undefined;
  if (distribute === undefined || how === undefined || groups === undefined || counters === undefined)
    return undefined;
  if (lines === undefined || !lines.every((line) => line !== undefined)) return undefined;
  return { id, thirdParty, distribute, return: how, holdSeconds, meters, lines, groups, held, counters };
}

function readLine(item: CborValue): LineStatus | undefined {
  const [name, waiting, underWay, aliasItems, unaskedItems] = arrayItems(item) ?? [];
  const unasked = readMap(unaskedItems, readNumber);
  const aliases = aliasItems === undefined ? undefined : readAliases(aliasItems);
  if (typeof name !== "string" || typeof waiting !== "number" || typeof underWay !== "number")
    return undefined;
  return aliases && unasked && { name, waiting, underWay, aliases, unasked };
}

function readNumber(value: CborValue): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function readAliases(item: CborValue): readonly string[] | undefined {
  const aliases = arrayItems(item);
  return aliases?.every((alias) => typeof alias === "string") ? (aliases as readonly string[]) : undefined;
}

function readMap<Value>(
  item: CborValue | undefined,
  read: (value: CborValue) => Value | undefined,
): Readonly<Record<string, Value>> | undefined {
  if (!(item instanceof Map)) return undefined;
  const entries = [...(item as ReadonlyMap<number | string, CborValue>)].map(
    ([name, value]) => [name, read(value)] as const,
  );
  if (entries.some(([name, value]) => typeof name !== "string" || value === undefined)) return undefined;
  return Object.fromEntries(entries) as Record<string, Value>;
}
