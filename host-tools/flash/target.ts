// What a flasher needs of a board, whatever the way there: its slots, a place for an image, and "install it".
import type { ImageManifest } from "../../firmware/update/manifest.ts";
import type { Refused, UpdateRefusal } from "../../firmware/update/refusals.ts";
import type { Slot, SlotsReport } from "../../firmware/update/slots-report.ts";
import type { BoardSetUp } from "./set-up.ts";

/** An image file, checked as far as its own bytes tell. */
export interface FlashImage {
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the whole file: its name while it is carried. */
  readonly digest: Uint8Array;
  readonly manifest: ImageManifest;
  /** SHA-256 of the signed manifest: its name once it is in a slot. */
  readonly manifestDigest: Uint8Array;
}

/** Where an upload is: bytes that are durable on the board, and those that there are. */
export type OnProgress = (doneBytes: number, allBytes: number) => void;

export interface Uploaded {
  /** Bytes of the image that went over the line in this upload. */
  readonly bytes: number;
  /** Where it was taken up again; 0 where it began anew. */
  readonly resumedAt: number;
}

export interface Activated {
  readonly slot: Slot;
  readonly sequence: number;
  /** On trial: confirmed by the board itself, or rolled back. False where the slot is the confirmed one already. */
  readonly armed: boolean;
  /** Whether the board starts it now, so that waiting for the end of its trial makes sense. */
  readonly starts: boolean;
}

/** A board, or what becomes one. What cannot be done is thrown, as a {@link FlashError} or the line's own error. */
export interface FlashTarget {
  /** As the user has written it. */
  readonly name: string;
  report(): Promise<SlotsReport | "empty">;
  /** Makes a board of an empty place, where that can be done by this way. Again after a cut, it goes on. */
  setUp?(setUp: BoardSetUp, onProgress: OnProgress): Promise<void>;
  /** What a board that is made so will refuse, before any of it is made. */
  checkSetUp?(setUp: BoardSetUp, image: FlashImage): Promise<void>;
  /** What the board will refuse, as far as it can be told from here without carrying the image. */
  check?(image: FlashImage): Promise<void>;
  /** Carries the image there, from where an upload of it that was cut has got to. */
  upload(image: FlashImage, onProgress: OnProgress): Promise<Uploaded>;
  /** Has the board check and install the uploaded image. Asked again after a cut, it gives the same end. */
  activate(digest: Uint8Array): Promise<Activated>;
  close(): Promise<void>;
}

/**
 * Why flashing ended early: `refused` the board does not take this image (or would not); `unreachable` it does not
 * answer, or has gone away in the middle; `identity` one end did not prove who it is; `unusable` what was asked for
 * cannot be done there; `failed` anything else that the board tells.
 */
export type FlashErrorKind = "refused" | "unreachable" | "identity" | "unusable" | "failed";

/** One sentence: what, where, what to do. */
export class FlashError extends Error {
  readonly kind: FlashErrorKind;
  /** By what rule an image was refused. */
  readonly refusal: UpdateRefusal | undefined;

  constructor(kind: FlashErrorKind, sentence: string, refusal?: UpdateRefusal) {
    super(sentence);
    this.kind = kind;
    this.refusal = refusal;
  }
}

const ADVICE: Readonly<Record<UpdateRefusal, string>> = {
  malformed: "make the image anew with 'meterbench image build', or copy it again",
  signature: "sign the image with the key of an author of that board",
  board: "take the image that is made for it",
  arch: "take the image that is made for it",
  libc: "take the image that is made for it",
  node: "take another image, or give the board another Node",
  rollback: "give the new image a higher sequence",
  schema: "take an image between the two first",
  payload: "copy the image again",
  storage: "make room on the board, and look at its disk",
  preflight: "take the image that is made for it",
  busy: "try again when the other update is over",
  gap: "try again",
};

/** An image that a board does not take, in one sentence. A signature that is not believed is a matter of identity. */
export function refusedBy(name: string, { refusal, why = "" }: Refused): FlashError {
  const reason = why.replace(/\.$/, "").replace(/^[A-Z](?=[a-z ])/, (capital) => capital.toLowerCase());
  const kind = refusal === "signature" ? "identity" : "refused";
  return new FlashError(
    kind,
    `The image is refused at ${name} (${refusal}${reason === "" ? "" : `: ${reason}`}): ${ADVICE[refusal]}.`,
    refusal,
  );
}

/** A meter is who its key says: which one a board is to be is for people to decide. */
export function keyIsThere(path: string, name: string): FlashError {
  return new FlashError(
    "unusable",
    `The board at ${name} has a meter's key in ${path}, and it is another one: give that key with --board-keys, or remove it there.`,
  );
}
