// By which start of a meter's storage something is said, so that a storage that was put back, lost or copied is found.
import { concat, equal, fromUint, toHex, toUint } from "./bytes.ts";
import { type CoapContent, findOption, OPTION, withOptions, withoutOptions } from "./coap/message.ts";
import type { Peer } from "./sessions.ts";

/**
 * One start of one storage. The count alone would not do: a storage that was put back by one start counts the next one
 * as it was counted before.
 */
export interface Epoch {
  /** How often the storage was started, this time included: 1 to 2^32 - 1. */
  readonly count: number;
  /** Drawn at each start, {@link EPOCH_MARK_BYTES} long. */
  readonly mark: Uint8Array;
}

/** Two starts with one mark are as likely as a guess of an OSCORE tag of half its length: and there are few starts. */
export const EPOCH_MARK_BYTES = 4;
const COUNT_BYTES_MAX = 4;

/** The content with an epoch: mark, then count. */
export function withEpoch(content: CoapContent, { count, mark }: Epoch): CoapContent {
  return withOptions(content, { number: OPTION.epoch, value: concat(mark, fromUint(count)) });
}

/** The epoch that the content tells, if any. */
export function epochOf(content: CoapContent): Epoch | undefined {
  const value = findOption(content, OPTION.epoch);
  const countBytes = (value?.length ?? 0) - EPOCH_MARK_BYTES;
  if (value === undefined || countBytes < 1 || countBytes > COUNT_BYTES_MAX) return undefined;
  return { mark: value.slice(0, EPOCH_MARK_BYTES), count: toUint(value.subarray(EPOCH_MARK_BYTES)) };
}

/** The content as it is without. */
export function withoutEpoch(content: CoapContent): CoapContent {
  return findOption(content, OPTION.epoch) === undefined ? content : withoutOptions(content, OPTION.epoch);
}

/**
 * What `told` is after `known`: the `same` start, a `later` one, or one that cannot be, as the storage was put back,
 * was lost, or there are two of it. Who has told of starts once tells of them for ever.
 */
export function epochAfter(known: Epoch | undefined, told: Epoch | undefined): "same" | "later" | "never" {
  if (known === undefined) return told === undefined ? "same" : "later";
  if (told === undefined || told.count < known.count) return "never";
  if (told.count > known.count) return "later";
  return equal(told.mark, known.mark) ? "same" : "never";
}

/** What an asking end remembers of its peers' starts. */
export interface EpochMemory {
  /** False where what a peer tells cannot come after what it told before; else it is remembered. */
  takes(peer: Peer, told: Epoch | undefined): boolean;
}

/** Remembers as long as its process lives. */
export class ProcessEpochs implements EpochMemory {
  readonly #known = new Map<string, Epoch>();

  takes({ key }: Peer, told: Epoch | undefined): boolean {
    // A preset's peer has proved no key that one could be told by.
    if (key === undefined) return true;
    const name = toHex(key.publicKey);
    const step = epochAfter(this.#known.get(name), told);
    if (step === "later" && told !== undefined) this.#known.set(name, told);
    return step !== "never";
  }
}
