import { describe, expect, test } from "vitest";
import type { BoardSignals } from "../../hal/ports/board-signals.ts";

/** A board under test, and how its supply fails. */
export interface BoardSignalsFixture {
  readonly signals: BoardSignals;
  /** Lets the supply fail, and gives the board time to tell it. */
  failSupply(): Promise<void> | void;
  close(): void;
}

/** What any BoardSignals does, whatever its board can sense. */
export function boardSignalsContract(name: string, make: () => BoardSignalsFixture): void {
  describe(`${name} is a BoardSignals`, () => {
    const withBoard = async (run: (fixture: BoardSignalsFixture) => Promise<void> | void): Promise<void> => {
      const fixture = make();
      try {
        await run(fixture);
      } finally {
        fixture.close();
      }
    };

    test("each sensor has one of its words, and asking twice gives the same", () =>
      withBoard(({ signals }) => {
        for (const sensor of ["cover", "terminalCover", "magnet"] as const) {
          expect(["holds", "clear", "unknown"]).toContain(signals[sensor]());
          expect(signals[sensor]()).toBe(signals[sensor]());
        }
        expect(["up", "down", "unknown"]).toContain(signals.line());
        expect(signals.line()).toBe(signals.line());
      }));

    test("each failing of the supply is told once, and none from inside listen", () =>
      withBoard(async ({ signals, failSupply }) => {
        let told = 0;
        await failSupply();
        signals.listen({ powerFail: () => told++ });
        expect(told).toBe(0);
        await failSupply();
        expect(told).toBe(1);
        await failSupply();
        expect(told).toBe(2);
      }));

    test("a second listener is refused, and the first one hears on", () =>
      withBoard(async ({ signals, failSupply }) => {
        let told = 0;
        signals.listen({ powerFail: () => told++ });
        expect(() => signals.listen({ powerFail: () => {} })).toThrow("listener already");
        await failSupply();
        expect(told).toBe(1);
      }));

    test("after close nothing is told; closing twice or without a listener does nothing", () =>
      withBoard(async ({ signals, failSupply }) => {
        let told = 0;
        signals.listen({ powerFail: () => told++ });
        signals.close();
        signals.close();
        await failSupply();
        expect(told).toBe(0);
        make().signals.close();
      }));
  });
}
