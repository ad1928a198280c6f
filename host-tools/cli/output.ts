// What people and machines read: text made safe, times, tables and plots.
import { CLOCK_STATUS } from "../../firmware/clock/clock-state.ts";
import { STATUS } from "../../firmware/protocol/readings/answer-fields.ts";
import type { RegisterEntry } from "../../firmware/protocol/readings/register-reading.ts";
import { publishedForm } from "../../firmware/protocol/readings/register-table.ts";
import type { Layer } from "../decode/explain.ts";
import type { ExchangeSize } from "../head-end/client.ts";
import { jsonText, printable } from "../safe-text.ts";

export { jsonText, printable };

export function say(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** One JSON document, on one line; characters that are unsafe on a terminal are escaped, as JSON allows. */
export function sayJson(document: unknown): void {
  process.stdout.write(`${jsonText(document)}\n`);
}

/** For a person at a terminal only: machines and pipes get none. */
export function sayProgress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${line}\n`);
}

/** `2026-11-25T03:15:00Z`. */
export function utcText(utcSeconds: number): string {
  return new Date(utcSeconds * 1000).toISOString().replace(".000Z", "Z");
}

/** `2026-11-25 04:15:00+01:00`, in this machine's time zone. */
export function localText(utcSeconds: number): string {
  const date = new Date(utcSeconds * 1000);
  const offsetMinutes = -date.getTimezoneOffset();
  const shifted = new Date(date.getTime() + offsetMinutes * 60_000).toISOString();
  const pad = (value: number): string => String(value).padStart(2, "0");
  const sign = offsetMinutes < 0 ? "-" : "+";
  const offset = `${sign}${pad(Math.trunc(Math.abs(offsetMinutes) / 60))}:${pad(Math.abs(offsetMinutes) % 60)}`;
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 19)}${offset}`;
}

/** Longest span from 1970 that a date can have (ECMA-262 21.4.1.1), in microseconds. */
const DATE_MICROSECONDS_MAX = 8.64e18;

/**
 * A moment of a capture, whole microseconds since 1970: in UTC and in this machine's time zone; undefined
 * beyond what dates can say.
 */
export function momentTexts(utcMicroseconds: number): { utc: string; local: string } | undefined {
  if (Math.abs(utcMicroseconds) > DATE_MICROSECONDS_MAX) return undefined;
  const seconds = Math.floor(utcMicroseconds / 1e6);
  const fraction = String(utcMicroseconds - seconds * 1e6).padStart(6, "0");
  const local = localText(seconds);
  return {
    utc: utcText(seconds).replace("Z", `.${fraction}Z`),
    local: `${local.slice(0, 19)}.${fraction}${local.slice(19)}`,
  };
}

const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2}(?:\.\d{1,9})?))?(Z|[+-]\d{2}:\d{2})?)?$/;

/** UTC seconds of RFC 3339, or of local `YYYY-MM-DD[THH:MM]`; undefined where the text is neither. */
export function parseTime(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [, day, clock = "00:00", seconds = "00", zone = ""] = match;
  const milliseconds = Date.parse(`${day}T${clock}:${seconds}${zone}`);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(milliseconds) || Number.isNaN(midnight)) return undefined;
  // Date.parse rolls 30 February over into March: such a day is none.
  return new Date(midnight).toISOString().startsWith(day as string) ? milliseconds / 1000 : undefined;
}

/** Rows of cells in columns, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

const PARTS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const BLOCKS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** Columns of the terminal, or of a page where the output goes elsewhere. */
export function columns(): number {
  return process.stdout.columns ?? 100;
}

/** Means of neighbours, so few that each has a column; a group with nothing in it stays missing. */
export function condensed(values: readonly (number | undefined)[], most: number): (number | undefined)[] {
  const size = Math.max(1, Math.ceil(values.length / most));
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) => {
    const present = values.slice(i * size, (i + 1) * size).filter((value) => value !== undefined);
    return present.length === 0 ? undefined : present.reduce((sum, value) => sum + value, 0) / present.length;
  });
}

/** A bar for each value, `height` lines high, the largest as high as it goes; a missing value is a dot. */
export function barPlot(values: readonly (number | undefined)[], height = 6): string[] {
  const largest = Math.max(1, ...values.map((value) => value ?? 0));
  const lines: string[] = [];
  for (let line = height - 1; line >= 0; line--) {
    lines.push(
      values
        .map((value) => barCell(value, largest, height, line))
        .join("")
        .trimEnd(),
    );
  }
  return lines;
}

function barCell(value: number | undefined, largest: number, height: number, line: number): string {
  if (value === undefined) return line === 0 ? "·" : " ";
  const eighths = Math.round((value / largest) * height * 8) - line * 8;
  return BLOCKS[Math.max(0, Math.min(8, eighths))] as string;
}

/** A bar for one value, as long as `columns` where it is the largest. */
export function bar(value: number, largest: number, columns: number): string {
  const eighths = Math.round((value / Math.max(1, largest)) * columns * 8);
  return `${"█".repeat(Math.floor(eighths / 8))}${PARTS[eighths % 8]}`;
}

/** `daylightSaving` as `daylight saving`. */
export function words(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`);
}

/** The bits of COSEM's clock status, in words. */
export function clockStatusTexts(clockStatus: number): string[] {
  return Object.entries(CLOCK_STATUS)
    .filter(([, bit]) => (clockStatus & bit) !== 0)
    .map(([name]) => words(name));
}

/** The bits of a reading's status, in words. */
export function statusTexts(status: number): string[] {
  const texts: readonly [number, string][] = [
    [STATUS.clockInvalid, "clock invalid"],
    [STATUS.clockDoubtful, "clock doubtful"],
    [STATUS.simulatedTime, "simulated"],
  ];
  return texts.filter(([bit]) => (status & bit) !== 0).map(([, text]) => text);
}

/** What an exchange took, as the last line that a person reads. */
export function sizeText({ requestBytes, responseBytes, milliseconds, handshake }: ExchangeSize): string {
  const line = `${requestBytes} bytes asked, ${responseBytes} bytes answered, ${Math.round(milliseconds)} ms`;
  if (handshake === undefined) return line;
  const { message1Bytes, message2Bytes, message3AddedBytes } = handshake;
  return `${line}, with a handshake of ${message1Bytes + message2Bytes + message3AddedBytes} bytes before`;
}

/** A register's value in the unit itself, exact (2301 with scaler -1 is 230.1); null where there is none. */
export function publishedValue(entry: RegisterEntry): number | null {
  if (!("value" in entry)) return null;
  const scaler = publishedForm(entry.register)?.scaler ?? 0;
  return Number(`${entry.value}e${scaler}`);
}

/** One layer of a frame on one line; not yet safe to print. */
export function layerText({ layer, fields }: Layer): string {
  const facts = Object.entries(fields).filter(([, value]) => value !== "");
  return `${layer} ${facts.map(([name, value]) => `${name} ${value}`).join(", ")}`;
}
