// What the clock tells of itself; a sync within the limit is told too, but is no event for a log.
import type { InvalidReason } from "./clock-state.ts";
import type { RefusalReason } from "./set-rules.ts";

/** Who gave a time; their places are on the wire and in storage. */
export const TELLERS = ["head-end", "dap", "board"] as const;
export type Teller = (typeof TELLERS)[number];

export type ClockEvent =
  /** The time was set: the interval that it lands in is flagged. `oldUtcMs` is undefined where the clock was invalid. */
  | {
      readonly kind: "adjusted";
      readonly role: Teller;
      readonly oldUtcMs: number | undefined;
      readonly newUtcMs: number;
      /** COSEM's clock status before and after. */
      readonly oldStatus: number;
      readonly newStatus: number;
    }
  /** The time will change by this much more (or less, where a slew under way is cut short) than was told before. */
  | { readonly kind: "slewed"; readonly role: Teller; readonly byMs: number }
  | {
      readonly kind: "refused";
      readonly role: Teller;
      readonly reason: RefusalReason;
      readonly utcMs: number;
    }
  | { readonly kind: "invalid"; readonly reason: InvalidReason }
  /** Seven days without a sync; `ageMs` is undefined where there never was one. */
  | { readonly kind: "doubtful"; readonly ageMs: number | undefined }
  /** Somebody set the board's clock, which the meter does not follow just now. */
  | { readonly kind: "board-stepped"; readonly byMs: number };
