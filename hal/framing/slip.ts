// SLIP: RFC 1055, with the abort sequence of slipmux (draft-bormann-t2trg-slipmux-03).

/** Ends a frame and, sent before one, flushes what noise left at the receiver. */
export const SLIP_END = 0xc0;
const ESC = 0xdb;
const ESC_END = 0xdc;
const ESC_ESC = 0xdd;

/** Why a frame was dropped: DB before a byte that it cannot stand before, DB C0, longer than the buffer. */
export type SlipReject = "escape" | "aborted" | "too-long";

/** A payload as it goes on the line: END, the escaped bytes, END. */
export function encodeSlip(payload: Uint8Array): Uint8Array {
  const line = new Uint8Array(escapedLength(payload) + 2);
  line[0] = SLIP_END;
  let at = 1;
  for (const byte of payload) {
    const special = byte === SLIP_END || byte === ESC;
    if (special) line[at++] = ESC;
    line[at++] = special ? (byte === ESC ? ESC_ESC : ESC_END) : byte;
  }
  line[at] = SLIP_END;
  return line;
}

function escapedLength(payload: Uint8Array): number {
  let length = payload.length;
  for (const byte of payload) if (byte === SLIP_END || byte === ESC) length++;
  return length;
}

/**
 * Finds frames in bytes that come split or joined in any way. It holds one frame in a buffer of
 * fixed size, takes time linear in the bytes, and is in step again at the next END whatever came before.
 */
export class SlipDecoder {
  readonly #buffer: Uint8Array;
  #length = 0;
  /** `escaped`: the byte before was DB. `skipping`: the rest of a frame already counted as rejected. */
  #state: "data" | "escaped" | "skipping" = "data";
  readonly #rejected: Record<SlipReject, number> = { escape: 0, aborted: 0, "too-long": 0 };

  /** `maxFrameBytes`: longest frame, escapes undone, that is taken. */
  constructor(maxFrameBytes: number) {
    this.#buffer = new Uint8Array(maxFrameBytes);
  }

  /** Frames dropped since the start, each counted once. */
  get rejected(): Readonly<Record<SlipReject, number>> {
    return this.#rejected;
  }

  /** Takes bytes in and calls `onFrame` with each frame that they complete: never empty, its to keep. */
  push(bytes: Uint8Array, onFrame: (frame: Uint8Array) => void): void {
    for (const byte of bytes) {
      if (byte === SLIP_END) this.#end(onFrame);
      else if (this.#state === "escaped") this.#unescape(byte);
      else if (this.#state === "data") this.#take(byte);
    }
  }

  /** Forgets a half-received frame, uncounted. */
  reset(): void {
    this.#state = "data";
    this.#length = 0;
  }

  #end(onFrame: (frame: Uint8Array) => void): void {
    const state = this.#state;
    const length = this.#length;
    this.reset();
    if (state === "escaped") this.#rejected.aborted++;
    else if (state === "data" && length > 0) onFrame(this.#buffer.slice(0, length));
  }

  #take(byte: number): void {
    if (byte === ESC) this.#state = "escaped";
    else this.#store(byte);
  }

  #unescape(byte: number): void {
    this.#state = "data";
    if (byte === ESC_END) this.#store(SLIP_END);
    else if (byte === ESC_ESC) this.#store(ESC);
    else this.#reject("escape");
  }

  #store(byte: number): void {
    if (this.#length === this.#buffer.length) this.#reject("too-long");
    else this.#buffer[this.#length++] = byte;
  }

  #reject(kind: SlipReject): void {
    this.#rejected[kind]++;
    this.#state = "skipping";
  }
}
