// What a flasher needs of a board, whatever the way there: its slots, a place for an image, and "install it".
import type { ImageManifest, SlotName, SlotsReport, UpdateRefusal } from "./provisional.ts";

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
  readonly slot: SlotName;
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
