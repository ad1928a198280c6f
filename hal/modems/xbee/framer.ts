import { type ApiMode, checksum, FRAME } from "./registers.ts";

/** Start and length. */
const HEAD_BYTES = 3;
const STEERING: ReadonlySet<number> = new Set([FRAME.start, FRAME.escape, FRAME.xon, FRAME.xoff]);

/** Why bytes were dropped: the sum is wrong, no frame has such a length, a 7E came inside of an escaped frame. */
export type XbeeApiReject = "checksum" | "length" | "cut-short";

/** A frame as it goes on the line. In mode 2 length and checksum are of the bytes before they are escaped. */
export function encodeApiFrame(mode: ApiMode, data: Uint8Array): Uint8Array {
  const plain = Uint8Array.of(data.length >> 8, data.length & 0xff, ...data, checksum(data));
  if (mode === 1) return Uint8Array.of(FRAME.start, ...plain);
  const line: number[] = [FRAME.start];
  for (const byte of plain) {
    if (STEERING.has(byte)) line.push(FRAME.escape, byte ^ FRAME.mask);
    else line.push(byte);
  }
  return Uint8Array.from(line);
}

/**
 * Finds frames in bytes that come split or joined in any way. It holds one frame of at most `maxDataBytes` bytes of
 * data. A 7E begins a frame wherever it stands in mode 2. In mode 1 it may also be data: when a frame proves wrong,
 * its bytes are gone through again for one that began inside it.
 */
export class XbeeApiDecoder {
  #mode: ApiMode = 1;
  readonly #maxDataBytes: number;
  /** From a 7E on, escapes undone. */
  readonly #held: Uint8Array;
  #length = 0;
  #isEscaped = false;
  readonly #rejected: Record<XbeeApiReject, number> = { checksum: 0, length: 0, "cut-short": 0 };

  /** Reads mode 1 until it is told. */
  constructor(maxDataBytes: number) {
    this.#maxDataBytes = maxDataBytes;
    this.#held = new Uint8Array(maxDataBytes + FRAME.overheadBytes);
  }

  /** Beginnings of frames that were none, since the start. */
  get rejected(): Readonly<Record<XbeeApiReject, number>> {
    return this.#rejected;
  }

  /** True while the beginning of a frame is held. */
  get isPartial(): boolean {
    return this.#length > 0;
  }

  /** Takes bytes in and calls `onFrame` with the data of each frame that they complete: its to keep. */
  push(bytes: Uint8Array, onFrame: (data: Uint8Array) => void): void {
    for (const byte of bytes) {
      if (this.#mode === 1) this.#take(byte, onFrame);
      else this.#takeEscaped(byte, onFrame);
    }
  }

  /** The line has paused: what is held is no frame, but another one may have begun in it. */
  pause(onFrame: (data: Uint8Array) => void): void {
    this.#isEscaped = false;
    while (this.#length > 0) this.#reject("cut-short", onFrame);
  }

  /** Forgets a half-received frame, uncounted, and reads this mode from now on; also from inside `onFrame`. */
  restart(mode: ApiMode): void {
    this.#mode = mode;
    this.#length = 0;
    this.#isEscaped = false;
  }

  #takeEscaped(byte: number, onFrame: (data: Uint8Array) => void): void {
    if (byte === FRAME.start) {
      if (this.#length > 0) this.#rejected["cut-short"]++;
      this.restart(this.#mode);
      this.#take(byte, onFrame);
    } else if (byte === FRAME.escape && !this.#isEscaped) {
      this.#isEscaped = this.#length > 0;
    } else {
      const plain = this.#isEscaped ? byte ^ FRAME.mask : byte;
      this.#isEscaped = false;
      if (this.#length > 0) this.#take(plain, onFrame);
    }
  }

  #take(byte: number, onFrame: (data: Uint8Array) => void): void {
    if (this.#length === 0 && byte !== FRAME.start) return;
    this.#held[this.#length++] = byte;
    if (this.#length < HEAD_BYTES) return;
    const dataBytes = ((this.#held[1] as number) << 8) | (this.#held[2] as number);
    if (dataBytes === 0 || dataBytes > this.#maxDataBytes) return this.#reject("length", onFrame);
    if (this.#length < dataBytes + FRAME.overheadBytes) return;
    const data = this.#held.slice(HEAD_BYTES, HEAD_BYTES + dataBytes);
    if (byte !== checksum(data)) return this.#reject("checksum", onFrame);
    this.#length = 0;
    onFrame(data);
  }

  /** In mode 2 a frame's own bytes hold no beginning of another. */
  #reject(kind: XbeeApiReject, onFrame: (data: Uint8Array) => void): void {
    this.#rejected[kind]++;
    const rest = this.#held.slice(1, this.#length);
    this.#length = 0;
    if (this.#mode === 1) for (const byte of rest) this.#take(byte, onFrame);
  }
}
