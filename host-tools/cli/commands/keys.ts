// `keys new|show|credential`: key files and the public credential of one.
import type { Command } from "commander";
import { Argument, Option } from "commander";
import {
  AUTHOR_KEYS,
  canSignWith,
  newIdentity,
  ROLES,
  type Role,
  readKeyFile,
  writeCredentialFile,
  writeKeyFile,
} from "../../../firmware/identity/identity.ts";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import { credentialHash } from "../../../firmware/protocol/cose/credential.ts";
import { systemRandom } from "../../../hal/node/system-random.ts";
import { AEAD_LENGTHS, type AeadName, type CryptoEngine } from "../../../hal/ports/crypto.ts";
import { writeContextFile } from "../../oscore-context/context-file.ts";
import { EXPORTS } from "../../oscore-context/export.ts";
import {
  type CommonOptions,
  engineOf,
  idOption,
  numberOption,
  pathOption,
  withCommonOptions,
} from "../common.ts";
import { usageFault } from "../fault.ts";
import { createFile, readSecretFile } from "../home.ts";
import { addRotateCommand } from "../keys-rotate.ts";
import { say, sayJson, table } from "../output.ts";
import { readContext } from "../preset.ts";
import { addSignCommand } from "./keys-sign.ts";

export function addKeysCommand(program: Command): void {
  const keys = program
    .command("keys")
    .description("key files, the public credential of one, a meter's new key");
  addRotateCommand(keys);
  addNewCommand(keys);
  addSignCommand(keys);
  keys
    .command("context")
    .description("make an OSCORE context file, for development and for clients without EDHOC")
    .requiredOption("--out <file>", "the file to make; an existing one is never replaced", pathOption)
    .addOption(
      new Option("--aead <name>", "the AEAD").choices(Object.keys(AEAD_LENGTHS)).default("AES-CCM-16-64-128"),
    )
    .addHelpText("after", "\nExample: meterbench keys context --out meter.context.json")
    .action((options: { out: string; aead: AeadName }) => newContext(options));
  keys
    .command("export <context-file>")
    .description("write an OSCORE context as the other end, another implementation, reads it")
    .addOption(new Option("--for <whom>", "the form").choices(Object.keys(EXPORTS)).makeOptionMandatory())
    .option(
      "--out <file>",
      "the file to make, for its owner alone; without it, the context is printed",
      pathOption,
    )
    .addHelpText(
      "after",
      "\nExample: meterbench keys export meter.context.json --for libcoap --out client.conf",
    )
    .action((file: string, options: { for: string; out?: string }) => exportContext(file, options));
  withCommonOptions(keys.command("show <file>"))
    .description("show who a key file is, without its secret")
    .addHelpText("after", "\nExample: meterbench keys show M1.key.json")
    .action((file: string, options: CommonOptions) => showKey(file, options));
  withCommonOptions(keys.command("credential <file>"))
    .description("print the public credential of a key file, for the other end to enrol")
    .addHelpText("after", "\nExample: meterbench keys credential M1.key.json > M1.credential.json")
    .action(async (file: string, options: CommonOptions) => {
      const { role, credential } = readAnyKey(file, await engineOf(options));
      process.stdout.write(writeCredentialFile(role, credential));
    });
}

function addNewCommand(keys: Command): void {
  withCommonOptions(keys.command("new"))
    .description("make a key file (0600), for the role that it is to have")
    .addArgument(new Argument("<role>").choices(ROLES))
    .requiredOption("--id <id>", "the alias that the credential shows", idOption)
    .option(
      "--suite <n>",
      "the EDHOC cipher suite that the key is for (default: 2)",
      numberOption(0, 6, true),
    )
    .option(
      "--signature",
      "a key that signs, for the suites with EdDSA (0, 1 and 4), in place of one that agrees",
    )
    .requiredOption("--out <file>", "the key file to make; an existing one is never replaced", pathOption)
    .addHelpText(
      "after",
      "\nExample: meterbench keys new meter --id M1 --out M1.key.json\nAn author's key is Ed25519 and signs images: meterbench keys new author --id acme --out acme.key.json",
    )
    .action((role: Role, options: NewKeyOptions) => newKey(role, options));
}

type NewKeyOptions = CommonOptions & {
  readonly id: string;
  readonly out: string;
  readonly suite?: number;
  readonly signature?: boolean;
};

async function newKey(role: Role, options: NewKeyOptions): Promise<void> {
  const { id } = options;
  const kind = role === "author" ? authorKind(options) : partyKind(options);
  const { suite } = kind;
  const identity = newIdentity(await engineOf(options), systemRandom, {
    ...{ role, id, ...kind, development: false },
  });
  if (!createFile(options.out, writeKeyFile(identity), 0o600)) {
    throw usageFault(`The file ${options.out} exists and a key file is never replaced: name a new file.`);
  }
  if (options.json) sayJson({ role, id, suite, file: options.out });
  else say(`Made the key of ${role} ${id} in ${options.out}; keep it to its owner.`);
}

/** What suite the key of an end of a line is for, and whether it signs there. */
function partyKind({ suite = 2, signature = false }: NewKeyOptions) {
  if (signature && !canSignWith(suite)) {
    throw usageFault(
      `There are no keys that sign in suite ${suite}: name suite 0, 1 or 4, or leave --signature out.`,
    );
  }
  return { suite, authentication: signature ? "signature" : "static-dh" } as const;
}

/** An author shakes no hands: there is one kind of its keys. */
function authorKind({ suite = AUTHOR_KEYS.suite }: NewKeyOptions) {
  if (suite !== AUTHOR_KEYS.suite)
    throw usageFault("An author's key signs images, by Ed25519 and nothing else: leave --suite out.");
  return AUTHOR_KEYS;
}

function exportContext(file: string, { for: whom, out }: { for: string; out?: string }): void {
  const text = EXPORTS[whom]?.(readContext(file)) ?? "";
  if (out === undefined) process.stdout.write(text);
  else if (!createFile(out, text, 0o600)) {
    throw usageFault(`The file ${out} exists and a context is never replaced: name a new file.`);
  }
}

const SALT_BYTES = 8;

/** A context for two ends, the empty ID and 01, as the one with 01 sees it: the serving one, by custom. */
function newContext({ out, aead }: { out: string; aead: AeadName }): void {
  const context = {
    masterSecret: systemRandom.bytes(AEAD_LENGTHS[aead].keyBytes),
    masterSalt: systemRandom.bytes(SALT_BYTES),
    senderId: Uint8Array.of(1),
    recipientId: new Uint8Array(0),
    aead,
  };
  if (!createFile(out, writeContextFile(context), 0o600)) {
    throw usageFault(`The file ${out} exists and a context is never replaced: name a new file.`);
  }
  say(
    `Made a context in ${out} for a meter; write the other end's with 'meterbench keys export ${out} --for ...'.`,
  );
}

async function showKey(file: string, options: CommonOptions): Promise<void> {
  const crypto = await engineOf(options);
  const { role, credential, suite } = readAnyKey(file, crypto);
  const facts = {
    role,
    id: credential.id,
    curve: credential.key.kind,
    kid: toHex(credential.kid),
    development: credential.development,
    suite,
    credentialHash: toHex(credentialHash(crypto, credential)),
  };
  if (options.json) sayJson(facts);
  else
    for (const line of table(Object.entries(facts).map(([name, value]) => [name, String(value)]))) say(line);
}

function readAnyKey(file: string, crypto: CryptoEngine) {
  const identity = readKeyFile(crypto, readSecretFile(file, "key file"));
  if ("error" in identity)
    throw usageFault(`The key file ${file} ${identity.error}: make one with 'meterbench keys new'.`);
  return identity;
}
