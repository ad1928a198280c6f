// The shapes that firmware/update gives: this file goes as soon as that folder is there.

export const UPDATE_REFUSALS = [
  "malformed",
  "signature",
  "board",
  "arch",
  "libc",
  "node",
  "rollback",
  "schema",
  "payload",
  "storage",
  "preflight",
  "busy",
  "gap",
] as const;
export type UpdateRefusal = (typeof UPDATE_REFUSALS)[number];

export type SlotName = "a" | "b";

export interface ImageManifest {
  readonly sequence: number;
  readonly version: string;
  readonly board: string;
}

export interface SlotImage {
  readonly sequence: number;
  readonly version: string;
  readonly digest: Uint8Array;
  readonly state: "confirmed" | "trial" | "old" | "broken";
}

export interface SlotsReport {
  readonly floor: number;
  readonly current?: SlotName;
  readonly trial?: { readonly slot: SlotName; readonly left: number };
  readonly slots: Readonly<Partial<Record<SlotName, SlotImage>>>;
  readonly incoming?: { readonly digest: Uint8Array; readonly imageBytes: number; readonly received: number };
  readonly outcome?: {
    readonly kind: "confirmed" | "rolled-back" | "refused";
    readonly sequence: number;
    readonly why?: string;
  };
}
