// `statement TARGET [OBIS...]`: registers that a meter signs, in a file for others.
import { existsSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import type { Credential } from "../../../firmware/protocol/cose/credential.ts";
import type { StatedMonth } from "../../../firmware/protocol/readings/statement-request.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import { verifyStatement } from "../../head-end/statements.ts";
import { engineOf, pathOption, registryOf } from "../common.ts";
import { CliFault, EXIT, usageFault } from "../fault.ts";
import { createFile } from "../home.ts";
import { say, sayJson, sizeText } from "../output.ts";
import { statementDocument, statementLines } from "../statement-output.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions, withTolerance } from "../target.ts";
import { parseRegisters } from "./read.ts";

type Options = TargetOptions & { readonly out: string; readonly month?: StatedMonth };

/** What a bill is about. */
const DEFAULT_CODES = ["1.8.0", "2.8.0"];
const CHALLENGE_BYTES = 16;

export function addStatementCommand(program: Command): void {
  withTolerance(withTargetOptions(program.command("statement <target> [obis...]")))
    .description("have a meter sign what its registers stand at; without OBIS codes, 1.8.0 and 2.8.0")
    .option("--month <YYYY-MM>", "what they stood at when this month ended, where the meter is", monthOption)
    .requiredOption("--out <file>", "the file to make; an existing one is never replaced", pathOption)
    .addHelpText(
      "after",
      "\nExample: meterbench statement pty:./meter1 1.8.1 1.8.2 --month 2026-10 --out october.cose",
    )
    .action(async (target: string, codes: string[], options: Options) => state(target, codes, options));
}

async function state(target: string, codes: readonly string[], options: Options): Promise<void> {
  const { out, month } = options;
  const registers = parseRegisters(codes.length === 0 ? DEFAULT_CODES : codes);
  // Before the meter is asked, which counts each statement that it makes.
  if (existsSync(out)) throw exists(out);
  const challenge = systemRandom.bytes(CHALLENGE_BYTES);
  const request = { challenge, registers, ...(month !== undefined && { month }) };
  const { meter, body, size } = await withHeadEnd(target, options, (headEnd, to) =>
    headEnd.readStatement(to, request),
  );
  const verified = verifyStatement(
    await engineOf(options),
    body.bytes,
    credentialOf(body.statement.id, options),
  );
  const isOther = options.oscoreContext === undefined && body.statement.id !== meter;
  if ("fault" in verified || isOther) {
    const why = "fault" in verified ? verified.fault : `is of ${body.statement.id}`;
    throw new CliFault(EXIT.refused, `What ${meter} gave ${why}: it was not kept; look at that meter.`);
  }
  if (!createFile(out, body.bytes, 0o644)) throw exists(out);
  if (options.json) return sayJson({ ...statementDocument(body.statement), file: out, ...size });
  for (const line of [...statementLines(body.statement), sizeText(size)]) say(line);
  say(`The statement is in ${out}; 'meterbench verify ${out}' checks it at any time.`);
}

function credentialOf(id: string, options: Options): Credential {
  const enrolment = registryOf(options).find(id);
  if (enrolment !== undefined) return enrolment.credential;
  throw new CliFault(
    EXIT.refused,
    `No meter ${id} is enrolled, so its statement cannot be checked: enrol it first.`,
  );
}

function exists(file: string): CliFault {
  return usageFault(`The file ${file} exists and a statement is never replaced: name a new file.`);
}

function monthOption(text: string): StatedMonth {
  const [, year, month] = /^(\d{4})-(\d{2})$/.exec(text) ?? [];
  if (Number(year) < 1970 || Number(year) > 2106 || !(Number(month) >= 1 && Number(month) <= 12))
    throw new InvalidArgumentError("It is a month, as in 2026-10.");
  return { year: Number(year), month: Number(month) };
}
