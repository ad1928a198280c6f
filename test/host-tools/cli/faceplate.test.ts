// The faceplate on streams in memory and a clock that jumps; faceplate-pty.test.ts has it on a real terminal.
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { Display } from "../../../firmware/display/display.ts";
import { EmulatedBoardSignals } from "../../../hal/emulated/board-signals.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { boardKeys } from "../../../host-tools/cli/board-keys.ts";
import {
  type FaceplateOptions,
  type KeyInput,
  runFaceplate,
  type TerminalOutput,
} from "../../../host-tools/cli/faceplate.ts";
import { displaySource } from "../../support/display-source.ts";

class Keyboard extends PassThrough {
  readonly isTTY: boolean;
  isRaw = false;
  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }
}

/** What a terminal shows, as far as the plate's own sequences go: cursor up, clear to the end, clear below. */
class Screen implements TerminalOutput {
  readonly isTTY: boolean;
  columns = 80;
  rows = 40;
  isCursorShown = true;
  written = 0;
  readonly #lines: string[] = [""];
  #row = 0;
  #column = 0;
  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.written += text.length;
    const pieces = text.replaceAll("\u001b", "¤").matchAll(/¤\[(\??\d*)([A-Za-z])|\r|\n|[^¤\r\n]+/g);
    for (const [piece, parameter = "", command = piece] of pieces) this.#take(command, parameter);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  #take(command: string, parameter: string): void {
    const line = this.#lines[this.#row] ?? "";
    if (command === "A") this.#row = Math.max(0, this.#row - Number(parameter));
    else if (command === "J") this.#lines.splice(this.#row, Number.POSITIVE_INFINITY, "");
    else if (command === "K") this.#lines[this.#row] = line.slice(0, this.#column);
    else if (command === "h" || command === "l") this.isCursorShown = command === "h";
    else if (command === "\r") this.#column = 0;
    else if (command === "\n") {
      this.#lines[++this.#row] ??= "";
      this.#column = 0;
    } else {
      this.#lines[this.#row] =
        line.slice(0, this.#column) + command + line.slice(this.#column + command.length);
      this.#column += command.length;
    }
  }
}

function plate({ isInputTty = true, isOutputTty = true, ...more }: PlateParts = {}) {
  const clock = new VirtualClock();
  const signals = new EmulatedBoardSignals();
  const [input, output] = [new Keyboard(isInputTty), new Screen(isOutputTty)];
  const parts = { pulses: 0, told: 0, reconnects: 0, ended: false };
  signals.listen({ powerFail: () => parts.told++ });
  const registers = { "1.8.0": 1_234_560, "2.8.0": 0, "32.7.0": 2301 };
  const faceplate = runFaceplate({
    display: new Display(displaySource(registers), clock.monotonicMs()),
    ...{ title: "M1", impulsesPerKilowattHour: 1000, pulses: () => parts.pulses },
    ...boardKeys(signals, () => parts.reconnects++),
    ...{ input: input as KeyInput, output, clock, isUsable: () => true },
    ...more,
  });
  void faceplate.ended.then(() => {
    parts.ended = true;
  });
  const press = async (keys: string): Promise<void> => {
    input.write(keys);
    await new Promise(setImmediate);
  };
  const code = (): string | undefined => output.lines[5]?.slice(3, 11).trim();
  return { clock, signals, input, output, parts, faceplate, press, code };
}

type PlateParts = Partial<FaceplateOptions> & {
  readonly isInputTty?: boolean;
  readonly isOutputTty?: boolean;
};

describe("a faceplate on a terminal", () => {
  test("draws at once, in place once a second, and steps with Enter and space", async () => {
    const { clock, output, press, code, faceplate } = plate();
    expect(code()).toBe("8.8.8");
    const height = output.lines.length;
    clock.advanceBy(5000);
    expect(code()).toBe("1.8.0");
    clock.advanceBy(10_000);
    expect(code()).toBe("2.8.0");
    await press("\r");
    expect(code()).toBe("8.8.8");
    await press(" ");
    expect(code()).toBe("1.8.0");
    await press("\n ");
    expect(code()).toBe("32.7.0");
    clock.advanceBy(15_000);
    expect(code()).toBe("1.8.0");
    expect(output.lines).toHaveLength(height);
    faceplate.stop();
  });

  test("opens covers, brings a magnet and fails the supply by its keys, large or small", async () => {
    const { signals, parts, press, output, faceplate } = plate();
    await press("cTm");
    expect([signals.cover(), signals.terminalCover(), signals.magnet()]).toEqual(["holds", "holds", "holds"]);
    expect(output.lines).toContain("cover off, terminal cover off, magnet near");
    await press("p");
    await press("cx?");
    expect([signals.cover(), parts.told]).toEqual(["clear", 1]);
    faceplate.stop();
  });

  test("takes an arrow or a function key for none of its keys", async () => {
    const { signals, parts, press, code, faceplate } = plate();
    for (const sequence of ["\u001b[C", "\u001bp", "\u001b[15~", "\u001bOc", "\u001b"]) await press(sequence);
    expect([signals.cover(), parts.told, code()]).toEqual(["clear", 0, "8.8.8"]);
    faceplate.stop();
  });

  test("lights the LED in a picture after a pulse", () => {
    const { clock, output, parts, faceplate } = plate();
    expect(output.lines[1]).toContain("○");
    parts.pulses = 1;
    clock.advanceBy(1000);
    expect(output.lines[1]).toContain("●");
    clock.advanceBy(1000);
    expect(output.lines[1]).toContain("○");
    faceplate.stop();
  });

  test.each(["q", "\u0003", "\u0004"])("ends by %j and puts the terminal back", async (key) => {
    const { clock, input, output, parts, press } = plate();
    expect([input.isRaw, output.isCursorShown]).toEqual([true, false]);
    await press(`${key}c\r`);
    expect(parts.ended).toBe(true);
    expect([input.isRaw, output.isCursorShown, input.isPaused()]).toEqual([false, true, true]);
    const { written } = output;
    clock.advanceBy(10_000);
    expect(output.written).toBe(written);
    expect(clock.nextDueMs()).toBeUndefined();
  });

  test("does nothing more after a key that ends it, nor after a second stop", async () => {
    const { signals, press, faceplate } = plate();
    await press("qcp");
    expect(signals.cover()).toBe("clear");
    faceplate.stop();
    faceplate.stop();
  });

  test("stopped by its owner it does not end by itself, and leaves no listener at the process' end", () => {
    const before = process.listenerCount("exit");
    const { faceplate, parts, input } = plate();
    expect(process.listenerCount("exit")).toBe(before + 1);
    faceplate.stop();
    expect(process.listenerCount("exit")).toBe(before);
    expect([parts.ended, input.listenerCount("data"), input.isRaw]).toEqual([false, 0, false]);
  });

  test("ends where the terminal is gone, and once more makes no trouble", async () => {
    const { input, parts, faceplate } = plate();
    input.emit("error", new Error("EIO"));
    await new Promise(setImmediate);
    expect([parts.ended, input.isRaw]).toEqual([true, false]);
    input.emit("error", new Error("EIO"));
    faceplate.stop();
  });

  test("leaves a terminal raw that was raw before", () => {
    const input = new Keyboard(true);
    input.setRawMode(true);
    plate({ input: input as KeyInput }).faceplate.stop();
    expect(input.isRaw).toBe(true);
  });

  test("what somebody else writes stands above the picture and stays", () => {
    const { clock, output, faceplate } = plate();
    clock.advanceBy(2000);
    const picture = [...output.lines];
    faceplate.aside(() => output.write("The disk is full.\n"));
    expect(output.lines).toEqual(["The disk is full.", ...picture]);
    clock.advanceBy(1000);
    expect(output.lines).toEqual(["The disk is full.", ...picture]);
    faceplate.stop();
    faceplate.aside(() => output.write("Done.\n"));
    expect(output.lines.slice(-2)).toEqual(["Done.", ""]);
  });

  test("stopped by what a key or somebody else's writing causes, it draws no more", async () => {
    const { output, faceplate, press } = plate({ onKey: () => faceplate.stop() });
    await press("c");
    expect(output.isCursorShown).toBe(true);
    const second = plate();
    second.faceplate.aside(() => second.faceplate.stop());
    expect(second.output.lines).toEqual([""]);
  });

  test("on a small terminal it draws what has room, so that nothing wraps or scrolls", () => {
    const { clock, output, faceplate } = plate();
    output.columns = 30;
    output.rows = 5;
    clock.advanceBy(1000);
    expect(output.lines).toHaveLength(5);
    for (const line of output.lines) expect(line.length).toBeLessThan(30);
    [output.columns, output.rows] = [0, 0];
    clock.advanceBy(1000);
    expect(output.lines).toHaveLength(13);
    faceplate.stop();
  });
});

describe("where there is no terminal to draw on", () => {
  test.each([
    ["output is a pipe", { isOutputTty: false }],
    ["input is a pipe", { isInputTty: false }],
    ["the terminal is another program's now", { isUsable: () => false }],
  ])("as %s, nothing is drawn and no input is touched", async (_, parts) => {
    const { clock, input, output, press, faceplate, signals } = plate(parts);
    await press("c");
    clock.advanceBy(60_000);
    expect([output.written, input.isRaw, input.listenerCount("data"), input.readableLength]).toEqual([
      ...[0, false, 0, 1],
    ]);
    expect([signals.cover(), clock.nextDueMs()]).toEqual(["clear", undefined]);
    let others = 0;
    faceplate.aside(() => others++);
    faceplate.stop();
    expect(others).toBe(1);
  });
});
