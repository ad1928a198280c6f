// The options of a meter on a board: from the command line, and from the file of settings below the board's root.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { TimeZone } from "../calendar/time-zone.ts";
import { HOUSEHOLD_BILLING } from "../configuration.ts";
import { HEAD_ENDS_MAX, type TrustProfile } from "../identity/trust.ts";
import { PADDING_TENTHS, type PaddingTenths } from "../protocol/readings/interval-block.ts";
import { isPlateText } from "../protocol/readings/nameplate.ts";
import { BoardFault, EXIT } from "./board-fault.ts";
import { jsonFilesIn, readAs, readText } from "./board-files.ts";
import { placesBelow } from "./board-places.ts";
import { confFault, confLines } from "./meter-conf.ts";

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
  const { at, chip, cwt, allow = [], zone = "" } = values;
  const keys = values.keys;
  const serialNumber = values["serial-number"];
  if (at === undefined || chip === undefined || keys === undefined || serialNumber === undefined) {
    throw usage(
      "A meter needs --at ADDRESS, --chip PART@ADDRESS, --keys FILE and --serial-number TEXT: give all four.",
    );
  }
  if (serialNumber === "" || !isPlateText(serialNumber)) {
    throw usage("A --serial-number is a text of 1 to 64 bytes: give one that short.");
  }
  const zoneFault = zone === "" ? undefined : TimeZone.parse(zone);
  if (zoneFault !== undefined && "error" in zoneFault) throw usage(zoneFault.error);
  return {
    ...{ at, chip, keys, cwt, allow, serialNumber, state: values.state, zone, board },
    trust: trustFilesOf(values),
    utc: oneOf("utc", ["disciplined", "free-running"], values.utc ?? "disciplined"),
    padding: paddingOf(values),
    profile: oneOf("profile", ["production", "development"], values.profile ?? "production"),
    trial: given.trial === undefined ? undefined : oneOf("trial", ["a", "b"], given.trial),
  };
}

/** What the file says, and what a board has by itself, where the command line says nothing. */
function withSettings(root: string, args: readonly string[]): Values {
  const places = placesBelow(root);
  const lines = confLines(readAs(places.conf, readText));
  const fault = confFault(lines, CONF_NAMES);
  if (fault !== undefined) throw usage(`The file ${places.conf} ${fault}: put it right there.`);
  const said = lines.filter(({ name }) => name !== RECOVERY).map(({ name, value }) => `--${name}=${value}`);
  const own = [`--keys=${places.key}`, `--state=${places.state}`];
  const values = parseOptions([...own, ...said, ...args]);
  return values.trust === undefined ? { ...values, trust: jsonFilesIn(places.headEnds) } : values;
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

function usage(sentence: string): BoardFault {
  return new BoardFault(EXIT.usage, sentence);
}
