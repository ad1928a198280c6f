import { expect, test } from "vitest";
import { EmulatedBoardSignals } from "../../../hal/emulated/board-signals.ts";
import { boardKeys } from "../../../host-tools/cli/board-keys.ts";

test("keys open and close what the board senses, and the plate says what is open", () => {
  const signals = new EmulatedBoardSignals();
  const { onKey, status } = boardKeys(signals, () => {});
  expect(status()).toBe("");
  for (const key of ["magnet", "cover", "terminalCover"] as const) onKey(key);
  expect([signals.cover(), signals.terminalCover(), signals.magnet()]).toEqual(["holds", "holds", "holds"]);
  expect(status()).toBe("cover off, terminal cover off, magnet near");
  onKey("cover");
  expect(signals.cover()).toBe("clear");
  expect(status()).toBe("terminal cover off, magnet near");
});

test("the power key fails the supply and changes no sensor", () => {
  const signals = new EmulatedBoardSignals();
  let told = 0;
  signals.listen({ powerFail: () => told++ });
  const { onKey, status } = boardKeys(signals, () => {});
  onKey("powerFail");
  expect([told, status()]).toEqual([1, ""]);
});

test("the button gives the installation its power back, whatever the housing senses", () => {
  let presses = 0;
  const { onKey, status } = boardKeys(new EmulatedBoardSignals(), () => presses++);
  onKey("reconnect");
  expect([presses, status()]).toEqual([1, ""]);
});
