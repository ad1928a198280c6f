// Values as a meter writes them: fixed width, leading zeros, cut and never rounded up, dashes for what is not known.
import type { LocalTime } from "../calendar/time-zone.ts";
import type { RegisterEntry } from "../protocol/readings/register-reading.ts";
import { POSITIONS, positionsOf } from "./page.ts";

/** How one kind of value is shown. */
export interface Figure {
  readonly unit: string;
  readonly integers: number;
  readonly decimals: number;
  /** Decimals, in this unit, of the integer that the register is published as: 3 for watt-hours shown in kWh. */
  readonly publishedDecimals: number;
}

/** Six digits of kWh last a household for fifty years; two decimals fill the eight positions. */
const ENERGY = { integers: 6, decimals: 2, publishedDecimals: 3 } as const;

export const FIGURES = {
  active: { ...ENERGY, unit: "kWh" },
  reactive: { ...ENERGY, unit: "kvarh" },
  apparent: { ...ENERGY, unit: "kVAh" },
  power: { unit: "kW", integers: 3, decimals: 3, publishedDecimals: 3 },
  voltage: { unit: "V", integers: 3, decimals: 1, publishedDecimals: 1 },
  current: { unit: "A", integers: 3, decimals: 2, publishedDecimals: 3 },
  frequency: { unit: "Hz", integers: 2, decimals: 2, publishedDecimals: 3 },
  powerFactor: { unit: "", integers: 1, decimals: 3, publishedDecimals: 3 },
  count: { unit: "", integers: 4, decimals: 0, publishedDecimals: 0 },
} as const satisfies Readonly<Record<string, Figure>>;

/**
 * A register's value. Dashes where there is none, where it is of before (a display has no mark for that), and where
 * it has more digits than there are places: a register of ours does not turn over, so neither does its display.
 */
export function registerText(entry: RegisterEntry, figure: Figure): string {
  return entry.quality === "measured" || entry.quality === "derived"
    ? figureText(entry.value, figure)
    : dashes(figure);
}

/** A value that no sign is shown for: what is below 0 is dashes. */
export function figureText(value: number, figure: Figure): string {
  const { integers, decimals, publishedDecimals } = figure;
  const steps = Math.floor(value / 10 ** (publishedDecimals - decimals));
  if (!(steps >= 0 && steps < 10 ** (integers + decimals))) return dashes(figure);
  return pointed(String(steps).padStart(integers + decimals, "0"), integers);
}

/** `hh:mm:ss` on the wall clock. */
export function timeText(time: LocalTime | undefined): string {
  return time === undefined ? "--:--:--" : [time.hour, time.minute, time.second].map(twoDigits).join(":");
}

/** `yyyy.mm.dd`: with all four digits of the year nobody takes it for a day. */
export function dateText(time: LocalTime | undefined): string {
  if (time === undefined) return "----.--.--";
  return [String(time.year).padStart(4, "0"), twoDigits(time.month), twoDigits(time.day)].join(".");
}

/** A name in parts that each fit on a page; what is no printable ASCII is a question mark, and no name is dashes. */
export function nameTexts(name: string): string[] {
  const positions = positionsOf(name.replace(/[^ -~]/gu, "?"));
  if (positions.length === 0) return ["-".repeat(POSITIONS)];
  const parts: string[] = [];
  for (let start = 0; start < positions.length; start += POSITIONS) {
    const part = positions.slice(start, start + POSITIONS);
    parts.push(part.map(({ character, mark }) => character + mark).join(""));
  }
  return parts;
}

function dashes({ integers, decimals }: Figure): string {
  return pointed("-".repeat(integers + decimals), integers);
}

function pointed(digits: string, integers: number): string {
  return integers === digits.length ? digits : `${digits.slice(0, integers)}.${digits.slice(integers)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
