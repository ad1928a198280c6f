// `keys sign`: an issuer vouches for a meter's credential.
import type { Command } from "commander";
import { writeCwtFile } from "../../../firmware/identity/cwt-file.ts";
import { refusalOf } from "../../../firmware/identity/trust.ts";
import { signCwt } from "../../../firmware/protocol/cose/cwt.ts";
import { type CommonOptions, engineOf, numberOption, pathOption, withCommonOptions } from "../common.ts";
import { CliFault, EXIT, usageFault } from "../fault.ts";
import { createFile, readCredential, readIdentity } from "../home.ts";
import { say, sayJson, utcText } from "../output.ts";

type SignOptions = CommonOptions & {
  readonly issuer: string;
  readonly out: string;
  readonly days: number;
};

/** A meter stays for 16 years and more, and comes by no office to get another one. */
const DAYS_USUAL = 3650;
const DAYS_MAX = 20 * 365;
const SECONDS_PER_DAY = 86_400;

export function addSignCommand(keys: Command): void {
  withCommonOptions(keys.command("sign <credential>"))
    .description("sign a meter's credential as its issuer, so that head-ends need not enrol the meter itself")
    .requiredOption("--issuer <file>", "the issuer's key file", pathOption)
    .requiredOption("--out <file>", "the file to make; an existing one is never replaced", pathOption)
    .option("--days <n>", "how long it is good for", numberOption(1, DAYS_MAX, true), DAYS_USUAL)
    .addHelpText(
      "after",
      "\nExample: meterbench keys sign M1.credential.json --issuer utility-ca.key.json --out M1.cwt.json",
    )
    .action((file: string, options: SignOptions) => signCredential(file, options));
}

/** Whoever signs vouches that the key is this meter's: nothing here proves it. */
async function signCredential(file: string, options: SignOptions): Promise<void> {
  const crypto = await engineOf(options);
  const credential = readCredential(file, "meter");
  const issuer = readIdentity(options.issuer, "issuer");
  const refusal = refusalOf("production", credential) ?? refusalOf("production", issuer.credential);
  if (refusal !== undefined)
    throw new CliFault(
      EXIT.refused,
      `One of ${file} and ${options.issuer} ${refusal}: make real keys with 'meterbench keys new'.`,
    );
  const issuedAtSeconds = Math.floor(Date.now() / 1000);
  const expiresAtSeconds = issuedAtSeconds + options.days * SECONDS_PER_DAY;
  const issue = { issuer: issuer.credential.id, role: "meter", issuedAtSeconds, expiresAtSeconds };
  const issued = signCwt(crypto, issuer.signingSecretKey, credential, issue);
  if (!createFile(options.out, writeCwtFile(issued), 0o644))
    throw usageFault(`The file ${options.out} exists and is never replaced: name a new file.`);
  const until = utcText(expiresAtSeconds);
  if (options.json) sayJson({ id: issued.id, issuer: issued.issuer, expires: until, file: options.out });
  else
    say(
      `Signed ${issued.id} by ${issued.issuer} until ${until}: serve it with --keys and --cwt ${options.out}.`,
    );
}
