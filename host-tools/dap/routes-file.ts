// Routes files: which meters a DAP knows the way to, as people write it.
import * as v from "valibot";
import { isStation } from "../../hal/modems/xbee/frames.ts";
import { type Address, isModem, parseAddress } from "../../hal/node/address.ts";
import { FIELD_FAULT, Name, readYaml } from "../yaml-file.ts";

/** A line to meters that a DAP opens, by the name that the file gives it. */
export interface FileLine {
  readonly name: string;
  readonly address: Exclude<Address, { readonly kind: "udp" }>;
}

/** A meter at a line, or at an address of its own on the network. */
export interface FileMeter {
  readonly alias: string;
  readonly at:
    | { readonly line: string; readonly station: string | undefined }
    | Extract<Address, { readonly kind: "udp" }>;
}

export interface RoutesFile {
  readonly lines: readonly FileLine[];
  readonly meters: readonly FileMeter[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
}

/** Each line is a file or a socket that stays open, and is looked at for each datagram. */
const LINES_MAX = 64;
/** Some blocks of a town. */
const METERS_MAX = 10_000;
const GROUPS_MAX = 1000;
/** A bundle has no more answers. */
const MEMBERS_MAX = 512;
/** More than the largest of such files has. */
const FILE_BYTES_MAX = 4_194_304;

const ADDRESS_FAULT = "this must be an address such as rs485:pty:./bus or udp:127.0.0.1:5683";
const MAP_FAULT = "this must be names, each with what it is";

const AddressText = v.string(ADDRESS_FAULT);
const Place = v.strictObject(
  { link: Name, station: v.optional(v.string("a station is text, in quotes where it is all digits")) },
  FIELD_FAULT,
);
const FileSchema = v.strictObject(
  {
    links: v.optional(v.record(Name, AddressText, MAP_FAULT), {}),
    meters: v.optional(
      v.record(Name, v.union([AddressText, Place], "this must be an address, or have a link"), MAP_FAULT),
      {},
    ),
    groups: v.optional(v.record(Name, v.array(Name, "this must be a list of meters"), MAP_FAULT), {}),
  },
  FIELD_FAULT,
);

type FileText = v.InferOutput<typeof FileSchema>;

class RoutesFault extends Error {}

/** The routes in a file's text, or one sentence about what is wrong with it and where. Never throws. */
export function readRoutesFile(text: string): RoutesFile | { readonly error: string } {
  try {
    return routesOf(parsed(text));
  } catch (fault) {
    if (fault instanceof RoutesFault) return { error: fault.message };
    throw fault;
  }
}

function parsed(text: string): FileText {
  if (text.length > FILE_BYTES_MAX) throw new RoutesFault(`It is longer than ${FILE_BYTES_MAX} characters.`);
  const file = readYaml(text);
  if ("error" in file) throw new RoutesFault(file.error);
  refuseLists(file.value);
  const result = v.safeParse(FileSchema, file.value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => String(key)).join(".") ?? "";
  throw new RoutesFault(`${path === "" ? "At its top" : `At ${path}`}: ${issue.message}.`);
}

/** To the library a list is an object too, with numbers for names. */
function refuseLists(file: unknown): void {
  if (Array.isArray(file)) throw new RoutesFault(`At its top: ${MAP_FAULT}.`);
  for (const [name, value] of Object.entries(file ?? {}))
    if (Array.isArray(value)) throw new RoutesFault(`At ${name}: ${MAP_FAULT}.`);
}

function routesOf({ links, meters, groups }: FileText): RoutesFile {
  const lines = Object.entries(links).map(([name, at]): FileLine => ({ name, address: lineAt(name, at) }));
  const own: FileLine[] = [];
  const found = Object.entries(meters).map(([alias, place]) => meterOf(alias, place, lines, own));
  const all = [...lines, ...own];
  refuseMore("links", all.length, LINES_MAX);
  refuseMore("meters", found.length, METERS_MAX);
  refuseMore("groups", Object.keys(groups).length, GROUPS_MAX);
  refuseSharedPlaces(found);
  for (const [name, members] of Object.entries(groups)) checkGroup(name, members, meters);
  return { lines: all, meters: found, groups };
}

function meterOf(
  alias: string,
  place: FileText["meters"][string],
  lines: readonly FileLine[],
  own: FileLine[],
): FileMeter {
  if (typeof place !== "string") {
    const line = lines.find(({ name }) => name === place.link);
    if (line === undefined)
      throw new RoutesFault(`At meters.${alias}: there is no link ${place.link} under links.`);
    return { alias, at: { line: place.link, station: stationAt(alias, line, place.station) } };
  }
  const address = addressAt(`meters.${alias}`, place);
  if (address.kind === "udp") return { alias, at: address };
  if (isModem(address))
    throw new RoutesFault(`At meters.${alias}: name the line under links, as other meters may share it.`);
  own.push({ name: alias, address });
  return { alias, at: { line: alias, station: undefined } };
}

/** A radio's stations are its modules' addresses, which people read off them in capital letters. */
function stationAt(alias: string, { name, address }: FileLine, text: string | undefined): string | undefined {
  if (address.kind !== "xbee" && text !== undefined)
    throw new RoutesFault(
      `At meters.${alias}: on the link ${name} meters go by their names: leave the station out.`,
    );
  if (address.kind !== "xbee") return undefined;
  const station = text?.toLowerCase() ?? "";
  if (isStation(station)) return station;
  throw new RoutesFault(
    `At meters.${alias}: the link ${name} is a radio: give the station, the 16 hexadecimal digits of the meter's module.`,
  );
}

function lineAt(name: string, text: string): FileLine["address"] {
  const address = addressAt(`links.${name}`, text);
  if (address.kind === "udp")
    throw new RoutesFault(`At links.${name}: a UDP address is one meter's: write it under meters.`);
  if (isModem(address) && address.station !== undefined)
    throw new RoutesFault(`At links.${name}: a station is one meter's: write it under meters.`);
  return address;
}

function addressAt(where: string, text: string): Address {
  const address = parseAddress(text);
  if ("error" in address) throw new RoutesFault(`At ${where}: ${address.error}`);
  return address;
}

function checkGroup(name: string, members: readonly string[], meters: FileText["meters"]): void {
  if (Object.hasOwn(meters, name)) throw new RoutesFault(`At groups.${name}: a meter has the same name.`);
  const unknown = members.find((member) => !Object.hasOwn(meters, member));
  if (unknown !== undefined)
    throw new RoutesFault(`At groups.${name}: there is no meter ${unknown} under meters.`);
  if (members.length === 0) throw new RoutesFault(`At groups.${name}: name at least one meter.`);
  if (members.length > MEMBERS_MAX)
    throw new RoutesFault(
      `At groups.${name}: ${members.length} meters are more than one group has: give at most ${MEMBERS_MAX}.`,
    );
  if (new Set(members).size < members.length)
    throw new RoutesFault(`At groups.${name}: a meter is named twice.`);
}

/** Two meters at one place would get each other's requests, but on a line whose meters know their names. */
function refuseSharedPlaces(meters: readonly FileMeter[]): void {
  const taken = new Map<string, string>();
  for (const { alias, at } of meters) {
    if ("line" in at && at.station === undefined) continue;
    const place = "line" in at ? `${at.line} ${at.station}` : `${at.host} ${at.port}`;
    const other = taken.get(place);
    if (other !== undefined) throw new RoutesFault(`At meters.${alias}: ${other} is at the same place.`);
    taken.set(place, alias);
  }
}

function refuseMore(what: string, count: number, most: number): void {
  if (count > most)
    throw new RoutesFault(`${count} ${what} are more than a DAP serves: give at most ${most}.`);
}
