import type { Uart, UartSettings } from "../ports/uart.ts";
import { LineError } from "./line-error.ts";
import { type Connection, type LineOwner, LineUart, type StallRule } from "./line-uart.ts";

/** Pause before a line is opened again: short at first, for a line that is back at once. */
const FIRST_PAUSE_MS = 100;

/** The longest pause: a line that comes back is noticed within about this time. */
const LAST_PAUSE_MS = 1000;

/** Opens a connection for `line` from scratch; rejects with a {@link LineError}. */
export type Connect = (line: LineUart) => Promise<Connection>;

/**
 * A UART that is opened by `connect`, and again whenever the connection breaks, for ever, with
 * pauses that double from 100 ms to 1 s. A first opening that fails rejects with its
 * {@link LineError}, or gives a line that is down and tried again, as `whenFirstFails` says.
 * `onClosed` is called when the line is given up for good.
 */
export async function openAndReopen(
  settings: UartSettings,
  stall: StallRule,
  connect: Connect,
  whenFirstFails: "reject" | "retry",
  onClosed: () => void = () => {},
): Promise<Uart> {
  const reopener = new Reopener(settings, stall, connect, onClosed);
  if (whenFirstFails === "reject") await reopener.open();
  else await reopener.openOrRetry();
  return reopener.uart;
}

class Reopener implements LineOwner {
  readonly uart: LineUart;
  readonly #connect: Connect;
  readonly #onClosed: () => void;
  #state: "in-use" | "closed" = "in-use";
  #pauseMs = FIRST_PAUSE_MS;
  #openedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: UartSettings, stall: StallRule, connect: Connect, onClosed: () => void) {
    this.#connect = connect;
    this.#onClosed = onClosed;
    this.uart = new LineUart(settings, stall, this);
  }

  async open(): Promise<void> {
    const connection = await this.#connect(this.uart);
    this.#openedAtMs = performance.now();
    this.uart.opened(connection);
  }

  async openOrRetry(): Promise<void> {
    try {
      await this.open();
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      this.#retry();
    }
  }

  lost(): void {
    // A line that breaks as soon as it is open is not back yet: its pauses go on growing.
    if (performance.now() - this.#openedAtMs > LAST_PAUSE_MS) this.#pauseMs = FIRST_PAUSE_MS;
    this.#retry();
  }

  closed(): void {
    this.#state = "closed";
    clearTimeout(this.#timer);
    this.#onClosed();
  }

  #retry(): void {
    if (this.#state === "closed") return;
    this.#timer = setTimeout(() => void this.openOrRetry(), this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LAST_PAUSE_MS);
  }
}
