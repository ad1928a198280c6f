/**
 * Finds frames of one fixed length in bytes that are split, joined or damaged in any way. A window
 * that is no frame drops its first byte and is looked at again, so that a good frame right behind a
 * torn one is never lost (arendst/Tasmota#6302). Holds one frame's length of bytes and no more.
 */
export class FixedLengthFramer {
  readonly #window: Uint8Array;
  readonly #isSound: (window: Uint8Array) => boolean;
  #filled = 0;
  #bytesSeen = 0;

  /** `isSound` judges a window of `lengthBytes` bytes, which it must neither change nor keep. */
  constructor(lengthBytes: number, isSound: (window: Uint8Array) => boolean) {
    this.#window = new Uint8Array(lengthBytes);
    this.#isSound = isSound;
  }

  /** Bytes taken in so far, good or not. */
  get bytesSeen(): number {
    return this.#bytesSeen;
  }

  /** Takes bytes in and gives the frames that became complete. */
  push(bytes: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (const byte of bytes) {
      this.#window[this.#filled++] = byte;
      if (this.#filled < this.#window.length) continue;
      if (this.#isSound(this.#window)) {
        frames.push(this.#window.slice());
        this.#filled = 0;
      } else {
        this.#window.copyWithin(0, 1);
        this.#filled--;
      }
    }
    this.#bytesSeen += bytes.length;
    return frames;
  }
}
