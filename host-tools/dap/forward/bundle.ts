// Sealed answers of many meters in one body: what a DAP makes of them, and what a head-end takes it apart with.
import { type CborValue, decodeCbor, encodeCbor } from "../../../firmware/protocol/cbor.ts";
import { type CoapContent, findOption, OPTION } from "../../../firmware/protocol/coap/message.ts";

/** Why a meter has no answer in a bundle, as far as a DAP knows. */
export const MISSING = {
  "no-answer": 0,
  "no-route": 1,
  "line-down": 2,
  "queue-full": 3,
  "too-long": 4,
} as const;

export type MissingReason = keyof typeof MISSING;

/** One meter's answer as it came to the DAP; of its options the OSCORE option alone. */
export interface BundledAnswer {
  readonly alias: string;
  readonly code: number;
  /** Undefined for an answer that is not protected, as a refusal. */
  readonly oscoreOption: Uint8Array | undefined;
  readonly payload: Uint8Array;
}

/** A meter without an answer; `unknown` is a reason that this end has no word for. */
export interface MissingAnswer {
  readonly alias: string;
  readonly reason: MissingReason | "unknown";
}

export interface Bundle {
  readonly answers: readonly BundledAnswer[];
  readonly missing: readonly MissingAnswer[];
}

/** Five items of CBOR each, of the 4096 that one body may have. */
export const BUNDLE_ENTRIES_MAX = 512;

/** One of a bundle's answers, of a message that a meter sent. */
export function bundled(alias: string, answer: CoapContent): BundledAnswer {
  const { code, payload } = answer;
  return { alias, code, oscoreOption: findOption(answer, OPTION.oscore), payload };
}

/** The message that a meter sent, as far as a bundle has it. */
export function unbundled({ code, oscoreOption, payload }: BundledAnswer): CoapContent {
  const options = oscoreOption === undefined ? [] : [{ number: OPTION.oscore, value: oscoreOption }];
  return { code, options, payload };
}

/** `[[[alias, code, OSCORE option or null, payload], ...], [[alias, reason], ...]]`. */
export function encodeBundle({ answers, missing }: Bundle): Uint8Array {
  return encodeCbor([
    answers.map(({ alias, code, oscoreOption, payload }) => [alias, code, oscoreOption ?? null, payload]),
    missing.map(({ alias, reason }) => [alias, reason === "unknown" ? -1 : MISSING[reason]]),
  ]);
}

/** The reverse; undefined for anything else. Never throws. */
export function decodeBundle(bytes: Uint8Array): Bundle | undefined {
  const [answerItems, missingItems, ...more] = itemsOf(decodeCbor(bytes)) ?? [];
  const [answers, missing] = [readAll(answerItems, readAnswer), readAll(missingItems, readMissing)];
  return answers === undefined || missing === undefined || more.length > 0 ? undefined : { answers, missing };
}

function readAnswer(item: CborValue): BundledAnswer | undefined {
  const [alias, code, option, payload, ...more] = itemsOf(item) ?? [];
  if (typeof alias !== "string" || typeof code !== "number" || !isBytes(payload) || more.length > 0)
    return undefined;
  const isCode = code >= 0x40 && code <= 0xbf;
  if (!isCode || !(option === null || isBytes(option))) return undefined;
  return { alias, code, oscoreOption: option ?? undefined, payload };
}

function readMissing(item: CborValue): MissingAnswer | undefined {
  const [alias, number, ...more] = itemsOf(item) ?? [];
  if (typeof alias !== "string" || typeof number !== "number" || more.length > 0) return undefined;
  const known = (Object.keys(MISSING) as MissingReason[]).find((reason) => MISSING[reason] === number);
  return { alias, reason: known ?? "unknown" };
}

function readAll<Read>(
  items: CborValue | undefined,
  read: (item: CborValue) => Read | undefined,
): readonly Read[] | undefined {
  const found = itemsOf(items)?.map(read);
  if (found === undefined || found.length > BUNDLE_ENTRIES_MAX) return undefined;
  return found.every((each) => each !== undefined) ? (found as Read[]) : undefined;
}

function itemsOf(value: CborValue | undefined): readonly CborValue[] | undefined {
  return Array.isArray(value) ? (value as readonly CborValue[]) : undefined;
}

function isBytes(value: CborValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array;
}
