import type { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { BL0942_LINE } from "../../hal/metering-ics/bl0942/registers.ts";
import type { Uart, UartListener, UartSettings, UartState, UartWrite } from "../../hal/ports/uart.ts";

/** A line whose other end is the test: it sees what is written and says what comes back. */
export class ScriptedUart implements Uart {
  readonly settings: UartSettings;
  state: UartState = "open";
  readonly written: string[] = [];
  /** What to answer to a write, given in hex without spaces; undefined for nothing. */
  answer: (request: string) => string | undefined = () => undefined;
  readonly #clock: VirtualClock;
  #listener: UartListener | undefined;

  constructor(clock: VirtualClock, settings: UartSettings = BL0942_LINE) {
    this.#clock = clock;
    this.settings = settings;
  }

  write(bytes: Uint8Array): UartWrite {
    if (this.state === "down") return "down";
    const request = hexOf(bytes);
    this.written.push(request);
    const answer = this.answer(request);
    if (answer !== undefined) this.#clock.after(1, () => this.deliver(bytesOf(answer)));
    return "queued";
  }

  deliver(bytes: Uint8Array): void {
    this.#listener?.bytes(bytes);
  }

  listen(listener: UartListener): void {
    this.#listener = listener;
  }

  close(): void {
    this.state = "down";
  }
}

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

/** Upper case, without spaces. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex").toUpperCase();
}
