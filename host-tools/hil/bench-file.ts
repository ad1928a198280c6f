// Bench files: what a test bench is made of, as people write it in YAML.
import { isAbsolute, join } from "node:path";
import * as v from "valibot";
import { isCollection, isNode } from "yaml";
import { type Address, formatAddress, isModem, parseAddress } from "../../hal/node/address.ts";
import { LARGEST_WATTS } from "../loads/load.ts";
import { FIELD_FAULT, Name, readYaml, type YamlFile } from "../yaml-file.ts";
import {
  type Bench,
  type BenchDap,
  type BenchHeadEnd,
  type BenchMeter,
  EMULATED_BAUD,
  EMULATED_WATTS,
} from "./bench.ts";
import { PowerSchema } from "./power.ts";
import { NEEDS, type RigKind } from "./rig.ts";

/** More lines than a laboratory has at one computer. */
const METERS_MAX = 64;
const FILE_BYTES_MAX = 1_048_576;
const MULTIPLIER_MAX = 100;
const TIME_SCALE_MAX = 3600;
const SEED_MAX = 0xffffffff;

const ADDRESS_FAULT = "this must be an address such as pty:./meter1 or serial:/dev/ttyUSB0?baud=115200";
const DATE_FAULT = "this must be a date such as 2027-01-31";

const Text = v.pipe(v.string("this must be text"), v.nonEmpty("this must not be empty"));
const within = (least: number, most: number) =>
  v.pipe(
    v.number(`this must be a number from ${least} to ${most}`),
    v.minValue(least, `this must be a number from ${least} to ${most}`),
    v.maxValue(most, `this must be a number from ${least} to ${most}`),
  );
const wholeWithin = (least: number, most: number) =>
  v.pipe(within(least, most), v.integer("this must be a whole number"));

const MeterSchema = v.strictObject(
  {
    id: Name,
    line: v.optional(v.string(ADDRESS_FAULT)),
    power: v.optional(PowerSchema),
    load: v.optional(Text),
    image: v.optional(Text),
    watts: v.optional(within(-LARGEST_WATTS, LARGEST_WATTS)),
    baud: v.optional(wholeWithin(300, 4_000_000)),
    notes: v.optional(Text),
  },
  FIELD_FAULT,
);
const HeadEndSchema = v.strictObject(
  {
    home: v.optional(Text),
    keys: v.optional(Text),
    trust: v.optional(v.array(Text, "this must be a list of credential files")),
    operator: v.optional(Text),
  },
  FIELD_FAULT,
);
const DapSchema = v.strictObject(
  {
    id: v.optional(Name),
    address: v.optional(v.string(ADDRESS_FAULT)),
    meters: v.pipe(v.array(Name, "this must be a list of meters"), v.minLength(1, "name at least one meter")),
  },
  FIELD_FAULT,
);
const QuarantineSchema = v.strictObject(
  {
    test: Text,
    reason: Text,
    issue: v.optional(v.union([v.pipe(v.number(), v.transform(String)), Text], "this must be an issue")),
    until: v.pipe(v.string(DATE_FAULT), v.isoDate(DATE_FAULT), v.check(isDay, DATE_FAULT)),
  },
  FIELD_FAULT,
);
const FileSchema = v.strictObject(
  {
    name: Name,
    kind: v.optional(v.picklist(["emulated", "real", "mixed"], "this must be emulated, real or mixed")),
    seed: v.optional(wholeWithin(0, SEED_MAX), 1),
    timeoutMultiplier: v.optional(within(1, MULTIPLIER_MAX), 1),
    timeScale: v.optional(within(0.01, TIME_SCALE_MAX)),
    offers: v.optional(
      v.array(v.picklist(NEEDS, `each must be one of ${NEEDS.join(", ")}`), "this must be a list of needs"),
      [],
    ),
    headEnd: v.optional(HeadEndSchema),
    meters: v.pipe(
      v.array(MeterSchema, "this must be a list of meters"),
      v.minLength(1, "name at least one meter"),
      v.maxLength(METERS_MAX, `give at most ${METERS_MAX} meters`),
    ),
    dap: v.optional(DapSchema),
    quarantine: v.optional(v.array(QuarantineSchema, "this must be a list of tests"), []),
  },
  FIELD_FAULT,
);
type FileText = v.InferOutput<typeof FileSchema>;

/** What is wrong, and where in the file; its line is found by the path. */
class BenchFault extends Error {
  readonly path: readonly (string | number)[];

  constructor(path: readonly (string | number)[], sentence: string) {
    super(sentence);
    this.path = path;
  }
}

/** The bench in a file's text, or one sentence about what is wrong with it, where, and what to do. Never throws. */
export function readBenchFile(text: string, folder: string): Bench | { readonly error: string } {
  if (text.length > FILE_BYTES_MAX)
    return { error: `It is longer than ${FILE_BYTES_MAX} characters: no bench needs that much.` };
  const file = readYaml(text);
  if ("error" in file) return file;
  try {
    return benchOf(checked(file.value), folder);
  } catch (fault) {
    if (!(fault instanceof BenchFault)) throw fault;
    return { error: `${placeOf(fault.path, file)}: ${fault.message}.` };
  }
}

function checked(file: unknown): FileText {
  if (Array.isArray(file)) throw new BenchFault([], "this must be fields, beginning with name and meters");
  const result = v.safeParse(FileSchema, file, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = (issue.path ?? []).map(({ key }) => key as string | number);
  throw new BenchFault(path, issue.message);
}

/** `At meters[0].line (line 7)`; a field that is missing has the line of what it is missing in. */
function placeOf(path: readonly (string | number)[], { document, lines }: YamlFile): string {
  if (path.length === 0) return "At its top";
  const name = path
    .map((key, i) => (typeof key === "number" ? `[${key}]` : i === 0 ? key : `.${key}`))
    .join("");
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    const at = isNode(node) ? node.range?.[0] : undefined;
    if (at === undefined) continue;
    // A block's own range begins with its first entry.
    return `At ${name} (line ${lines.linePos(at).line}${isCollection(node) && length < path.length ? " on" : ""})`;
  }
  return `At ${name}`;
}

function benchOf(file: FileText, folder: string): Bench {
  const meters = file.meters.map((meter, i) => meterOf(meter, i, folder));
  refuseTwice(
    meters.map(({ id }) => id),
    (i) => ["meters", i, "id"],
  );
  refuseSharedLines(meters);
  const kinds = new Set(meters.map(({ kind }) => kind));
  const kind = kinds.size === 2 ? "mixed" : meters[0]?.kind === "real" ? "real" : "emulated";
  if (file.kind !== undefined && file.kind !== kind)
    throw new BenchFault(["kind"], `its meters make this bench ${kind}: say so, or leave the field out`);
  if (kind !== "emulated" && file.headEnd === undefined)
    throw new BenchFault(
      ["headEnd"],
      "real meters answer a head-end that they know: give headEnd.home or headEnd.keys",
    );
  if (kind === "emulated" && file.headEnd !== undefined)
    throw new BenchFault(["headEnd"], "an emulated bench makes its own: leave the field out");
  if (kind !== "emulated" && file.timeScale !== undefined)
    throw new BenchFault(["timeScale"], "real meters live in real time: leave the field out");
  if (kind === "emulated" && file.offers.length > 0)
    throw new BenchFault(["offers"], "an emulated bench knows what it offers: leave the field out");
  return {
    ...{ name: file.name, kind, folder, seed: file.seed, timeoutMultiplier: file.timeoutMultiplier },
    ...{ timeScale: file.timeScale, offers: file.offers, quarantine: file.quarantine },
    headEnd: file.headEnd && headEndOf(file.headEnd, folder),
    meters,
    dap: file.dap && dapOf(file.dap, kind, meters, folder),
  };
}

function meterOf(meter: FileText["meters"][number], i: number, folder: string): BenchMeter {
  const { id, line, power, load, image, watts, baud, notes } = meter;
  if (line === undefined) {
    for (const field of ["power", "load", "image"] as const)
      if (meter[field] !== undefined)
        throw new BenchFault(
          ["meters", i, field],
          "a meter without a line is emulated, and needs none: leave it out, or give the line",
        );
    return { kind: "emulated", id, watts: watts ?? EMULATED_WATTS, baud: baud ?? EMULATED_BAUD };
  }
  for (const field of ["watts", "baud"] as const)
    if (meter[field] !== undefined)
      throw new BenchFault(
        ["meters", i, field],
        "this is an emulated meter's, which has no line: leave it out (a line has its baud rate in its address)",
      );
  const at = addressAt(["meters", i, "line"], line, folder);
  return {
    ...{ kind: "real", id, line: at, power, load, notes },
    image: image === undefined ? undefined : pathIn(folder, image),
  };
}

function headEndOf(
  { home, keys, trust, operator }: NonNullable<FileText["headEnd"]>,
  folder: string,
): BenchHeadEnd {
  if ((home === undefined) === (keys === undefined))
    throw new BenchFault(["headEnd"], "give either home, a folder such as .meterbench, or keys, a key file");
  if (home !== undefined) {
    if (trust !== undefined || operator !== undefined)
      throw new BenchFault(
        ["headEnd", trust === undefined ? "operator" : "trust"],
        "the home folder has it: leave it out",
      );
    return { home: pathIn(folder, home) };
  }
  if (trust === undefined || trust.length === 0)
    throw new BenchFault(["headEnd"], "name the meters' credential files in trust");
  return {
    keys: pathIn(folder, keys as string),
    trust: trust.map((path) => pathIn(folder, path)),
    operator: operator === undefined ? undefined : pathIn(folder, operator),
  };
}

function dapOf(
  { id, address, meters }: NonNullable<FileText["dap"]>,
  kind: RigKind,
  others: readonly BenchMeter[],
  folder: string,
): BenchDap {
  const ids = new Set(others.map((other) => other.id));
  const i = meters.findIndex((meter) => ids.has(meter));
  if (i >= 0)
    throw new BenchFault(
      ["dap", "meters", i],
      `${meters[i]} has a line of its own above: a meter is at one line`,
    );
  refuseTwice(meters, (place) => ["dap", "meters", place]);
  if (address === undefined) {
    if (kind === "real") throw new BenchFault(["dap"], "give the address of the DAP");
    return { kind: "emulated", meters };
  }
  if (kind === "emulated")
    throw new BenchFault(["dap", "address"], "an emulated bench has an emulated DAP: leave the address out");
  return { kind: "real", id: id ?? "DAP", address: addressAt(["dap", "address"], address, folder), meters };
}

function addressAt(path: readonly (string | number)[], text: string, folder: string): Address {
  const address = parseAddress(text);
  if ("error" in address) throw new BenchFault(path, address.error.replace(/\.$/, ""));
  return inFolder(address, folder);
}

/** A device's path as it holds in any folder. */
function inFolder(address: Address, folder: string): Address {
  if (isModem(address)) return { ...address, line: inFolder(address.line, folder) as typeof address.line };
  return "path" in address ? { ...address, path: pathIn(folder, address.path) } : address;
}

function pathIn(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

function refuseTwice(names: readonly string[], pathOf: (i: number) => (string | number)[]): void {
  const i = names.findIndex((name, place) => names.indexOf(name) < place);
  if (i >= 0) throw new BenchFault(pathOf(i), `${names[i]} is named twice`);
}

/** Only modems have an address for each of those behind them: any other line ends at one meter, or at a DAP. */
function refuseSharedLines(meters: readonly BenchMeter[]): void {
  const seen = new Map<string, string>();
  for (const [i, meter] of meters.entries()) {
    if (meter.kind !== "real" || isModem(meter.line)) continue;
    // The same port with other settings is the same port.
    const at = "path" in meter.line ? meter.line.path : formatAddress(meter.line);
    const other = seen.get(at);
    if (other !== undefined)
      throw new BenchFault(
        ["meters", i, "line"],
        `${other} is at this line already, and it leads to one meter`,
      );
    seen.set(at, meter.id);
  }
}

/** A date that the calendar has. */
function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
