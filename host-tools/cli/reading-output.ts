// What a reading of registers shows: as a document, and for people.
import type { RegisterReading } from "../../firmware/protocol/readings/register-reading.ts";
import { publishedForm } from "../../firmware/protocol/readings/register-table.ts";
import { localText, printable, publishedValue, statusTexts, table, utcText } from "./output.ts";

/** A reading, and the meter that proved to be its sender. */
export interface MeterReading {
  readonly meter: string;
  readonly body: RegisterReading;
}

/** A register without a value has null, and says why in `quality`. */
export function readingDocument({ meter, body }: MeterReading) {
  return {
    meter,
    time: body.timeSeconds === undefined ? null : utcText(body.timeSeconds),
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
export function readingLines({ meter, body }: MeterReading): string[] {
  const when = body.timeSeconds === undefined ? "its clock is not set" : localText(body.timeSeconds);
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
    `Meter ${printable(meter)}, ${[when, ...statusTexts(body.status)].join(", ")}`,
    ...table(rows).map((line) => `  ${line}`),
  ];
}
