// Who may begin to bring an image, and how often: what is begun is written, and flash wears out.
import { equal } from "../protocol/bytes.ts";
import { Budget } from "../protocol/sessions.ts";
import { type Refused, refused } from "./refusals.ts";
import type { ImagePart, Incoming } from "./slots-report.ts";

/**
 * Images of 4 MiB, each ended by the next: 200 MB a day, which the 16 MB of a small board with 100,000 erasures of each
 * block bear for twenty years.
 */
const BEGIN_EVERY_MS = 1_800_000;
/** Whoever tries on a bench tries again. */
const BEGINS_AT_ONCE = 8;
/** Whose upload has come on since then keeps others from ending it. */
const HELD_FOR_MS = 60_000;

const OTHERS_COME_FIRST = refused(
  "busy",
  "Another image is on its way to this board: try again in a minute.",
);
const TOO_MANY = refused(
  "busy",
  "Too many images were begun on this board: it takes another one every half hour.",
);

export interface UploadGateParts {
  /** Reads what is under way from the board, which is asked for it only where the gate does not know. */
  readonly read: () => Incoming | undefined;
  /** What the board makes of an upload's first part. */
  readonly judge: (first: ImagePart) => Refused | undefined;
}

/** Guards the one upload that a board has under way. */
export class UploadGate {
  readonly #begins = new Budget(1000 / BEGIN_EVERY_MS, BEGINS_AT_ONCE);
  readonly #parts: UploadGateParts;
  #underWay: Pick<Incoming, "digest" | "imageBytes"> | "none" | "unknown" = "unknown";
  #last: { readonly by: object; readonly atMs: number } | undefined;

  constructor(parts: UploadGateParts) {
    this.#parts = parts;
  }

  /** Why a part that `by` sends is not to be taken, if it is not. What goes on with the upload under way always is. */
  refusalOf(nowMs: number, by: object, part: ImagePart): Refused | undefined {
    if (this.#underWay === "unknown") this.#underWay = this.#parts.read() ?? "none";
    const goesOn = this.#underWay !== "none" && isOf(part, this.#underWay);
    if (!goesOn && part.offset > 0) return { refusal: "gap", received: 0 };
    if (!goesOn && this.#underWay !== "none" && this.#isHeld(nowMs, by)) return OTHERS_COME_FIRST;
    if (!goesOn && !this.#begins.has(nowMs)) return TOO_MANY;
    // Whatever is known here of the board: no upload begins there but by such a part.
    const refusal = part.offset === 0 ? this.#parts.judge(part) : undefined;
    if (refusal !== undefined) return refusal;
    if (!goesOn) this.#begins.take(nowMs);
    const { digest, imageBytes } = part;
    this.#underWay = { digest, imageBytes };
    this.#last = { by, atMs: nowMs };
    return undefined;
  }

  /** The upload under way may have come to its end. */
  ended(): void {
    this.#underWay = "unknown";
  }

  #isHeld(nowMs: number, by: object): boolean {
    return this.#last !== undefined && this.#last.by !== by && nowMs < this.#last.atMs + HELD_FOR_MS;
  }
}

function isOf(part: ImagePart, incoming: Pick<Incoming, "digest" | "imageBytes">): boolean {
  return equal(part.digest, incoming.digest) && part.imageBytes === incoming.imageBytes;
}
