import { describe, expect, test } from "vitest";
import { CONDITIONS, ConditionWatch } from "../../../firmware/events/condition-watch.ts";
import { EmulatedBoardSignals } from "../../../hal/emulated/board-signals.ts";
import { boardSignalsContract } from "../../contracts/board-signals.ts";

boardSignalsContract("EmulatedBoardSignals", () => {
  const signals = new EmulatedBoardSignals();
  return { signals, failSupply: () => signals.failSupply(), close: () => signals.close() };
});

describe("EmulatedBoardSignals", () => {
  test("a board begins whole and supplied, and senses what is done to it", () => {
    const board = new EmulatedBoardSignals();
    const sensed = () => [board.cover(), board.terminalCover(), board.magnet(), board.line()];
    expect(sensed()).toEqual(["clear", "clear", "clear", "up"]);
    board.setSensor("cover", "holds");
    board.setSensor("magnet", "unknown");
    board.setLine("down");
    expect(sensed()).toEqual(["holds", "clear", "unknown", "down"]);
    board.setSensor("cover", "clear");
    expect(board.cover()).toBe("clear");
  });

  test("a failing supply comes back from the last gasp only when that is done", () => {
    const board = new EmulatedBoardSignals();
    const steps: string[] = [];
    board.listen({ powerFail: () => steps.push("saved") });
    board.failSupply();
    steps.push("dark");
    expect(steps).toEqual(["saved", "dark"]);
  });

  test("its words are those that the event detectors take", () => {
    const board = new EmulatedBoardSignals();
    const watch = new ConditionWatch(CONDITIONS.cover);
    board.setSensor("cover", "holds");
    expect(watch.take(0, board.cover())).toBeUndefined();
    expect(watch.take(500, board.cover())).toBe("cover-removed");
  });
});
