// `keys new|show|credential`: key files and the public credential of one.
import type { Command } from "commander";
import { Argument } from "commander";
import {
  newIdentity,
  type Role,
  readKeyFile,
  writeCredentialFile,
  writeKeyFile,
} from "../../../firmware/identity/identity.ts";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import { credentialHash } from "../../../firmware/protocol/cose/credential.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import { type CommonOptions, engineOf, idOption, withCommonOptions } from "../common.ts";
import { usageFault } from "../fault.ts";
import { createFile, readTextFile } from "../home.ts";
import { say, sayJson, table } from "../output.ts";

export function addKeysCommand(program: Command): void {
  const keys = program.command("keys").description("key files, and the public credential of one");
  withCommonOptions(keys.command("new"))
    .description("make a key file (0600) for a meter or a head-end")
    .addArgument(new Argument("<role>").choices(["meter", "head-end"]))
    .requiredOption("--id <id>", "the alias that the credential shows", idOption)
    .requiredOption("--out <file>", "the key file to make; an existing one is never replaced")
    .addHelpText("after", "\nExample: meterbench keys new meter --id M1 --out M1.key.json")
    .action((role: Role, options: CommonOptions & { id: string; out: string }) => newKey(role, options));
  withCommonOptions(keys.command("show <file>"))
    .description("show who a key file is, without its secret")
    .addHelpText("after", "\nExample: meterbench keys show M1.key.json")
    .action((file: string, options: CommonOptions) => showKey(file, options));
  withCommonOptions(keys.command("credential <file>"))
    .description("print the public credential of a key file, for the other end to enrol")
    .addHelpText("after", "\nExample: meterbench keys credential M1.key.json > M1.credential.json")
    .action((file: string, options: CommonOptions) => {
      const { role, credential } = readAnyKey(file, options);
      process.stdout.write(writeCredentialFile(role, credential));
    });
}

function newKey(role: Role, options: CommonOptions & { id: string; out: string }): void {
  const identity = newIdentity(engineOf(options), systemRandom, { role, id: options.id, development: false });
  if (!createFile(options.out, writeKeyFile(identity), 0o600)) {
    throw usageFault(`The file ${options.out} exists and a key file is never replaced: name a new file.`);
  }
  if (options.json) sayJson({ role, id: options.id, file: options.out });
  else say(`Made the key of ${role} ${options.id} in ${options.out}; keep it to its owner.`);
}

function showKey(file: string, options: CommonOptions): void {
  const { role, credential } = readAnyKey(file, options);
  const facts = {
    role,
    id: credential.id,
    curve: credential.key.kind,
    kid: toHex(credential.kid),
    development: credential.development,
    credentialHash: toHex(credentialHash(engineOf(options), credential)),
  };
  if (options.json) sayJson(facts);
  else
    for (const line of table(Object.entries(facts).map(([name, value]) => [name, String(value)]))) say(line);
}

function readAnyKey(file: string, options: CommonOptions) {
  const identity = readKeyFile(engineOf(options), readTextFile(file, "key file"));
  if ("error" in identity)
    throw usageFault(`The key file ${file} ${identity.error}: make one with 'meterbench keys new'.`);
  return identity;
}
