import type { StorageResult } from "./storage.ts";

/**
 * Where a device keeps the secret keys that it is known by: a file for its owner alone, or a secure element. It has two
 * places, and does not look into what it keeps.
 *
 * A caller may assume: what was answered with "done" is found after a power cut; a cut before that leaves a place as it
 * was or as it was to be, never in between; `promote` is one step, so that there is a current key at all times. After a
 * fault both places are as they were.
 */
export interface KeyStore {
  /** Undefined where nothing is, or nothing that its owner alone could have put there. */
  read(place: "current" | "next"): Uint8Array | undefined;
  /** Puts a key beside the current one, in the place of one that was there. */
  keepNext(key: Uint8Array): StorageResult;
  /** The next key takes the place of the current one, which is gone for good; "done" without an effect where there is none. */
  promote(): StorageResult;
}
