import type { Clock } from "../../ports/clock.ts";
import { bitsPerCharacter, type Uart } from "../../ports/uart.ts";
import { type ApiMode, checksum, FRAME, PAYLOAD_MAX_BYTES, TRANSMIT_HEADER_BYTES } from "./registers.ts";

/** A frame that stops for so long is none. A module has no such rule in mode 1, and hosts that need one have a bug. */
const GAP_MS = 100;
const DATA_MAX_BYTES = TRANSMIT_HEADER_BYTES + PAYLOAD_MAX_BYTES;
const HEAD_BYTES = 2;

/** Bytes of the host that a module drops: a sum that is wrong, no length of a frame, half a frame, bytes before one. */
export type SerialRefusal = "checksum" | "length" | "partial" | "noise";

/** The module's side of its UART: frames out of bytes and back, and no second chance for a damaged one. */
export class EmulatedSerial {
  readonly refusals: Record<SerialRefusal, number> = { checksum: 0, length: 0, partial: 0, noise: 0 };
  mode: ApiMode;
  readonly #uart: Uart;
  readonly #clock: Clock;
  readonly #onFrame: (data: Uint8Array) => void;
  #frame: number[] | undefined;
  #isEscaped = false;
  #lastByteMs = 0;

  constructor(uart: Uart, clock: Clock, mode: ApiMode, onFrame: (data: Uint8Array) => void) {
    this.mode = mode;
    this.#uart = uart;
    this.#clock = clock;
    this.#onFrame = onFrame;
    uart.listen({ bytes: (bytes) => this.#received(bytes) });
  }

  /** A module cannot wait: what finds no room or no line is lost. */
  send(data: readonly number[]): void {
    const frame = [data.length >> 8, data.length & 0xff, ...data, checksum(data)];
    const line = this.mode === 1 ? frame : frame.flatMap((byte) => escaped(byte));
    this.#uart.write(Uint8Array.of(FRAME.start, ...line));
  }

  #received(bytes: Uint8Array): void {
    const { settings } = this.#uart;
    const nowMs = this.#clock.monotonicMs();
    const firstByteMs = nowMs - (bytes.length * bitsPerCharacter(settings) * 1000) / settings.baud;
    if (this.#frame !== undefined && firstByteMs - this.#lastByteMs > GAP_MS) this.#drop("partial");
    this.#lastByteMs = nowMs;
    for (const byte of bytes) this.#take(byte);
  }

  #take(byte: number): void {
    const frame = this.#frame;
    if (byte === FRAME.start && (frame === undefined || this.mode === 2)) {
      if (frame !== undefined) this.#drop("partial");
      this.#frame = [];
    } else if (frame === undefined) this.refusals.noise++;
    else if (this.mode === 2 && byte === FRAME.escape) this.#isEscaped = true;
    else {
      frame.push(this.#isEscaped ? byte ^ FRAME.mask : byte);
      this.#isEscaped = false;
      this.#look(frame);
    }
  }

  #look(frame: readonly number[]): void {
    const [high = 0, low = 0] = frame;
    const length = high * 256 + low;
    if (frame.length < HEAD_BYTES) return;
    if (length === 0 || length > DATA_MAX_BYTES) return this.#drop("length");
    if (frame.length <= HEAD_BYTES + length) return;
    const data = frame.slice(HEAD_BYTES, -1);
    if (checksum(data) !== frame.at(-1)) return this.#drop("checksum");
    this.#frame = undefined;
    this.#onFrame(Uint8Array.from(data));
  }

  #drop(kind: SerialRefusal): void {
    this.refusals[kind]++;
    this.#frame = undefined;
    this.#isEscaped = false;
  }
}

function escaped(byte: number): readonly number[] {
  const steers = byte === FRAME.start || byte === FRAME.escape || byte === FRAME.xon || byte === FRAME.xoff;
  return steers ? [FRAME.escape, byte ^ FRAME.mask] : [byte];
}
