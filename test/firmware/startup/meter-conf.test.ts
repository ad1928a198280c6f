import { expect, test } from "vitest";
import { confFault, confLines } from "../../../firmware/startup/meter-conf.ts";

const NAMES = { single: ["at", "zone"], manifold: ["trust"] };

test("settings are read a line each; remarks, blank lines and blanks around say nothing", () => {
  const text = "# a meter\n\n  at   udp:0.0.0.0:5683  \r\ntrust a.json # the utility\ntrust b#2.json\n";
  expect(confLines(text)).toEqual([
    { line: 3, name: "at", value: "udp:0.0.0.0:5683" },
    { line: 4, name: "trust", value: "a.json" },
    { line: 5, name: "trust", value: "b#2.json" },
  ]);
  expect(confFault(confLines(text), NAMES)).toBeUndefined();
});

test.each([
  ["an unknown name", "at x\nchipp y", "says chipp in line 2, which is none of at, trust, zone"],
  ["a name as the command line has it", "--at x", "says --at in line 1, which is none of at, trust, zone"],
  ["a name of every object", "constructor x", "says constructor in line 1, which is none of at, trust, zone"],
  [
    "a name of control characters",
    "\u001b[31mx\u202e y",
    "says ?[31mx? in line 1, which is none of at, trust, zone",
  ],
  [
    "a name without an end",
    "x".repeat(999),
    `says ${"x".repeat(32)}... in line 1, which is none of at, trust, zone`,
  ],
  ["a name without a value", "at\n", "says nothing after at in line 1"],
  ["a value that is only a remark", "at # none", "says nothing after at in line 1"],
  ["a second value where there is one", "at x\ntrust a\ntrust b\nat y", "says at once more in line 4"],
])("%s is told by its line", (_, text, fault) => {
  expect(confFault(confLines(text), NAMES)).toBe(fault);
});
