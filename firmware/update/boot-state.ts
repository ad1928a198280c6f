// What a loader knows beside the link to the confirmed slot: the floor, a trial, how the last update ended.
import type { FileTree } from "../../hal/ports/file-tree.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";
import { crc32c } from "../journal/crc32c.ts";
import { concat, equal } from "../protocol/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../protocol/cbor.ts";
import { SLOTS, type Slot, type UpdateOutcome } from "./slots-report.ts";
import { replaceDurably } from "./tree-steps.ts";

/** An image that is to be started, with what it must be when it is. */
export interface ArmedTrial {
  readonly slot: Slot;
  /** Starts that it still has. */
  readonly left: number;
  readonly sequence: number;
  /** SHA-256 of its manifest. */
  readonly digest: Uint8Array;
}

export interface BootState {
  readonly floor: number;
  /** Of the manifest that the floor comes from. */
  readonly floorDigest?: Uint8Array | undefined;
  readonly trial?: ArmedTrial | undefined;
  readonly outcome?: UpdateOutcome | undefined;
}

export const BOOT_STATE_FILE = "boot.state";
/** Starts that an image has to be confirmed in; RAUC and U-Boot give as many. */
export const TRIES = 3;
/** How long each of them may take: what a meter needs to be confirmed is over in a minute on the slowest board. */
export const TRIAL_LIMIT_MS = 600_000;
const FORMAT = 1;
const CRC_BYTES = 4;
/** Ours take some hundred bytes. */
const STATE_BYTES_MAX = 1024;
/** For a person: longer reasons are cut off. */
const WHY_LENGTH_MAX = 200;
const OUTCOMES = ["confirmed", "rolled-back", "refused"] as const;

/** `[1, floor, floor's digest or null, [slot, left, sequence, digest] or null, [outcome, sequence, why or null] or null]`, CRC-32C. */
export function encodeBootState({ floor, floorDigest, trial, outcome }: BootState): Uint8Array {
  const body = encodeCbor([
    ...[FORMAT, floor, floorDigest ?? null],
    trial ? [SLOTS.indexOf(trial.slot), trial.left, trial.sequence, trial.digest] : null,
    outcome
      ? [OUTCOMES.indexOf(outcome.kind), outcome.sequence, outcome.why?.slice(0, WHY_LENGTH_MAX) ?? null]
      : null,
  ]);
  return concat(body, checkOf(body));
}

/** The state that the bytes are, or undefined: torn, spoiled, of another version. */
export function decodeBootState(bytes: Uint8Array): BootState | undefined {
  const body = bytes.subarray(0, Math.max(bytes.length - CRC_BYTES, 0));
  if (bytes.length > STATE_BYTES_MAX || !equal(bytes, concat(body, checkOf(body)))) return undefined;
  const items = decodeCbor(body);
  if (!Array.isArray(items) || items.length !== 5 || items[0] !== FORMAT) return undefined;
  const [, floor, floorDigest, trialItems, outcomeItems] = items as readonly CborValue[];
  const [trial, outcome] = [trialFrom(trialItems), outcomeFrom(outcomeItems)];
  if (typeof floor !== "number" || floor < 0) return undefined;
  if (floorDigest !== null && !(floorDigest instanceof Uint8Array)) return undefined;
  if ((trialItems !== null && !trial) || (outcomeItems !== null && !outcome)) return undefined;
  return { floor, ...(floorDigest && { floorDigest }), ...(trial && { trial }), ...(outcome && { outcome }) };
}

/** Undefined where there is none, or none that can be relied on. */
export function readBootState(tree: FileTree): BootState | undefined {
  const size = tree.sizeOf(BOOT_STATE_FILE);
  const bytes = size === undefined || size > STATE_BYTES_MAX ? undefined : tree.read(BOOT_STATE_FILE);
  return bytes && decodeBootState(bytes);
}

/** Durable once it is done; a cut before leaves the state of before. */
export function writeBootState(tree: FileTree, state: BootState): StorageResult {
  return replaceDurably(tree, BOOT_STATE_FILE, encodeBootState(state));
}

function trialFrom(value: CborValue | undefined): ArmedTrial | undefined {
  if (!Array.isArray(value) || value.length !== 4) return undefined;
  const [index, left, sequence, digest] = value as readonly CborValue[];
  const slot = typeof index === "number" ? SLOTS[index] : undefined;
  if (slot === undefined || typeof left !== "number" || left < 0 || left > TRIES) return undefined;
  if (typeof sequence !== "number" || !(digest instanceof Uint8Array)) return undefined;
  return { slot, left, sequence, digest };
}

function outcomeFrom(value: CborValue | undefined): UpdateOutcome | undefined {
  if (!Array.isArray(value) || value.length !== 3) return undefined;
  const [index, sequence, why] = value as readonly CborValue[];
  const kind = typeof index === "number" ? OUTCOMES[index] : undefined;
  if (kind === undefined || typeof sequence !== "number") return undefined;
  return typeof why === "string" ? { kind, sequence, why } : { kind, sequence };
}

function checkOf(body: Uint8Array): Uint8Array {
  const check = new Uint8Array(CRC_BYTES);
  new DataView(check.buffer).setUint32(0, crc32c(body));
  return check;
}
