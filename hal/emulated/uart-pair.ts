import type { Cancel, Clock } from "../ports/clock.ts";
import {
  bitsPerCharacter,
  type Uart,
  type UartListener,
  type UartSettings,
  type UartState,
  type UartWrite,
} from "../ports/uart.ts";

/** A page, what Linux gives a serial port to send from. */
const TRANSMIT_BUFFER_BYTES = 4096;

/** What a wrong character format makes of each character: something else, the same each time. */
const WRONG_FORMAT_MASK = 0x5a;

/** What the line makes of a chunk on its way: the bytes that arrive, none for a chunk that is lost. */
export type ByteFault = (bytes: Uint8Array) => Uint8Array;

export interface UartPairOptions {
  /** Faults by direction; none if not given. */
  readonly faults?: { readonly toFirst?: ByteFault; readonly toSecond?: ByteFault };
  /** Bytes that each end can have on their way; a longer write is always `busy`. 4096 if not given. */
  readonly transmitBufferBytes?: number;
  /** The second end's settings where it was opened wrongly: then all that arrives is garbage. */
  readonly secondSettings?: UartSettings;
}

/**
 * Two UARTs joined by a full-duplex line at its true rate. A write arrives as one chunk when its
 * last character has left: characters times bits a character through the baud rate, after what was
 * queued before it. Bytes that arrive before `listen` are lost.
 */
export function uartPair(
  clock: Clock,
  settings: UartSettings,
  options: UartPairOptions = {},
): [first: EmulatedUart, second: EmulatedUart] {
  const { faults = {}, transmitBufferBytes = TRANSMIT_BUFFER_BYTES, secondSettings = settings } = options;
  const first = new EmulatedUart(settings, new TransmitLine(clock, settings, transmitBufferBytes));
  const second = new EmulatedUart(
    secondSettings,
    new TransmitLine(clock, secondSettings, transmitBufferBytes),
  );
  first.join(second, faults.toSecond);
  second.join(first, faults.toFirst);
  return [first, second];
}

/** One end of {@link uartPair}. When one end is closed, the other is down for good. */
export class EmulatedUart implements Uart {
  readonly settings: UartSettings;
  readonly #line: TransmitLine;
  #peer: EmulatedUart = this;
  #state: UartState | "closed" = "open";
  #listener: UartListener | undefined;

  /** `line` takes away what this end writes. */
  constructor(settings: UartSettings, line: TransmitLine) {
    this.settings = settings;
    this.#line = line;
  }

  /** Leads what this end writes to `peer`, through `fault`. For {@link uartPair} to call. */
  join(peer: EmulatedUart, fault: ByteFault = (bytes) => bytes.slice()): void {
    this.#peer = peer;
    this.#line.deliverTo((bytes) => peer.#receive(fault(bytes), this.settings));
  }

  get state(): UartState {
    return this.#state === "open" ? "open" : "down";
  }

  write(bytes: Uint8Array): UartWrite {
    return this.#state === "open" ? this.#line.write(bytes) : "down";
  }

  listen(listener: UartListener): void {
    if (this.#listener !== undefined) throw new Error("a UART has one listener");
    this.#listener = listener;
  }

  close(): void {
    this.#state = "closed";
    this.#line.cut();
    this.#peer.#change("down");
  }

  /** Pulls the line out of both ends; what was on its way is lost. */
  unplug(): void {
    this.#change("down");
    this.#peer.#change("down");
  }

  /** Puts the line back into both ends, unless one was closed. */
  replug(): void {
    if (this.#state === "closed" || this.#peer.#state === "closed") return;
    this.#change("open");
    this.#peer.#change("open");
  }

  #change(state: UartState): void {
    if (this.#state === "closed" || this.#state === state) return;
    this.#state = state;
    this.#line.cut();
    this.#listener?.state?.(state);
  }

  #receive(bytes: Uint8Array, sent: UartSettings): void {
    if (bytes.length === 0) return;
    const same = isSameFormat(sent, this.settings);
    this.#listener?.bytes(same ? bytes : bytes.map((byte) => byte ^ WRONG_FORMAT_MASK));
  }
}

function isSameFormat(a: UartSettings, b: UartSettings): boolean {
  return a.baud === b.baud && a.dataBits === b.dataBits && a.parity === b.parity && a.stopBits === b.stopBits;
}

/** One direction: a bounded transmit buffer that leaves at the line's rate. */
class TransmitLine {
  readonly #clock: Clock;
  readonly #msPerCharacter: number;
  readonly #bufferBytes: number;
  #deliver: (bytes: Uint8Array) => void = () => {};
  readonly #leaving: { readonly bytes: Uint8Array; readonly cancel: Cancel }[] = [];
  #queuedBytes = 0;
  #freeAtMs = 0;

  constructor(clock: Clock, settings: UartSettings, bufferBytes: number) {
    this.#clock = clock;
    this.#msPerCharacter = (bitsPerCharacter(settings) * 1000) / settings.baud;
    this.#bufferBytes = bufferBytes;
    this.#freeAtMs = clock.monotonicMs();
  }

  deliverTo(deliver: (bytes: Uint8Array) => void): void {
    this.#deliver = deliver;
  }

  write(bytes: Uint8Array): "queued" | "busy" {
    if (this.#queuedBytes + bytes.length > this.#bufferBytes) return "busy";
    if (bytes.length === 0) return "queued";
    const nowMs = this.#clock.monotonicMs();
    this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + bytes.length * this.#msPerCharacter;
    this.#queuedBytes += bytes.length;
    this.#leaving.push({ bytes, cancel: this.#clock.after(this.#freeAtMs - nowMs, () => this.#left()) });
    return "queued";
  }

  /** Drops all that has not left. */
  cut(): void {
    for (const { cancel } of this.#leaving) cancel();
    this.#leaving.length = 0;
    this.#queuedBytes = 0;
    this.#freeAtMs = this.#clock.monotonicMs();
  }

  #left(): void {
    const chunk = this.#leaving.shift();
    if (chunk === undefined) return;
    this.#queuedBytes -= chunk.bytes.length;
    this.#deliver(chunk.bytes);
  }
}
