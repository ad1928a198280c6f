// `verify FILE...`: what signed statements say, and whether that holds. It asks no meter.
import type { Command } from "commander";
import type { Credential } from "../../../firmware/protocol/cose/credential.ts";
import type { CryptoEngine } from "../../../hal/ports/crypto.ts";
import {
  checkChain,
  type Gap,
  readStatement,
  type SignedStatement,
  verifyStatement,
} from "../../head-end/statements.ts";
import {
  type CommonOptions,
  engineOf,
  pathOption,
  registryOf,
  withCommonOptions,
  withRegistry,
} from "../common.ts";
import { CliFault, EXIT } from "../fault.ts";
import { readCredential, readUpTo } from "../home.ts";
import { printable, say, sayJson } from "../output.ts";
import { statementDocument, statementLines } from "../statement-output.ts";

type Options = CommonOptions & { readonly registry?: string; readonly credential?: string };

/** Whose key a statement is to be signed by. */
interface Signer {
  readonly credential: Credential;
  readonly state: "trusted" | "revoked";
}

interface Checked extends SignedStatement {
  readonly file: string;
  readonly signer: Signer["state"];
}

/** Longer ones are no statements: what is behind is not read. */
const FILE_BYTES_MAX = 8192;

export function addVerifyCommand(program: Command): void {
  withRegistry(withCommonOptions(program.command("verify <file...>")))
    .description("check statements that meters have signed, each by itself and those of one meter as a chain")
    .option("--credential <file>", "the credential of the meter (default: the enrolled one)", pathOption)
    .addHelpText("after", "\nExample: meterbench verify september.cose october.cose")
    .action(async (files: string[], options: Options) => verify(files, options));
}

/** The first thing that does not hold ends it with exit 1 and one sentence. */
async function verify(files: readonly string[], options: Options): Promise<void> {
  const crypto = await engineOf(options);
  const signerOf = signers(options);
  const checked = files.map((file) => check(crypto, file, signerOf));
  const meters = [...new Set(checked.map(({ statement }) => statement.id))];
  const chains = meters.map((meter) => {
    const own = checked.filter(({ statement }) => statement.id === meter);
    return { meter, gaps: gapsOf(crypto, meter, own) };
  });
  if (options.json) return sayJson({ statements: checked.map(document), chains });
  for (const one of checked) for (const line of lines(one)) say(line);
  for (const { meter, gaps } of chains) if (gaps.length > 0) say(gapsText(meter, gaps));
}

function check(crypto: CryptoEngine, file: string, signerOf: (id: string) => Signer | undefined): Checked {
  const bytes = readUpTo(file, "statement", FILE_BYTES_MAX);
  if (bytes === undefined)
    throw broken(`${file} is longer than any statement: name a file that 'meterbench statement' has made.`);
  const read = readStatement(bytes);
  if ("fault" in read)
    throw broken(`${file} ${read.fault}: name a file that 'meterbench statement' has made.`);
  const { id } = read.statement;
  const signer = signerOf(id);
  if (signer === undefined)
    throw broken(
      `${file} says that it is of ${id}, and no such meter is enrolled: name its credential with --credential.`,
    );
  const verified = verifyStatement(crypto, bytes, signer.credential);
  if ("fault" in verified) throw broken(`${file} ${verified.fault}: do not rely on it.`);
  return { ...verified, file, signer: signer.state };
}

/** A meter that was revoked has signed what it signed; who reads it is told, and judges. */
function signers(options: Options): (id: string) => Signer | undefined {
  if (options.credential !== undefined) {
    const credential = readCredential(options.credential, "meter");
    return () => ({ credential, state: "trusted" });
  }
  const enrolled = new Map(
    registryOf(options)
      .list()
      .map((enrolment) => [enrolment.id, enrolment]),
  );
  return (id) => {
    const found = enrolled.get(id);
    return (
      found && { credential: found.credential, state: found.state === "revoked" ? "revoked" : "trusted" }
    );
  };
}

function gapsOf(crypto: CryptoEngine, meter: string, statements: readonly Checked[]): readonly Gap[] {
  const chain = checkChain(crypto, statements);
  if ("fault" in chain) throw broken(`Of the statements of ${meter}, ${chain.fault}: do not rely on them.`);
  return chain.gaps;
}

function document({ file, statement, signer }: Checked) {
  return { file, holds: true, signer, ...statementDocument(statement) };
}

function lines({ file, statement, signer }: Checked): string[] {
  const revoked = signer === "revoked" ? "; the meter is revoked now" : "";
  return [
    ...statementLines(statement),
    `  ${printable(file)} holds: signed by ${printable(statement.id)}${revoked}`,
  ];
}

function gapsText(meter: string, gaps: readonly Gap[]): string {
  const numbers = gaps.map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`));
  return `Of ${printable(meter)} the statements ${numbers.join(", ")} are not here: ask who has them.`;
}

function broken(sentence: string): CliFault {
  return new CliFault(EXIT.unexpected, sentence);
}
