import { uniform } from "../../emulated/seeded-random.ts";
import type { Cancel, Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { Uart, UartListener, UartSettings, UartState, UartWrite } from "../../ports/uart.ts";

/** What it says that has said nothing yet. */
const NOISE_BYTES = 8;

export interface BabblingOptions {
  readonly random: Random;
  /** Between two outbursts, on average. */
  readonly pauseMs: number;
}

/**
 * The adapter of a station that has gone wrong: beside what it is told to send it says again, at moments that chance
 * gives and whoever is speaking, what it said last, or noise where that was nothing.
 */
export class BabblingUart implements Uart {
  readonly settings: UartSettings;
  readonly #uart: Uart;
  readonly #clock: Clock;
  readonly #options: BabblingOptions;
  #said: Uint8Array | undefined;
  #outbursts = 0;
  #cancelNext: Cancel = () => {};

  constructor(uart: Uart, clock: Clock, options: BabblingOptions) {
    this.settings = uart.settings;
    this.#uart = uart;
    this.#clock = clock;
    this.#options = options;
    this.#armNext();
  }

  get state(): UartState {
    return this.#uart.state;
  }

  /** How often it spoke unasked. */
  get outbursts(): number {
    return this.#outbursts;
  }

  write(bytes: Uint8Array): UartWrite {
    this.#said = bytes.slice();
    return this.#uart.write(bytes);
  }

  listen(listener: UartListener): void {
    this.#uart.listen(listener);
  }

  close(): void {
    this.#cancelNext();
    this.#uart.close();
  }

  #armNext(): void {
    const { random, pauseMs } = this.#options;
    this.#cancelNext = this.#clock.after(-Math.log(1 - uniform(random)) * pauseMs, () => {
      this.#outbursts++;
      this.#uart.write(this.#said ?? random.bytes(NOISE_BYTES));
      this.#armNext();
    });
  }
}
