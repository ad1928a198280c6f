// What a board says of its slots, to whoever asks: the flasher, a head-end, the loader's own command.
import type { ImageManifest } from "./manifest.ts";
import type { BoardFacts, BoardHistory } from "./refusals.ts";

/** The folders slots/a and slots/b. */
export const SLOTS = ["a", "b"] as const;
export type Slot = (typeof SLOTS)[number];

/** `old`: whole, and neither confirmed nor on trial; `broken`: something in it is not as its manifest says. */
export type SlotState = "confirmed" | "trial" | "old" | "broken";

/** What is in a slot; of a broken one, what can be told of it. */
export interface SlotImage {
  /** 0 where its manifest cannot be read. */
  readonly sequence: number;
  readonly version: string;
  /** SHA-256 of its manifest; no bytes where that cannot be read. */
  readonly digest: Uint8Array;
  readonly state: SlotState;
}

/** An image that waits for its next start, or runs for the first time; `left` are the starts that it still has. */
export interface Trial {
  readonly slot: Slot;
  readonly left: number;
}

/** An upload under way: so far the board has `received` of the image file's bytes, of this SHA-256. */
export interface Incoming {
  readonly digest: Uint8Array;
  readonly imageBytes: number;
  readonly received: number;
}

/** How the last update ended. */
export interface UpdateOutcome {
  readonly kind: "confirmed" | "rolled-back" | "refused";
  readonly sequence: number;
  readonly why?: string;
}

export interface SlotsReport extends BoardHistory {
  readonly facts: BoardFacts;
  /** Where `current` points. */
  readonly current?: Slot;
  readonly trial?: Trial;
  readonly slots: Readonly<Partial<Record<Slot, SlotImage>>>;
  readonly incoming?: Incoming;
  readonly outcome?: UpdateOutcome;
}

/** A part of an upload: these bytes of the image file of this SHA-256, from this offset on. */
export interface ImagePart {
  readonly digest: Uint8Array;
  readonly imageBytes: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Where an image is now; `armed` where it waits for the next start, and not where it runs already. */
export interface Installed {
  readonly slot: Slot;
  readonly sequence: number;
  readonly armed: boolean;
}

/** What a loader has to do: start an image, or open the recovery console and say why. */
export type BootChoice =
  | {
      readonly kind: "start";
      readonly slot: Slot;
      /** In the tree: "slots/a". */
      readonly folder: string;
      readonly manifest: ImageManifest;
      /** It must be confirmed within its time, or the next start may be the last one's again. */
      readonly isTrial: boolean;
    }
  | { readonly kind: "recovery"; readonly why: string };
