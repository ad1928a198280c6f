import type { AskFailure } from "../../firmware/protocol/asks.ts";
import type { Epoch, EpochMemory } from "../../firmware/protocol/epochs.ts";
import type { Peer } from "../../firmware/protocol/sessions.ts";

/** A memory that may fail: a start that cannot be remembered is not to be believed. */
export class GuardedEpochs implements EpochMemory {
  readonly #memory: EpochMemory;
  #trouble: unknown;

  constructor(memory: EpochMemory) {
    this.#memory = memory;
  }

  /** What kept the last start that was told from being remembered, where a peer is called forgetful for that. */
  troubleBehind(reason: AskFailure): unknown {
    return reason === "forgetful" ? this.#trouble : undefined;
  }

  takes(peer: Peer, told: Epoch | undefined): boolean {
    this.#trouble = undefined;
    try {
      return this.#memory.takes(peer, told);
    } catch (error) {
      this.#trouble = error;
      return false;
    }
  }
}
