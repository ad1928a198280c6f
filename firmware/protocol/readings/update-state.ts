// What the resource `u` tells: what a board has in its slots and on the way there, and why it does not take an image.
import { IMAGE_BYTES_MAX } from "../../update/manifest.ts";
import { type BoardFacts, type Refused, UPDATE_REFUSALS } from "../../update/refusals.ts";
import {
  type Incoming,
  SLOTS,
  type Slot,
  type SlotImage,
  type SlotsReport,
  type Trial,
  type UpdateOutcome,
} from "../../update/slots-report.ts";
import { EMPTY } from "../bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../cbor.ts";
import { arrayItems, isIntegerWithin } from "./answer-fields.ts";
import { DIGEST_BYTES } from "./update-part.ts";

type Item = CborValue | undefined;

const SLOT_STATES: readonly SlotImage["state"][] = ["confirmed", "trial", "old", "broken"];
const OUTCOMES: readonly UpdateOutcome["kind"][] = ["confirmed", "rolled-back", "refused"];
const LIBCS: readonly BoardFacts["libc"]["kind"][] = ["glibc", "musl"];

/** A sentence for a person; longer ones are cut. */
const TEXT_CHARACTERS_MAX = 240;
/** What cannot steer a terminal, and takes a byte for each character. */
const PLAIN = /^[ -~]*$/;
/** More starts than a trial ever has. */
const STARTS_MAX = 255;
const COUNT_MAX = Number.MAX_SAFE_INTEGER;

/**
 * `[facts, floor, floor's digest, running schema, current, trial, [slot a, slot b], incoming, outcome]`, with null for
 * what there is not. Characters of a text that are no printable ASCII go as question marks.
 */
export function encodeUpdateState(report: SlotsReport): Uint8Array {
  const { facts, floor, floorDigest, runningSchema, current, trial, slots, incoming, outcome } = report;
  const { board, arch, libc, nodeVersion } = facts;
  return encodeCbor([
    [plain(board), plain(arch), LIBCS.indexOf(libc.kind), plain(libc.version ?? ""), plain(nodeVersion)],
    floor,
    floorDigest ?? EMPTY,
    runningSchema ? [...runningSchema.reads, runningSchema.writes] : null,
    current ? SLOTS.indexOf(current) : null,
    trial ? [SLOTS.indexOf(trial.slot), trial.left] : null,
    SLOTS.map((slot) => imageToCbor(slots[slot])),
    incoming ? [incoming.digest, incoming.imageBytes, incoming.received] : null,
    outcome ? outcomeToCbor(outcome) : null,
  ]);
}

/** The report, or undefined where the body is none. */
export function decodeUpdateState(body: Uint8Array): SlotsReport | undefined {
  const [factsItem, floor, floorDigest, schemaItem, currentItem, trialItem, ...rest] =
    arrayItems(decodeCbor(body)) ?? [];
  const [slotsItem, incomingItem, outcomeItem, ...more] = rest;
  const facts = factsFromCbor(factsItem);
  const slots = slotsFromCbor(slotsItem);
  if (facts === undefined || slots === undefined || !isCount(floor) || !isDigestOrNone(floorDigest))
    return undefined;
  const runningSchema = maybe(schemaItem, schemaFromCbor);
  const current = maybe(currentItem, slotFromCbor);
  const trial = maybe(trialItem, trialFromCbor);
  const incoming = maybe(incomingItem, incomingFromCbor);
  const outcome = maybe(outcomeItem, outcomeFromCbor);
  const isWhole = [runningSchema, current, trial, incoming, outcome].every((part) => part !== undefined);
  if (!isWhole || more.length > 0) return undefined;
  return {
    ...{ facts, floor, slots },
    ...(floorDigest.length > 0 && { floorDigest }),
    ...(runningSchema && { runningSchema }),
    ...(current && { current }),
    ...(trial && { trial }),
    ...(incoming && { incoming }),
    ...(outcome && { outcome }),
  };
}

/** `[refusal, received, why]`: received is null for all but "gap", why is empty where there is nothing to say. */
export function encodeUpdateRefusal({ refusal, received, why = "" }: Refused): Uint8Array {
  return encodeCbor([UPDATE_REFUSALS.indexOf(refusal), received ?? null, plain(why)]);
}

/** Why nothing was done, or undefined where the body does not say. */
export function decodeUpdateRefusal(body: Uint8Array): Refused | undefined {
  const [index, received, why, ...more] = arrayItems(decodeCbor(body)) ?? [];
  const refusal = placed(UPDATE_REFUSALS, index);
  if (refusal === undefined || !isText(why) || more.length > 0) return undefined;
  if (received !== null && !isIntegerWithin(received, 0, IMAGE_BYTES_MAX)) return undefined;
  if ((refusal === "gap") !== (received !== null)) return undefined;
  return { refusal, ...(why !== "" && { why }), ...(received !== null && { received }) };
}

function imageToCbor(image: SlotImage | undefined): CborValue {
  if (image === undefined) return null;
  const { sequence, version, digest, state } = image;
  return [sequence, plain(version), digest, SLOT_STATES.indexOf(state)];
}

function imageFromCbor(item: Item): SlotImage | undefined {
  const [sequence, version, digest, stateItem, ...more] = arrayItems(item) ?? [];
  const state = placed(SLOT_STATES, stateItem);
  if (!isCount(sequence) || !isText(version) || !isDigestOrNone(digest)) return undefined;
  return state === undefined || more.length > 0 ? undefined : { sequence, version, digest, state };
}

function slotsFromCbor(item: Item): SlotsReport["slots"] | undefined {
  const [a, b, ...more] = (arrayItems(item) ?? []).map((image) => maybe(image, imageFromCbor));
  if (a === undefined || b === undefined || more.length > 0) return undefined;
  return { ...(a && { a }), ...(b && { b }) };
}

function factsFromCbor(item: Item): BoardFacts | undefined {
  const [board, arch, kindItem, version, nodeVersion, ...more] = arrayItems(item) ?? [];
  const kind = placed(LIBCS, kindItem);
  if (!isText(board) || !isText(arch) || !isText(version) || !isText(nodeVersion)) return undefined;
  if (kind === undefined || more.length > 0) return undefined;
  return { board, arch, libc: { kind, ...(version !== "" && { version }) }, nodeVersion };
}

function schemaFromCbor(item: Item): SlotsReport["runningSchema"] {
  const [from, to, writes, ...more] = arrayItems(item) ?? [];
  if (!isCount(from) || !isCount(to) || !isCount(writes) || more.length > 0) return undefined;
  return { reads: [from, to], writes };
}

function slotFromCbor(item: Item): Slot | undefined {
  return placed(SLOTS, item);
}

function trialFromCbor(item: Item): Trial | undefined {
  const [slotItem, left, ...more] = arrayItems(item) ?? [];
  const slot = placed(SLOTS, slotItem);
  if (slot === undefined || !isIntegerWithin(left, 0, STARTS_MAX) || more.length > 0) return undefined;
  return { slot, left };
}

function incomingFromCbor(item: Item): Incoming | undefined {
  const [digest, imageBytes, received, ...more] = arrayItems(item) ?? [];
  if (!isDigestOrNone(digest) || digest.length === 0 || more.length > 0) return undefined;
  if (!isIntegerWithin(imageBytes, 1, IMAGE_BYTES_MAX)) return undefined;
  return isIntegerWithin(received, 0, imageBytes) ? { digest, imageBytes, received } : undefined;
}

function outcomeToCbor({ kind, sequence, why = "" }: UpdateOutcome): CborValue {
  return [OUTCOMES.indexOf(kind), sequence, plain(why)];
}

function outcomeFromCbor(item: Item): UpdateOutcome | undefined {
  const [kindItem, sequence, why, ...more] = arrayItems(item) ?? [];
  const kind = placed(OUTCOMES, kindItem);
  if (kind === undefined || !isCount(sequence) || !isText(why) || more.length > 0) return undefined;
  return { kind, sequence, ...(why !== "" && { why }) };
}

/** What an item says that may be null; undefined where it is neither. */
function maybe<Value>(item: Item, read: (item: Item) => Value | undefined): Value | null | undefined {
  return item === null ? null : read(item);
}

function placed<Name>(names: readonly Name[], index: Item): Name | undefined {
  return typeof index === "number" ? names[index] : undefined;
}

function isCount(item: Item): item is number {
  return isIntegerWithin(item, 0, COUNT_MAX);
}

function isText(item: Item): item is string {
  return typeof item === "string" && item.length <= TEXT_CHARACTERS_MAX && PLAIN.test(item);
}

function isDigestOrNone(item: Item): item is Uint8Array {
  return item instanceof Uint8Array && (item.length === 0 || item.length === DIGEST_BYTES);
}

function plain(text: string): string {
  return text.slice(0, TEXT_CHARACTERS_MAX).replace(/[^ -~]/g, "?");
}
