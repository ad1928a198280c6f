import type { BoardSignals, BoardSignalsListener } from "../ports/board-signals.ts";

/** Linux has it; elsewhere nobody can send it, and a board's supply fails without a word. */
const POWER_FAIL_SIGNAL = "SIGPWR";

/**
 * The signals of a Linux board: SIGPWR is the failing supply, which would otherwise end the process at once. Housing
 * and line are unknown, as each board wires them its own way.
 *
 * The signal is told between two turns of Node's event loop: what computes for long makes a last gasp late.
 */
export function systemBoardSignals(): BoardSignals {
  let heard: (() => void) | undefined;
  return {
    cover: () => "unknown",
    terminalCover: () => "unknown",
    magnet: () => "unknown",
    line: () => "unknown",
    listen(listener: BoardSignalsListener) {
      if (heard !== undefined) throw new Error("the board's signals have their listener already");
      heard = () => listener.powerFail();
      process.on(POWER_FAIL_SIGNAL, heard);
    },
    close() {
      if (heard !== undefined) process.off(POWER_FAIL_SIGNAL, heard);
    },
  };
}
