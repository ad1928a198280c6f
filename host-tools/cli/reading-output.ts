// What a reading of registers shows: as a document, and for people.
import { STATUS } from "../../firmware/protocol/readings/answer-fields.ts";
import type { RegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import { publishedForm } from "../../firmware/protocol/readings/register-table.ts";
import { durationText } from "../duration.ts";
import { localText, printable, publishedValue, statusTexts, table, utcText } from "./output.ts";

/** Older than an answer gets without any delay, as clocks differ by that: so much is not worth a word. */
const AGE_SECONDS_MIN = 5;

/**
 * How old a reading is that its reader was ready to wait for; undefined where that cannot be told: the meter's time is not
 * set, or runs otherwise than ours.
 */
export function ageSecondsOf({ body }: Pick<MeterReading, "body">, nowSeconds: number): number | undefined {
  if (body.timeSeconds === undefined || (body.status & STATUS.simulatedTime) !== 0) return undefined;
  return Math.max(0, Math.round(nowSeconds - body.timeSeconds));
}

/** A reading, and the meter that proved to be its sender. */
export interface MeterReading {
  readonly meter: string;
  readonly body: RegisterReading;
}

/** A register without a value has null, and says why in `quality`. */
export function readingDocument({ meter, body }: MeterReading, ageSeconds?: number) {
  return {
    meter,
    time: body.timeSeconds === undefined ? null : utcText(body.timeSeconds),
    ...(ageSeconds !== undefined && { ageSeconds }),
    status: statusTexts(body.status),
    registers: body.entries.map((entry) => ({
      obis: entry.register,
      value: publishedValue(entry),
      unit: publishedForm(entry.register)?.unit ?? "",
      quality: entry.quality,
      ...("atSeconds" in entry && { at: utcText(entry.atSeconds) }),
    })),
  };
}

/** One line for the meter, and one for each register. */
export function readingLines({ meter, body }: MeterReading, ageSeconds = 0): string[] {
  const when = body.timeSeconds === undefined ? "its clock is not set" : localText(body.timeSeconds);
  const age = ageSeconds < AGE_SECONDS_MIN ? [] : [`${durationText(ageSeconds)} ago`];
  const rows = body.entries.map((entry) => {
    const value = publishedValue(entry);
    const quality = entry.quality === "measured" ? "" : `(${entry.quality})`;
    const at = "atSeconds" in entry ? `until ${localText(entry.atSeconds)}` : "";
    return [
      entry.register,
      value === null ? "-" : String(value),
      publishedForm(entry.register)?.unit ?? "",
      [quality, at].filter((text) => text !== "").join(" "),
    ];
  });
  return [
    `Meter ${printable(meter)}, ${[when, ...age, ...statusTexts(body.status)].join(", ")}`,
    ...table(rows).map((line) => `  ${line}`),
  ];
}
