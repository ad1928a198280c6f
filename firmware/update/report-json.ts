// The answers of a board's loader in JSON, as it prints them and whoever calls it reads them; digests are in hex.
import { fromHex, toHex } from "../protocol/bytes.ts";
import type { DataSchema } from "./manifest.ts";
import type { BoardFacts, Refused } from "./refusals.ts";
import { UPDATE_REFUSALS } from "./refusals.ts";
import {
  type Incoming,
  type Installed,
  SLOTS,
  type Slot,
  type SlotImage,
  type SlotState,
  type SlotsReport,
  type Trial,
  type UpdateOutcome,
} from "./slots-report.ts";

/** What `JSON.stringify` takes. */
export function reportDocument(report: SlotsReport): object {
  const { floorDigest, slots, incoming } = report;
  const hexSlots = Object.entries(slots).map(([slot, { digest, ...image }]) => [
    slot,
    { ...image, digest: toHex(digest) },
  ]);
  return {
    ...report,
    ...(floorDigest !== undefined && { floorDigest: toHex(floorDigest) }),
    slots: Object.fromEntries(hexSlots),
    ...(incoming !== undefined && { incoming: { ...incoming, digest: toHex(incoming.digest) } }),
  };
}

/** The report in what `JSON.parse` gives, or undefined: a board's words are as good as a stranger's. */
export function reportFrom(document: unknown): SlotsReport | undefined {
  const from = (name: string) => fieldOf(document, name);
  const facts = factsFrom(from("facts"));
  const floor = from("floor");
  const slots = slotsFrom(from("slots"));
  if (facts === undefined || !isCount(floor) || slots === undefined) return undefined;
  const rest = {
    floorDigest: maybe(from("floorDigest"), digestFrom),
    runningSchema: maybe(from("runningSchema"), schemaFrom),
    current: maybe(from("current"), slotFrom),
    trial: maybe(from("trial"), trialFrom),
    incoming: maybe(from("incoming"), incomingFrom),
    outcome: maybe(from("outcome"), outcomeFrom),
  };
  const given = Object.entries(rest).filter(([name]) => from(name) !== undefined);
  if (given.some(([, value]) => value === undefined)) return undefined;
  return { facts, floor, slots, ...Object.fromEntries(given) };
}

/** What a loader prints when it was told to install: where the image is, or why it is nowhere. */
export function installedFrom(document: unknown): Installed | Refused | undefined {
  const refusal = UPDATE_REFUSALS.find((known) => known === fieldOf(document, "refusal"));
  const why = fieldOf(document, "why");
  if (refusal !== undefined) return { refusal, ...(isText(why) && { why }) };
  const [slot, sequence] = [slotFrom(fieldOf(document, "slot")), fieldOf(document, "sequence")];
  const armed = fieldOf(document, "armed");
  return slot === undefined || !isCount(sequence) || typeof armed !== "boolean"
    ? undefined
    : { slot, sequence, armed };
}

const TEXT_LENGTH_MAX = 1024;
const DIGEST_HEX = /^(?:[0-9a-f]{64})?$/;
const STATES: readonly SlotState[] = ["confirmed", "trial", "old", "broken"];
const OUTCOMES: readonly UpdateOutcome["kind"][] = ["confirmed", "rolled-back", "refused"];

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function maybe<Value>(value: unknown, read: (value: unknown) => Value | undefined): Value | undefined {
  return value === undefined ? undefined : read(value);
}

function factsFrom(value: unknown): BoardFacts | undefined {
  const [board, arch, nodeVersion] = ["board", "arch", "nodeVersion"].map((name) => fieldOf(value, name));
  const kind = (["glibc", "musl"] as const).find(
    (known) => known === fieldOf(fieldOf(value, "libc"), "kind"),
  );
  const version = fieldOf(fieldOf(value, "libc"), "version");
  if (!isText(board) || !isText(arch) || !isText(nodeVersion) || kind === undefined) return undefined;
  return { board, arch, libc: { kind, ...(isText(version) && { version }) }, nodeVersion };
}

function slotsFrom(value: unknown): SlotsReport["slots"] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const found = SLOTS.filter((slot) => fieldOf(value, slot) !== undefined).map(
    (slot) => [slot, slotImageFrom(fieldOf(value, slot))] as const,
  );
  return found.some(([, image]) => image === undefined) ? undefined : Object.fromEntries(found);
}

function slotImageFrom(value: unknown): SlotImage | undefined {
  const [sequence, version] = [fieldOf(value, "sequence"), fieldOf(value, "version")];
  const digest = digestFrom(fieldOf(value, "digest"));
  const state = STATES.find((known) => known === fieldOf(value, "state"));
  if (!isCount(sequence) || !isText(version) || digest === undefined || state === undefined) return undefined;
  return { sequence, version, digest, state };
}

function trialFrom(value: unknown): Trial | undefined {
  const [slot, left] = [slotFrom(fieldOf(value, "slot")), fieldOf(value, "left")];
  return slot === undefined || !isCount(left) ? undefined : { slot, left };
}

function incomingFrom(value: unknown): Incoming | undefined {
  const digest = digestFrom(fieldOf(value, "digest"));
  const [imageBytes, received] = [fieldOf(value, "imageBytes"), fieldOf(value, "received")];
  return digest === undefined || !isCount(imageBytes) || !isCount(received)
    ? undefined
    : { digest, imageBytes, received };
}

function outcomeFrom(value: unknown): UpdateOutcome | undefined {
  const kind = OUTCOMES.find((known) => known === fieldOf(value, "kind"));
  const [sequence, why] = [fieldOf(value, "sequence"), fieldOf(value, "why")];
  if (kind === undefined || !isCount(sequence)) return undefined;
  return { kind, sequence, ...(isText(why) && { why }) };
}

function schemaFrom(value: unknown): DataSchema | undefined {
  const [reads, writes] = [fieldOf(value, "reads"), fieldOf(value, "writes")];
  if (!Array.isArray(reads) || reads.length !== 2) return undefined;
  const [from, to] = reads as readonly unknown[];
  return isCount(from) && isCount(to) && isCount(writes) ? { reads: [from, to], writes } : undefined;
}

function slotFrom(value: unknown): Slot | undefined {
  return SLOTS.find((known) => known === value);
}

function digestFrom(value: unknown): Uint8Array | undefined {
  return typeof value === "string" && DIGEST_HEX.test(value) ? fromHex(value) : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= TEXT_LENGTH_MAX;
}
