// The options of a meter on a board: from the command line, and from the file of settings below the board's root.
import { parseArgs, readText, resolve } from "../../hal/node/program.ts";
import { TimeZone } from "../calendar/time-zone.ts";
import { HOUSEHOLD_BILLING } from "../configuration.ts";
import { HEAD_ENDS_MAX, type TrustProfile } from "../identity/trust.ts";
import { PADDING_TENTHS, type PaddingTenths } from "../protocol/readings/interval-block.ts";
import { isPlateText } from "../protocol/readings/nameplate.ts";
import { BoardFault, EXIT } from "./board-fault.ts";
import { jsonFilesIn, readAs } from "./board-files.ts";
import { placesBelow } from "./board-places.ts";
import { type ConfLine, confFault, confLines } from "./meter-conf.ts";

export interface BoardOptions {
  readonly at: string;
  readonly chip: string;
  readonly keys: string;
  readonly cwt: string | undefined;
  readonly trust: readonly string[];
  readonly allow: readonly string[];
  readonly serialNumber: string;
  readonly state: string | undefined;
  readonly zone: string;
  readonly utc: "disciplined" | "free-running";
  readonly padding: PaddingTenths;
  readonly profile: TrustProfile;
  /** The board's root; undefined for a meter that is not in slots. */
  readonly board: string | undefined;
  /** The slot that is on trial by this start; undefined for one that is confirmed. */
  readonly trial: "a" | "b" | undefined;
}

const SINGLE = {
  at: { type: "string" },
  chip: { type: "string" },
  keys: { type: "string" },
  cwt: { type: "string" },
  "serial-number": { type: "string" },
  state: { type: "string" },
  zone: { type: "string" },
  utc: { type: "string" },
  padding: { type: "string" },
  profile: { type: "string" },
} as const;
const MANIFOLD = {
  trust: { type: "string", multiple: true },
  allow: { type: "string", multiple: true },
} as const;
/** Not for the file of settings: they say where it is, and what the loader knows. */
const OF_THE_START = { board: { type: "string" }, trial: { type: "string" } } as const;

/** The loader's own line in the file. */
export const RECOVERY = "recovery";

/** All that a file of settings may say. */
export const CONF_NAMES = { single: [...Object.keys(SINGLE), RECOVERY], manifold: Object.keys(MANIFOLD) };

type Values = ReturnType<typeof parseOptions>;

/** Reads and judges all options; whatever is wrong ends the program. */
export function readOptions(args: readonly string[]): BoardOptions {
  const given = parseOptions(args);
  const board = given.board === undefined ? undefined : resolve(given.board);
  const values = board === undefined ? given : withSettings(board, args);
  const { at, chip, cwt, allow = [] } = values;
  const keys = values.keys;
  const serialNumber = values["serial-number"];
  if (at === undefined || chip === undefined || keys === undefined || serialNumber === undefined) {
    throw usage(
      "A meter needs --at ADDRESS, --chip PART@ADDRESS, --keys FILE and --serial-number TEXT: give all four.",
    );
  }
  return {
    ...{ at, chip, keys, cwt, allow, serialNumber, state: values.state, board, ...judged(values) },
    trust: trustFilesOf(values),
    trial: given.trial === undefined ? undefined : oneOf("trial", ["a", "b"], given.trial),
  };
}

/** What a meter with these settings would end with as it starts, as a sentence. Files and lines are not looked for. */
export function settingsFault(lines: readonly ConfLine[]): string | undefined {
  try {
    judged(parseOptions(argumentsOf(lines)));
    return undefined;
  } catch (error) {
    if (error instanceof BoardFault) return error.message;
    throw error;
  }
}

/** The values that say all by themselves; one that is not right ends the program. */
function judged(values: Values) {
  const { zone = "", utc = "disciplined", profile = "production", "serial-number": number } = values;
  if (number !== undefined && (number === "" || !isPlateText(number))) {
    throw usage("A --serial-number is a text of 1 to 64 bytes: give one that short.");
  }
  const parsed = zone === "" ? undefined : TimeZone.parse(zone);
  if (parsed !== undefined && "error" in parsed)
    throw usage(
      `--zone is written like CET-1CEST,M3.5.0,M10.5.0/3, and this is ${zone}: ${reasonOf(parsed.error)}.`,
    );
  return {
    zone,
    utc: oneOf("utc", ["disciplined", "free-running"], utc),
    padding: paddingOf(values),
    profile: oneOf("profile", ["production", "development"], profile),
  };
}

/** What the file says, and what a board has by itself, where the command line says nothing. */
function withSettings(root: string, args: readonly string[]): Values {
  const places = placesBelow(root);
  const lines = confLines(readAs(places.conf, readText));
  const fault = confFault(lines, CONF_NAMES);
  if (fault !== undefined) throw usage(`The file ${places.conf} ${fault}: put it right there.`);
  const own = [`--keys=${places.key}`, `--state=${places.state}`];
  const values = parseOptions([...own, ...argumentsOf(lines), ...args]);
  return values.trust === undefined ? { ...values, trust: jsonFilesIn(places.headEnds) } : values;
}

function argumentsOf(lines: readonly ConfLine[]): readonly string[] {
  return lines.filter(({ name }) => name !== RECOVERY).map(({ name, value }) => `--${name}=${value}`);
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { ...SINGLE, ...MANIFOLD, ...OF_THE_START } }).values;
  } catch (error) {
    throw usage(`${(error as Error).message.split(". ")[0]}.`);
  }
}

function trustFilesOf({ trust = [], board }: Values): readonly string[] {
  if (trust.length > 0 && trust.length <= HEAD_ENDS_MAX) return trust;
  const where =
    board === undefined
      ? "with --trust"
      : `with trust in meter.conf, or put them into ${placesBelow(board).headEnds}`;
  throw usage(`A meter serves 1 to ${HEAD_ENDS_MAX} head-ends: name their credential files ${where}.`);
}

function paddingOf({ padding }: Values): PaddingTenths {
  const factor = padding ?? String(HOUSEHOLD_BILLING.profilePaddingTenths / 10);
  const found = PADDING_TENTHS.find((tenths) => String(tenths / 10) === factor);
  if (found !== undefined) return found;
  const factors = PADDING_TENTHS.map((tenths) => tenths / 10).join(", ");
  throw usage(`--padding is one of ${factors}, and this is ${factor}.`);
}

function oneOf<const Word extends string>(name: string, words: readonly Word[], word: string): Word {
  const found = words.find((known) => known === word);
  if (found === undefined) throw usage(`--${name} is ${words.join(" or ")}, and this is ${word}.`);
  return found;
}

/** A sentence as the end of another one. */
function reasonOf(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, "");
}

function usage(sentence: string): BoardFault {
  return new BoardFault(EXIT.usage, sentence);
}
