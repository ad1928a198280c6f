// A meter's faceplate on a terminal: drawn in place, with the meter's button and its housing on the keys.
import type { Display } from "../../firmware/display/display.ts";
import { atProcessEnd } from "../../hal/node/process-end.ts";
import type { Cancel, Clock } from "../../hal/ports/clock.ts";
import type { BoardKey } from "./board-keys.ts";
import { faceplateLines } from "./faceplate-lines.ts";
import { isTerminalUsable } from "./terminal-use.ts";

/** What is used of `process.stdin`. */
export interface KeyInput {
  readonly isTTY?: boolean;
  readonly isRaw?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  on(event: "data" | "end" | "error", listener: (data: unknown) => void): unknown;
  off(event: "data" | "end" | "error", listener: (data: unknown) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** What is used of `process.stdout`. */
export interface TerminalOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export interface FaceplateOptions {
  readonly display: Pick<Display, "page" | "press">;
  readonly title: string;
  readonly impulsesPerKilowattHour: number;
  /** Pulses that the LED has shown so far: it is on in each picture that is drawn after this has grown. */
  readonly pulses: () => number;
  /** What the keys have done; empty for nothing. */
  readonly status: () => string;
  /** A key other than the meter's own button was pressed. */
  readonly onKey: (key: BoardKey) => void;
  readonly input: KeyInput;
  readonly output: TerminalOutput;
  /** A person's time: real, however fast the meter's runs. */
  readonly clock: Clock;
  readonly isUsable?: () => boolean;
}

export interface RunningFaceplate {
  /** Resolves when the person quits or the terminal is gone; never where nothing is drawn. */
  readonly ended: Promise<void>;
  /** Lets somebody else write on this terminal: what is written stands above the picture and stays. */
  aside(write: () => void): void;
  /** Puts the terminal back; the last picture stays. Again it does nothing. */
  stop(): void;
}

const REDRAW_MS = 1000;
const [COLUMNS_ASSUMED, ROWS_ASSUMED] = [80, 24];
const [HIDE_CURSOR, SHOW_CURSOR, CLEAR_TO_END, CLEAR_BELOW] = [
  "\u001b[?25l",
  "\u001b[?25h",
  "\u001b[K",
  "\u001b[J",
];
const ESCAPE = "\u001b";

/** In raw mode Ctrl-C and Ctrl-D are characters like others. */
const KEYS: Readonly<Record<string, BoardKey | "step" | "quit">> = {
  ...{ "\r": "step", "\n": "step", " ": "step" },
  ...{ c: "cover", t: "terminalCover", m: "magnet", p: "powerFail", r: "reconnect" },
  ...{ q: "quit", "\u0003": "quit", "\u0004": "quit" },
};

/**
 * Draws the faceplate once a second and at each key, until the person quits or somebody stops it. Where input or
 * output is no terminal, or one that is not this program's now, nothing is drawn and no input is touched.
 */
export function runFaceplate(options: FaceplateOptions): RunningFaceplate {
  const { input, output, isUsable = isTerminalUsable } = options;
  if (input.isTTY !== true || output.isTTY !== true || !isUsable()) return NOTHING;
  return new TerminalFaceplate(options);
}

const NOTHING: RunningFaceplate = { ended: new Promise(() => {}), aside: (write) => write(), stop: () => {} };

class TerminalFaceplate implements RunningFaceplate {
  readonly ended: Promise<void>;
  readonly #options: FaceplateOptions;
  readonly #wasRaw: boolean;
  readonly #takeBack: () => void;
  #resolveEnded: () => void = () => {};
  #state: "running" | "stopped" = "running";
  #cancelRedraw: Cancel = () => {};
  /** Lines of the picture that the cursor stands below. */
  #drawnLines = 0;
  #pulsesBefore: number;

  constructor(options: FaceplateOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    const { input, output, pulses } = options;
    this.#pulsesBefore = pulses();
    this.#wasRaw = input.isRaw === true;
    this.#takeBack = atProcessEnd(() => this.stop());
    input.on("error", this.#quit);
    input.on("end", this.#quit);
    input.on("data", this.#onData);
    input.setRawMode?.(true);
    input.resume();
    output.write(HIDE_CURSOR);
    this.#redraw();
  }

  aside(write: () => void): void {
    if (this.#state === "stopped") return write();
    this.#options.output.write(`${this.#toTop()}${CLEAR_BELOW}`);
    write();
    this.#drawnLines = 0;
    this.#draw();
  }

  stop(): void {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    this.#cancelRedraw();
    const { input, output } = this.#options;
    output.write(SHOW_CURSOR);
    // The listener of "error" stays: a terminal that is gone says so once more when its mode is put back.
    input.off("data", this.#onData);
    input.off("end", this.#quit);
    input.setRawMode?.(this.#wasRaw);
    input.pause();
    this.#takeBack();
  }

  readonly #quit = (): void => {
    this.stop();
    this.#resolveEnded();
  };

  /** Several keys may come together; what begins with an escape is an arrow or a function key, of which there are none. */
  readonly #onData = (data: unknown): void => {
    const text = String(data);
    if (text.startsWith(ESCAPE)) return;
    for (const character of text) this.#press(character);
    this.#draw();
  };

  #press(character: string): void {
    if (this.#state === "stopped") return;
    const key = KEYS[character.toLowerCase()];
    const { display, clock, onKey } = this.#options;
    if (key === "quit") this.#quit();
    else if (key === "step") display.press(clock.monotonicMs());
    else if (key !== undefined) onKey(key);
  }

  #redraw(): void {
    this.#draw();
    this.#cancelRedraw = this.#options.clock.after(REDRAW_MS, () => this.#redraw());
  }

  /** Whoever was called meanwhile may have stopped it: then there is nothing to draw any more. */
  #draw(): void {
    if (this.#state === "stopped") return;
    const { output } = this.#options;
    const lines = this.#lines();
    output.write(`${this.#toTop()}${lines.map((line) => `${line}${CLEAR_TO_END}\n`).join("")}${CLEAR_BELOW}`);
    this.#drawnLines = lines.length;
  }

  /** As much as the terminal has room for: what wraps or scrolls cannot be drawn over. */
  #lines(): string[] {
    const { display, title, impulsesPerKilowattHour, pulses, status, output, clock } = this.#options;
    const pulsesNow = pulses();
    const isPulsing = pulsesNow > this.#pulsesBefore;
    this.#pulsesBefore = pulsesNow;
    const page = display.page(clock.monotonicMs());
    const lines = faceplateLines({ page, title, impulsesPerKilowattHour, isPulsing, status: status() });
    // A terminal that does not know its size says 0.
    const columns = output.columns || COLUMNS_ASSUMED;
    const rows = output.rows || ROWS_ASSUMED;
    return lines.slice(0, Math.max(1, rows - 1)).map((line) => line.slice(0, Math.max(1, columns - 1)));
  }

  #toTop(): string {
    return this.#drawnLines === 0 ? "" : `\u001b[${this.#drawnLines}A\r`;
  }
}
