import type { Cancel, Clock } from "../../ports/clock.ts";
import type { Uart } from "../../ports/uart.ts";
import { encodeApiFrame, XbeeApiDecoder, type XbeeApiReject } from "./framer.ts";
import { type ApiMode, PAYLOAD_MAX_BYTES, TRANSMIT_HEADER_BYTES } from "./registers.ts";

/** A module sends a frame in one go; USB adapters and PTYs pause for less than this. */
const PAUSE_MS = 200;

export interface LineListener {
  frame(data: Uint8Array): void;
  state(state: "open" | "down"): void;
}

/** Frames over the UART that a module is at. It owns the UART. */
export class XbeeLine {
  readonly uart: Uart;
  readonly #clock: Clock;
  readonly #decoder = new XbeeApiDecoder(TRANSMIT_HEADER_BYTES + PAYLOAD_MAX_BYTES);
  #mode: ApiMode = 1;
  #listener: LineListener | undefined;
  #cancelPause: Cancel = () => {};

  constructor(uart: Uart, clock: Clock) {
    this.uart = uart;
    this.#clock = clock;
    uart.listen({
      bytes: (bytes) => this.#receive(bytes),
      state: (state) => {
        this.#decoder.restart(this.#mode);
        this.#listener?.state(state);
      },
    });
  }

  get rejected(): Readonly<Record<XbeeApiReject, number>> {
    return this.#decoder.rejected;
  }

  set mode(mode: ApiMode) {
    this.#mode = mode;
    this.#decoder.restart(mode);
  }

  /** Whoever listens from now on, in place of any other. */
  set listener(listener: LineListener) {
    this.#listener = listener;
  }

  /** What finds no room or no line is lost; who sends it waits for an answer anyway. */
  send(data: Uint8Array): void {
    this.uart.write(encodeApiFrame(this.#mode, data));
  }

  close(): void {
    this.#cancelPause();
    this.#listener = undefined;
    this.uart.close();
  }

  #receive(bytes: Uint8Array): void {
    const onFrame = (data: Uint8Array): void => this.#listener?.frame(data);
    this.#cancelPause();
    this.#decoder.push(bytes, onFrame);
    if (this.#decoder.isPartial) {
      this.#cancelPause = this.#clock.after(PAUSE_MS, () => this.#decoder.pause(onFrame));
    }
  }
}
