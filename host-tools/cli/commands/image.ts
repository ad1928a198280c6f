// `image build|verify|inspect`: what is flashed to a gateway board.
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { type Command, Option } from "commander";
import type { Identity } from "../../../firmware/identity/identity.ts";
import { isTestKey } from "../../../firmware/identity/test-keys.ts";
import type { Credential } from "../../../firmware/protocol/cose/credential.ts";
import { BOARD_LIBCS, type BoardLibc, IMAGE_BYTES_MAX } from "../../../firmware/update/manifest.ts";
import type { Refused } from "../../../firmware/update/refusals.ts";
import { writeDurably } from "../../../hal/node/durable-file.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { buildImage } from "../../image/build.ts";
import { checkImage, inspectImage } from "../../image/check.ts";
import { boardPrograms, nativeModule, packageFacts, packageLicence } from "../../image/programs.ts";
import { SEQUENCE_MAX } from "../../image/sequence.ts";
import { IMAGE_TARGETS, type ImageTarget, TARGETS } from "../../image/targets.ts";
import {
  type CommonOptions,
  homeOf,
  numberOption,
  pathOption,
  withCommonOptions,
  withJson,
} from "../common.ts";
import { CliFault, EXIT, usageFault } from "../fault.ts";
import { readCredential, readIdentity, readUpTo } from "../home.ts";
import { imageDocument, imageLines } from "../image-output.ts";
import { printable, say, sayJson, sayProgress } from "../output.ts";

export function addImageCommand(program: Command): void {
  const image = program.command("image").description("images for gateway boards: made, checked, looked at");
  addBuild(image);
  withCommonOptions(image.command("verify <file>"))
    .description("check that an author has signed an image and that it is whole")
    .option("--author <file...>", "credentials of whoever may have signed it (default: the author of --home)")
    .addHelpText("after", "\nExample: meterbench image verify meter.mbi --author acme.credential.json")
    .action((file: string, options: VerifyOptions) => verify(file, options));
  withJson(image.command("inspect <file>"))
    .description("show what an image says of itself, whoever signed it")
    .addHelpText("after", "\nExample: meterbench image inspect meter.mbi")
    .action((file: string, options: { json?: boolean }) => inspect(file, options));
}

function addBuild(image: Command): void {
  withCommonOptions(image.command("build"))
    .description("make the image of this firmware for a kind of board, signed by its author")
    .addOption(
      new Option("--target <target>", "the kind of board").choices(IMAGE_TARGETS).makeOptionMandatory(),
    )
    .addOption(new Option("--libc <libc>", "the board's C library").choices(BOARD_LIBCS).default("glibc"))
    .option("--out <file>", "the file to make (default: named by version and target)", pathOption)
    .option("--keys <file>", "the author's key file (default: a development author in --home)", pathOption)
    .option(
      "--sequence <n>",
      "what a board goes by to take no older image (default: the version's digits, 1.2.3 is 100200300)",
      numberOption(1, SEQUENCE_MAX, true),
    )
    .addHelpText(
      "after",
      "\nExample: meterbench image build --target linux-arm64 --keys acme.key.json --out meter.mbi",
    )
    .action((options: BuildOptions) => build(options));
}

interface BuildOptions extends CommonOptions {
  readonly target: ImageTarget;
  readonly libc: BoardLibc;
  readonly out?: string;
  readonly keys?: string;
  readonly sequence?: number;
}

async function build(options: BuildOptions): Promise<void> {
  const { target, libc, sequence } = options;
  const facts = packageFacts();
  const out = options.out ?? `meterbench-${facts.version}-${target}${libc === "musl" ? "-musl" : ""}.mbi`;
  refuseOther(out);
  const author = authorOf(options);
  sayProgress(`Building for ${target} with ${libc} ...`);
  const built = buildImage(opensslEngine, author, {
    ...{ target, libc, sequence, facts, licence: packageLicence() },
    programs: await boardPrograms(),
    native: nativeOf(target, libc),
  });
  if ("error" in built) throw usageFault(built.error);
  writeDurably(out, built.bytes);
  const { manifest, manifestDigest, bytes } = built;
  const { id, development } = author.credential;
  const shown = { file: out, author: { id, development }, digest: manifestDigest, manifest };
  if (options.json) return sayJson(imageDocument(opensslEngine, bytes, shown));
  for (const line of imageLines(opensslEngine, bytes, shown)) say(line);
  if (development)
    say(
      "Signed by this folder's development author, for boards that were set up with it: for all others sign with --keys.",
    );
}

function nativeOf(target: ImageTarget, libc: BoardLibc): Uint8Array {
  try {
    return nativeModule(TARGETS[target].native[libc]);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw usageFault(
      `The native module of serialport for ${target} with ${libc} cannot be read (${code}): install the packages anew.`,
    );
  }
}

function authorOf({ keys, home }: BuildOptions): Identity {
  const author = keys === undefined ? homeOf({ home }).author() : readIdentity(keys, "author");
  if (author.credential.key.kind !== "Ed25519")
    throw usageFault(
      `The key file ${keys} has no Ed25519 key, and images are signed by no other: make one with 'meterbench keys new author'.`,
    );
  refuseTestKey(author.credential, keys);
  return author;
}

/** What anybody can sign proves nothing, whoever's name is on it. */
function refuseTestKey({ key, id }: Credential, path = id): void {
  if (isTestKey(key.publicKey))
    throw new CliFault(
      EXIT.refused,
      `The author's key in ${path} is one whose secret is public: make a real one with 'meterbench keys new author'.`,
    );
}

/** A slip of the hand should cost nobody a file that is no image. */
function refuseOther(path: string): void {
  if (!existsSync(path)) return;
  if (statSync(path).isDirectory()) throw usageFault(`${path} is a folder: name a file in it with --out.`);
  const file = openSync(path, "r");
  try {
    const head = new Uint8Array(4);
    readSync(file, head);
    if (new TextDecoder().decode(head) === "MBI1") return;
  } finally {
    closeSync(file);
  }
  throw usageFault(`The file ${path} exists and is no image: name another one with --out.`);
}

interface VerifyOptions extends CommonOptions {
  readonly author?: readonly string[];
}

function verify(file: string, options: VerifyOptions): void {
  const bytes = imageBytes(file);
  const checked = checkImage(opensslEngine, authorsOf(options), bytes);
  if ("refusal" in checked) throw faultOf(file, checked);
  const { id, development } = checked.author;
  const shown = { file, ...checked, author: { id, development } };
  if (options.json) return sayJson({ holds: true, ...imageDocument(opensslEngine, bytes, shown) });
  for (const line of imageLines(opensslEngine, bytes, shown)) say(line);
  say(`${printable(file)} holds: signed by ${id}${development ? ", a development author" : ""}`);
}

function authorsOf({ author, home }: VerifyOptions): readonly Credential[] {
  if (author !== undefined) return author.map(readAuthor);
  const path = homeOf({ home }).authorKeyPath;
  if (existsSync(path)) return [readIdentity(path, "author").credential];
  throw usageFault(
    "Nobody is known who could have signed the image: name an author's credential with --author.",
  );
}

function readAuthor(path: string): Credential {
  const credential = readCredential(path, "author");
  refuseTestKey(credential, path);
  return credential;
}

function inspect(file: string, { json }: { json?: boolean }): void {
  const bytes = imageBytes(file);
  const inspected = inspectImage(opensslEngine, bytes);
  if ("refusal" in inspected) throw faultOf(file, inspected);
  const shown = { file, ...inspected };
  if (json) sayJson(imageDocument(opensslEngine, bytes, shown));
  else for (const line of imageLines(opensslEngine, bytes, shown)) say(line);
}

function imageBytes(file: string): Uint8Array {
  const bytes = readUpTo(file, "image", IMAGE_BYTES_MAX);
  if (bytes === undefined)
    throw usageFault(
      `The file ${file} is longer than any image: name one that 'meterbench image build' has made.`,
    );
  return bytes;
}

function faultOf(file: string, { refusal, why = refusal }: Refused): CliFault {
  const code = refusal === "signature" ? EXIT.refused : EXIT.unexpected;
  return new CliFault(code, `The image ${file} does not hold (${refusal}). ${why}`);
}
