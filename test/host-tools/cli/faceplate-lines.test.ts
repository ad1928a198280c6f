import { describe, expect, test } from "vitest";
import { type Page, TEST_PAGE } from "../../../firmware/display/page.ts";
import { type Faceplate, faceplateLines } from "../../../host-tools/cli/faceplate-lines.ts";
import { segmentLines } from "../../../host-tools/cli/seven-segments.ts";

const PAGE: Page = {
  code: "1.8.0",
  text: "007054.89",
  unit: "kWh",
  annunciators: new Set(["T2", "import"]),
};
const PLATE: Faceplate = {
  page: PAGE,
  title: "M1",
  impulsesPerKilowattHour: 1000,
  isPulsing: false,
  status: "",
};

function drawn(page: Partial<Page>, plate: Partial<Faceplate> = {}): string {
  return faceplateLines({ ...PLATE, ...plate, page: { ...PAGE, ...page } }).join("\n");
}

describe("a faceplate", () => {
  test("has code, digits, unit, symbols and LED", () => {
    expect(faceplateLines(PLATE)).toEqual([
      "┌───────────────────────────────────────────────────────┐",
      "│  M1                                   ○ 1000 imp/kWh  │",
      "│                                                       │",
      "│           _   _   _   _   _       _   _               │",
      "│          | | | |   | | | |_  |_| |_| |_|              │",
      "│  1.8.0   |_| |_|   | |_|  _|   |.|_|  _|  kWh         │",
      "│                                                       │",
      "│     T2                   -> import                    │",
      "│                                                       │",
      "└───────────────────────────────────────────────────────┘",
      "",
      "Enter step  c cover  t terminal cover  m magnet  p power fail  r reconnect  q quit",
    ]);
  });

  test("lights everything in the display test, and is as wide as ever", () => {
    expect(faceplateLines({ ...PLATE, page: TEST_PAGE, isPulsing: true })).toEqual([
      "┌───────────────────────────────────────────────────────┐",
      "│  M1                                   ● 1000 imp/kWh  │",
      "│                                                       │",
      "│           _   _   _   _   _   _   _   _               │",
      "│          |_| |_| |_| |_| |_| |_| |_| |_|              │",
      "│  8.8.8   |_|.|_|.|_|.|_|.|_|.|_|.|_|.|_|  kWvarhVAHz  │",
      "│                                                       │",
      "│  T1 T2 T3 T4 T5 T6 T7 T8 -> import <- export          │",
      "│  ALARM CLOCK INVALID MORE > SUPPLY OFF PRESS R        │",
      "└───────────────────────────────────────────────────────┘",
      "",
      "Enter step  c cover  t terminal cover  m magnet  p power fail  r reconnect  q quit",
    ]);
  });

  test("keeps its size whatever it shows", () => {
    const sizes = [
      { page: { ...PAGE, text: "", code: "", unit: "" } },
      { page: { ...PAGE, text: "123456789.123456789", code: "C.123.45", unit: "a long unit indeed" } },
      { title: "a meter whose name is as long as an id may be, and longer" },
    ].map((plate) => faceplateLines({ ...PLATE, ...plate }));
    for (const lines of sizes) {
      expect(lines.map(({ length }) => length).slice(0, -2)).toEqual(Array(10).fill(lines[0]?.length));
      expect(lines).toHaveLength(12);
    }
  });

  test("shows the LED on after a pulse, and what the keys have done", () => {
    expect(drawn({}, { isPulsing: true })).toContain("● 1000 imp/kWh");
    expect(drawn({}, { isPulsing: false })).toContain("○ 1000 imp/kWh");
    expect(drawn({}, { status: "cover off" })).toContain("\ncover off\n");
  });

  test("shows each symbol only while it is lit", () => {
    expect(drawn({ annunciators: new Set() })).not.toMatch(/T\d|port|ALARM|CLOCK|MORE/);
    const lit = drawn({ annunciators: new Set(["T8", "export", "alarm", "clock-invalid", "more"]) });
    for (const symbol of ["T8", "<- export", "ALARM", "CLOCK INVALID", "MORE >"])
      expect(lit).toContain(symbol);
  });

  test("lets no name draw over the terminal", () => {
    expect(drawn({}, { title: "M\u001b[2J" })).not.toContain("\u001b");
  });
});

describe("digits of seven segments", () => {
  test("are as a liquid crystal has them, with marks that take no position", () => {
    expect(segmentLines("12:45.789")).toEqual([
      "         _       _   _   _   _  ",
      "      |  _|.|_| |_    | |_| |_| ",
      "      | |_ .  |  _|.  | |_|  _| ",
    ]);
  });

  test("draw what they cannot tell apart as itself", () => {
    expect(segmentLines("EMU-0S5")[1]).toMatch(/\|_ {3}M {3}U {3}_ {2}\| \| {2}S {2}\|_ {2}$/);
  });
});
