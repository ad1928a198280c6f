// The options of `flash` that make a board of an empty place.
import type { Command } from "commander";
import { writeKeyFile } from "../../firmware/identity/identity.ts";
import { grantedTrust, HEAD_ENDS_MAX, refusalOf, type TrustProfile } from "../../firmware/identity/trust.ts";
import type { Credential } from "../../firmware/protocol/cose/credential.ts";
import { CONF_NAMES, RECOVERY, settingsFault } from "../../firmware/startup/board-options.ts";
import { type ConfLine, confFault, confLines } from "../../firmware/startup/meter-conf.ts";
import { parseAddress } from "../../hal/node/address.ts";
import { parseAttachedPart } from "../../hal/node/attached-part.ts";
import { LineError } from "../../hal/node/line-error.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { signatureRefusal } from "../flash/image-file.ts";
import { loaderParts } from "../flash/loader-parts.ts";
import { type BoardSetUp, boardSetUp } from "../flash/set-up.ts";
import { profileOf } from "../flash/settings-below.ts";
import { type FlashImage, refusedBy } from "../flash/target.ts";
import { pathOption } from "./common.ts";
import { CliFault, EXIT, usageFault } from "./fault.ts";
import { readCredential, readIdentity, readTextFile, readUpTo } from "./home.ts";

export interface SetUpOptions {
  readonly boardKeys?: string;
  readonly trust?: readonly string[];
  readonly author?: readonly string[];
  readonly conf?: string;
  readonly node?: string;
}

export function withSetUp(command: Command): Command {
  return command
    .option("--board-keys <file>", "set-up: the meter's key file, which the board gets a copy of", pathOption)
    .option("--trust <file...>", "set-up: credential files of the head-ends that the meter serves")
    .option("--author <file...>", "set-up: credential files of those whose images the board takes")
    .option("--conf <file>", "set-up: the meter's settings, meter.conf", pathOption)
    .option("--node <file>", "set-up: a Node for the board, where its system has none", pathOption);
}

/** Bytes of the largest Node that is not yet a mistake: those of nodejs.org have a hundred million. */
const NODE_BYTES_MAX = 256 << 20;

/** What the options ask for, undefined where they ask for nothing; all of it is judged before anything is written. */
export async function setUpOf(options: SetUpOptions, image: FlashImage): Promise<BoardSetUp | undefined> {
  const { boardKeys, trust = [], author = [], conf, node } = options;
  const given =
    [boardKeys, conf, node].filter((option) => option !== undefined).length + trust.length + author.length;
  if (given === 0) return undefined;
  if (boardKeys === undefined || conf === undefined || trust.length === 0 || author.length === 0)
    throw usageFault("A new board needs --board-keys, --trust, --author and --conf: give all four.");
  if (trust.length > HEAD_ENDS_MAX)
    throw usageFault(`A meter knows at most ${HEAD_ENDS_MAX} head-ends: name fewer --trust files.`);
  const settings = readConf(conf);
  const profile = profileOf(settings);
  const identity = readIdentity(boardKeys, "meter");
  refuseUnfit(identity.credential, boardKeys, profile);
  const authors = readCredentials(author, "author", profile);
  const refused = signatureRefusal(opensslEngine, authors, image);
  if (refused !== undefined) throw refusedBy("a board with these authors", refused);
  const headEnds = readCredentials(trust, "head-end", profile);
  refuseGrants(conf, settings, headEnds);
  return boardSetUp({
    ...{ meterKey: writeKeyFile(identity), authors, headEnds, conf: settings },
    ...(node !== undefined && { node: readNode(node) }),
    ...(await loaderParts(opensslEngine, image)),
  });
}

/** What a board could not start with is told here, and not at the customer's: all but the board's own lines and files. */
function readConf(path: string): string {
  const text = readTextFile(path, "file of settings");
  const lines = confLines(text);
  const fault = confFault(lines, CONF_NAMES);
  if (fault !== undefined) throw usageFault(`The file of settings ${path} ${fault}: put it right there.`);
  const missing = ["at", "chip", "serial-number"].find((name) => !lines.some((line) => line.name === name));
  if (missing !== undefined)
    throw usageFault(
      `The file of settings ${path} has no line '${missing} ...': a meter needs at, chip and serial-number.`,
    );
  const wrong = settingsFault(lines) ?? lines.map(lineFault).find((sentence) => sentence !== undefined);
  if (wrong !== undefined) throw confFaultOf(path, wrong);
  return text;
}

function confFaultOf(path: string, sentence: string): CliFault {
  return usageFault(
    `No meter starts with the file of settings ${path}, which is to be put right: ${sentence}`,
  );
}

/** What is wrong with a line of the meter's own lines, where it names one. */
function lineFault({ name, value }: ConfLine): string | undefined {
  if (name === "chip") return partFault(value);
  const address = name === "at" || name === RECOVERY ? parseAddress(value) : undefined;
  return address !== undefined && "error" in address ? address.error : undefined;
}

function partFault(text: string): string | undefined {
  try {
    parseAttachedPart(text);
    return undefined;
  } catch (error) {
    if (error instanceof LineError) return error.message;
    throw error;
  }
}

/** Rights are for head-ends that the board knows; where the settings name files of its own, those are not seen here. */
function refuseGrants(path: string, settings: string, headEnds: readonly Credential[]): void {
  const lines = confLines(settings);
  if (lines.some(({ name }) => name === "trust")) return;
  const allowed = lines.filter(({ name }) => name === "allow").map(({ value }) => value);
  const granted = grantedTrust(headEnds, allowed);
  if ("error" in granted) throw confFaultOf(path, granted.error);
}

/** Each in a file of its id on the board: two of one id would be one. */
function readCredentials(
  paths: readonly string[],
  role: "author" | "head-end",
  profile: TrustProfile,
): readonly Credential[] {
  const found = paths.map((path) => {
    const credential = readCredential(path, role);
    refuseUnfit(credential, path, profile);
    return credential;
  });
  const twice = found.find(({ id }, i) => found.some((other, j) => j < i && other.id === id));
  if (twice !== undefined)
    throw usageFault(`Two credential files are of the ${role} ${twice.id}: name one of them.`);
  return found;
}

function refuseUnfit(credential: Credential, path: string, profile: TrustProfile): void {
  const refusal = refusalOf(profile, credential);
  if (refusal !== undefined)
    throw new CliFault(
      EXIT.refused,
      `The credential in ${path} ${refusal}: make a real key with 'meterbench keys new', or write 'profile development' into the settings of a board for trying things out.`,
    );
}

function readNode(path: string): Uint8Array {
  const bytes = readUpTo(path, "Node", NODE_BYTES_MAX);
  if (bytes === undefined)
    throw usageFault(`The file ${path} is longer than any Node: name the program 'node' itself.`);
  return bytes;
}
