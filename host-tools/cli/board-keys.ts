// What a faceplate's keys do to an emulated board.
import type { EmulatedBoardSignals, HousingSensor } from "../../hal/emulated/board-signals.ts";

/** Keys that change something around the meter. */
export type BoardKey = HousingSensor | "powerFail" | "reconnect";

/** How a person reads that a sensor's condition holds. */
const HELD: Readonly<Record<HousingSensor, string>> = {
  cover: "cover off",
  terminalCover: "terminal cover off",
  magnet: "magnet near",
};

/** The part of a faceplate's options that an emulated board has: its keys, and what they have done so far. */
export function boardKeys(
  signals: EmulatedBoardSignals,
  reconnect: () => void,
): {
  readonly onKey: (key: BoardKey) => void;
  readonly status: () => string;
} {
  const holds = (sensor: HousingSensor): boolean => signals[sensor]() === "holds";
  return {
    onKey(key) {
      if (key === "powerFail") signals.failSupply();
      else if (key === "reconnect") reconnect();
      else signals.setSensor(key, holds(key) ? "clear" : "holds");
    },
    status: () =>
      (Object.keys(HELD) as HousingSensor[])
        .filter(holds)
        .map((sensor) => HELD[sensor])
        .join(", "),
  };
}
