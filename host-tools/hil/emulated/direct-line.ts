// An emulated serial line that a meter's end can leave and another take its place, while the head-end's end stays.
import { type EmulatedUart, uartPair } from "../../../hal/emulated/uart-pair.ts";
import { SlipmuxLink } from "../../../hal/modems/slipmux/driver.ts";
import type { Clock } from "../../../hal/ports/clock.ts";
import type { Link } from "../../../hal/ports/link.ts";
import type { Uart, UartListener, UartSettings, UartState, UartWrite } from "../../../hal/ports/uart.ts";

/** The head-end's end: a port that notices nothing of the board at its other end losing its supply. */
export class DirectLine implements Uart {
  readonly settings: UartSettings;
  readonly #clock: Clock;
  #far: EmulatedUart | undefined;
  #listener: UartListener | undefined;

  constructor(clock: Clock, baud: number) {
    this.#clock = clock;
    this.settings = { baud, dataBits: 8, parity: "none", stopBits: 1 };
  }

  get state(): UartState {
    return "open";
  }

  /** A meter's end; the one of before is off the line from then on. */
  openMeter(): Link {
    const [meterEnd, headEndEnd] = uartPair(this.#clock, this.settings);
    this.#far = headEndEnd;
    headEndEnd.listen({
      bytes: (bytes) => {
        if (this.#far === headEndEnd) this.#listener?.bytes(bytes);
      },
    });
    return new SlipmuxLink(meterEnd);
  }

  /** To nobody where there is none, as on any line. */
  write(bytes: Uint8Array): UartWrite {
    const taken = this.#far?.write(bytes) ?? "queued";
    return taken === "down" ? "queued" : taken;
  }

  listen(listener: UartListener): void {
    this.#listener = listener;
  }

  close(): void {
    this.#far?.close();
  }
}
