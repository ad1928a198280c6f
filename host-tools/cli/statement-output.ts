// What a signed statement says: as a document, and for people.
import { toHex } from "../../firmware/protocol/bytes.ts";
import { INTERVAL_FLAG } from "../../firmware/protocol/readings/interval.ts";
import type { MonthStatement, StatedEntry, Statement } from "../../firmware/protocol/readings/statement.ts";
import { clockStatusTexts, printable, statusTexts, table, utcText, words } from "./output.ts";

/** A reading that came no later after a month's end is of that end for all that anybody cares. */
const PROMPT_SECONDS = 60;

/** Values in their unit, exact; what is not there is null, and `quality` says why. */
export function statementDocument(statement: Statement) {
  const { serialNumber, id, sequence, previous, challenge, timeSeconds, status, clockStatus } = statement;
  return {
    meter: id,
    serialNumber,
    sequence,
    previous: toHex(previous),
    challenge: toHex(challenge),
    time: timeSeconds === undefined ? null : utcText(timeSeconds),
    status: statusTexts(status),
    clockStatus: clockStatusTexts(clockStatus),
    ...(statement.month !== undefined && { month: monthDocument(statement.month) }),
    registers: statement.entries.map((entry) => ({
      obis: entry.register,
      value: statedValue(entry),
      unit: entry.unit,
      quality: entry.quality,
      ...("atSeconds" in entry && entry.atSeconds !== undefined && { at: utcText(entry.atSeconds) }),
    })),
  };
}

/** Times are UTC: whoever reads it may be anywhere. */
export function statementLines(statement: Statement): string[] {
  const { serialNumber, id, sequence, timeSeconds, status, clockStatus, month } = statement;
  const made = timeSeconds === undefined ? "its clock was not set" : utcText(timeSeconds);
  const rows = statement.entries.map((entry) => {
    const value = statedValue(entry);
    const quality = entry.quality === "measured" ? "" : `(${entry.quality})`;
    const at =
      "atSeconds" in entry && entry.atSeconds !== undefined ? `until ${utcText(entry.atSeconds)}` : "";
    const more = [quality, at].filter((text) => text !== "").join(" ");
    return [entry.register, value === null ? "-" : String(value), printable(entry.unit), more];
  });
  return [
    `Statement ${sequence} of meter ${printable(id)}, serial number ${printable(serialNumber)}`,
    `  made ${[made, ...statusTexts(status), ...clockStatusTexts(clockStatus)].join(", ")}`,
    ...(month === undefined ? [] : [`  ${monthText(month)}`]),
    ...table(rows).map((line) => `  ${line}`),
  ];
}

function monthDocument({
  endSeconds,
  beforeSeconds,
  afterSeconds,
  flags,
  clockStatus,
  ...month
}: MonthStatement) {
  return {
    month: monthName(month),
    end: utcText(endSeconds),
    lastReadingBefore: utcText(beforeSeconds),
    firstReadingAfter: utcText(afterSeconds),
    flags: flagTexts(flags),
    clockStatus: clockStatusTexts(clockStatus),
  };
}

function monthText(month: MonthStatement): string {
  const { endSeconds, afterSeconds, flags, clockStatus } = month;
  const isLate = afterSeconds - endSeconds > PROMPT_SECONDS;
  const read = isLate ? [`first read at ${utcText(afterSeconds)}`] : [];
  const facts = [...read, ...flagTexts(flags), ...clockStatusTexts(clockStatus)];
  return [`end of ${monthName(month)}, ${utcText(endSeconds)}`, ...facts].join(", ");
}

/** `2026-10`. */
function monthName({ year, month }: Pick<MonthStatement, "year" | "month">): string {
  return `${year}-${String(month).padStart(2, "0")}`;
}

function flagTexts(flags: number): string[] {
  const names = Object.keys(INTERVAL_FLAG) as (keyof typeof INTERVAL_FLAG)[];
  return names.filter((name) => (flags & INTERVAL_FLAG[name]) !== 0).map(words);
}

function statedValue(entry: StatedEntry): number | null {
  return "value" in entry ? Number(`${entry.value}e${entry.scaler}`) : null;
}
