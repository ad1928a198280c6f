import { expect, test } from "vitest";
import { isForeground } from "../../../host-tools/cli/terminal-use.ts";

const stat = (name: string, group: number, terminalGroup: number) =>
  `4711 (${name}) S 1 ${group} 4000 34816 ${terminalGroup} 4194304 1 2 3`;

test("a job is in the foreground while the terminal is its group's", () => {
  expect(isForeground(stat("node", 4711, 4711))).toBe(true);
  expect(isForeground(stat("node", 4711, 4000))).toBe(false);
});

test("a program's name with brackets and blanks moves no field", () => {
  expect(isForeground(stat("a) S 1 9 (b", 4711, 4000))).toBe(false);
  expect(isForeground(stat("a) S 1 9 (b", 4711, 4711))).toBe(true);
});

test("without a terminal of its own, and where the system does not say, nobody is in the way", () => {
  expect(isForeground(stat("node", 4711, -1))).toBe(true);
  expect(isForeground(undefined)).toBe(true);
  expect(isForeground("")).toBe(true);
});
