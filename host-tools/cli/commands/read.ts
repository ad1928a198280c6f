// `read TARGET [OBIS...]`: registers of a meter.
import type { Command } from "commander";
import { type Obis, parseObis } from "../../../firmware/protocol/readings/obis.ts";
import type { RegisterReading } from "../../../firmware/protocol/readings/register-reading.ts";
import { REGISTERS_PER_REQUEST_MAX } from "../../../firmware/protocol/readings/register-reading.ts";
import { publishedForm } from "../../../firmware/protocol/readings/register-table.ts";
import type { Answer } from "../../head-end/client.ts";
import { usageFault } from "../fault.ts";
import {
  localText,
  printable,
  publishedValue,
  say,
  sayJson,
  sizeText,
  statusTexts,
  table,
  utcText,
} from "../output.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions } from "../target.ts";

interface ReadOptions extends TargetOptions {
  readonly senml?: boolean;
}

export function addReadCommand(program: Command): void {
  withTargetOptions(program.command("read <target> [obis...]"))
    .description("read registers of a meter; without OBIS codes, its default set")
    .addHelpText("after", "\nExample: meterbench read pty:./meter1 1.8.0 32.7.0")
    .option("--senml", "print the values as a SenML pack (RFC 8428) in JSON")
    .action(async (target: string, codes: string[], options: ReadOptions) => {
      const registers = parseRegisters(codes);
      if (options.senml) return readSenml(target, registers, options);
      const answer = await withHeadEnd(target, options, (headEnd, to) =>
        headEnd.readRegisters(to, registers),
      );
      if (options.json) sayJson(readingDocument(answer));
      else showReading(answer);
    });
}

/** The pack alone, for programs that read SenML; with `--json` beside whose it is and what it took. */
async function readSenml(target: string, registers: readonly Obis[], options: ReadOptions): Promise<void> {
  const { meter, body, size } = await withHeadEnd(target, options, (headEnd, to) =>
    headEnd.readSenml(to, registers),
  );
  sayJson(options.json ? { meter, senml: body, ...size } : body);
}

function parseRegisters(codes: readonly string[]): Obis[] {
  if (codes.length > REGISTERS_PER_REQUEST_MAX) {
    throw usageFault(
      `${codes.length} registers are too many for one read: ask for at most ${REGISTERS_PER_REQUEST_MAX}.`,
    );
  }
  return codes.map(obisOf);
}

/** An OBIS code as a person types it; one that is none is a usage fault. */
export function obisOf(code: string): Obis {
  const obis = parseObis(code);
  if (obis === undefined) throw usageFault(`${code} is no OBIS code: write it like 1.8.0 or 1-0:1.8.0*255.`);
  return obis;
}

/** The document of `read --json`. A register without a value has null, and says why in `quality`. */
function readingDocument({ meter, body, size }: Answer<RegisterReading>) {
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
    ...size,
  };
}

function showReading({ meter, body, size }: Answer<RegisterReading>): void {
  const when = body.timeSeconds === undefined ? "its clock is not set" : localText(body.timeSeconds);
  say(`Meter ${printable(meter)}, ${[when, ...statusTexts(body.status)].join(", ")}`);
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
  for (const line of table(rows)) say(`  ${line}`);
  say(sizeText(size));
}
