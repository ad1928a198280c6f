// A meter's faceplate in text: its display, its LED, and what its keys have done.
import type { Annunciator, Page } from "../../firmware/display/page.ts";
import { printable } from "./output.ts";
import { SEGMENT_COLUMNS, segmentLines } from "./seven-segments.ts";

export interface Faceplate {
  readonly page: Page;
  /** Which meter it is. */
  readonly title: string;
  readonly impulsesPerKilowattHour: number;
  /** The LED is on. */
  readonly isPulsing: boolean;
  /** What was done to the meter with the keys; empty for nothing. */
  readonly status: string;
}

const CODE_COLUMNS = 8;
const UNIT_COLUMNS = 11;
const MARGIN = "  ";
/** Between the frame's sides. */
const INNER_COLUMNS = 2 * MARGIN.length + CODE_COLUMNS + SEGMENT_COLUMNS + UNIT_COLUMNS;

/** Each symbol has a place of its own, as on a liquid crystal, and is a blank there while it is not lit. */
const SYMBOLS: readonly (readonly (readonly [Annunciator, string])[])[] = [
  [
    ...(["T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8"] as const).map((rate) => [rate, rate] as const),
    ["import", "-> import"],
    ["export", "<- export"],
  ],
  [
    ["alarm", "ALARM"],
    ["clock-invalid", "CLOCK INVALID"],
    ["more", "MORE >"],
    ["off", "SUPPLY OFF"],
    ["press", "PRESS R"],
  ],
];

const KEYS = "Enter step  c cover  t terminal cover  m magnet  p power fail  r reconnect  q quit";

/** Lines of one width, the frame's, and two below it. */
export function faceplateLines(plate: Faceplate): string[] {
  const { page, title, impulsesPerKilowattHour, isPulsing, status } = plate;
  const led = `${isPulsing ? "●" : "○"} ${impulsesPerKilowattHour} imp/kWh`;
  const [rates = "", warnings = ""] = SYMBOLS.map((row) => symbolsText(row, page.annunciators));
  const inside = [
    between(printable(title), led),
    "",
    ...segmentLines(page.text).map((segments, line) => displayLine(page, segments, line)),
    "",
    rates,
    warnings,
  ];
  const rule = "─".repeat(INNER_COLUMNS);
  return [`┌${rule}┐`, ...inside.map(framed), `└${rule}┘`, status, KEYS];
}

/** Code and unit stand at the foot of the digits. */
function displayLine({ code, unit }: Page, segments: string, line: number): string {
  const isFoot = line === 2;
  return `${(isFoot ? code : "").padEnd(CODE_COLUMNS)}${segments} ${isFoot ? unit : ""}`;
}

function symbolsText(row: (typeof SYMBOLS)[number], lit: Page["annunciators"]): string {
  return row.map(([name, text]) => (lit.has(name) ? text : " ".repeat(text.length))).join(" ");
}

function between(left: string, right: string): string {
  return left + right.padStart(INNER_COLUMNS - 2 * MARGIN.length - left.length);
}

function framed(text: string): string {
  return `│${(MARGIN + text).slice(0, INNER_COLUMNS).padEnd(INNER_COLUMNS)}│`;
}
