// `read TARGET [OBIS...]`: registers of a meter.
import type { Command } from "commander";
import { type Obis, parseObis } from "../../../firmware/protocol/readings/obis.ts";
import { REGISTERS_PER_REQUEST_MAX } from "../../../firmware/protocol/readings/register-reading.ts";
import { usageFault } from "../fault.ts";
import { say, sayJson, sizeText } from "../output.ts";
import { ageSecondsOf, readingDocument, readingLines } from "../reading-output.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions, withTolerance } from "../target.ts";

interface ReadOptions extends TargetOptions {
  readonly senml?: boolean;
}

export function addReadCommand(program: Command): void {
  withTolerance(withTargetOptions(program.command("read <target> [obis...]")))
    .description("read registers of a meter; without OBIS codes, its default set")
    .addHelpText("after", "\nExample: meterbench read pty:./meter1 1.8.0 32.7.0")
    .option("--senml", "print the values as a SenML pack (RFC 8428) in JSON")
    .action(async (target: string, codes: string[], options: ReadOptions) => {
      const registers = parseRegisters(codes);
      if (options.senml) return readSenml(target, registers, options);
      const answer = await withHeadEnd(target, options, (headEnd, to) =>
        headEnd.readRegisters(to, registers),
      );
      // Whoever waits for a late answer wants to know of when it is.
      const age = options.delayTolerance === undefined ? undefined : ageSecondsOf(answer, Date.now() / 1000);
      if (options.json) return sayJson({ ...readingDocument(answer, age), ...answer.size });
      for (const line of [...readingLines(answer, age), sizeText(answer.size)]) say(line);
    });
}

/** The pack alone, for programs that read SenML; with `--json` beside whose it is and what it took. */
async function readSenml(target: string, registers: readonly Obis[], options: ReadOptions): Promise<void> {
  const { meter, body, size } = await withHeadEnd(target, options, (headEnd, to) =>
    headEnd.readSenml(to, registers),
  );
  sayJson(options.json ? { meter, senml: body, ...size } : body);
}

/** OBIS codes as a person types them, as many as one request holds. */
export function parseRegisters(codes: readonly string[]): Obis[] {
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
