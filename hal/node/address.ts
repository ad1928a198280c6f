import { BlockList, isIP } from "node:net";
import { Rs485Link } from "../modems/rs485/driver.ts";
import { SlipmuxLink } from "../modems/slipmux/driver.ts";
import { startXbee, type XbeeStart } from "../modems/xbee/driver.ts";
import { isStation } from "../modems/xbee/frames.ts";
import { LINE, type Link, type Station } from "../ports/link.ts";
import type { Uart, UartSettings } from "../ports/uart.ts";
import { LineError } from "./line-error.ts";
import { hostAndPort } from "./network.ts";
import { makePty } from "./pty.ts";
import { openSerialUart } from "./serial-uart.ts";
import { systemClock } from "./system-clock.ts";
import { reachTcpUart, serveTcpUart } from "./tcp-uart.ts";
import { UdpLink } from "./udp-link.ts";

/** Where bytes go over a line. A serial line's settings are those that the address names, no others. */
export type LineAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "serial"; readonly path: string; readonly settings: Partial<UartSettings> }
  | { readonly kind: "pty"; readonly path: string };

/** What makes a link of a line otherwise than slipmux does. */
const MODEMS = ["rs485", "xbee"] as const;

/** A modem at a line; `settings` are all that the address names, a serial line's too. */
export interface ModemAddress {
  readonly kind: (typeof MODEMS)[number];
  readonly line: LineAddress;
  readonly settings: Partial<UartSettings>;
  /** Whom to reach by it, where that is a network's. */
  readonly station?: Station;
}

/** Where a line or link is. */
export type Address =
  | { readonly kind: "udp"; readonly host: string; readonly port: number }
  | LineAddress
  | ModemAddress;

/** The end that waits for the other (makes the PTY, listens at the port), or the one that comes to it. */
export type LineRole = "serve" | "reach";

const LINE_FORMS = "tcp:HOST:PORT, serial:PATH?baud=9600&parity=even&stop=2 or pty:PATH";
const FORMS = `udp:HOST:PORT, ${LINE_FORMS}, or ${MODEMS.map((modem) => `${modem}:`).join(" or ")} before one of these lines`;

/** What a line is opened with for CoAP where its address does not say. */
const SERIAL_SETTINGS: UartSettings = { baud: 9600, dataBits: 8, parity: "none", stopBits: 1 };
const PTY_SETTINGS: UartSettings = { ...SERIAL_SETTINGS, baud: 115_200 };

/** As over UDP: a network is between the ends. */
const TCP_ROUND_TRIP_MS = 500;

/** RFC 1122 3.2.1.3 (g) and RFC 4291 2.5.3. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

type Refusal = { readonly error: string };

/** The address that `text` writes, or one sentence on what is wrong with it and how to write it. */
export function parseAddress(text: string): Address | Refusal {
  const [, kind, rest = ""] = /^([a-z]+[0-9]*):(.*)$/s.exec(text) ?? [];
  if (kind === "udp" || kind === "tcp") return parseNetwork(kind, rest, text);
  if (kind === "serial") return parseSerial(rest, text);
  if (kind === "pty") return rest === "" ? refuse(text, "names no path") : { kind, path: rest };
  const modem = MODEMS.find((name) => name === kind);
  if (modem !== undefined) return parseModem(modem, rest, text);
  return refuse(text, "has none of the known forms");
}

/** The address as it is written; {@link parseAddress} reads the same back. */
export function formatAddress(address: Address): string {
  if (address.kind === "udp" || address.kind === "tcp") {
    return `${address.kind}:${hostAndPort(address.host, address.port)}`;
  }
  if (address.kind === "pty") return `pty:${address.path}`;
  if (address.kind === "serial") return `serial:${address.path}${formatSettings(address.settings)}`;
  const { settings, station } = address;
  return `${address.kind}:${formatAddress(address.line)}${formatSettings(settings, station)}`;
}

function formatSettings({ baud, parity, stopBits: stop }: Partial<UartSettings>, station?: Station): string {
  const named = Object.entries({ baud, parity, stop, station }).filter(([, value]) => value !== undefined);
  const query = named.map(([key, value]) => `${key}=${value}`).join("&");
  return query === "" ? "" : `?${query}`;
}

/** True for an address with a modem at a line, which is not a line itself. */
export function isModem(address: Address): address is ModemAddress {
  return "line" in address;
}

/**
 * True where no other machine can be at the other end by a network: serial lines, PTYs, loopback hosts. A radio reaches
 * whoever hears it, unless it is an emulated one.
 */
export function isLoopback(address: Address): boolean {
  if (isModem(address)) {
    return isLoopback(address.line) && !(address.kind === "xbee" && address.line.kind === "serial");
  }
  if (address.kind === "serial" || address.kind === "pty") return true;
  const family = isIP(address.host);
  if (family === 0) return address.host === "localhost";
  return LOOPBACK.check(address.host, family === 6 ? "ipv6" : "ipv4");
}

/**
 * Opens a byte line. `settings` are what the part at the other end needs; those in the address
 * override them. Rejects with a {@link LineError}.
 */
export function openUart(address: Address, settings: UartSettings, role: LineRole): Promise<Uart> {
  switch (address.kind) {
    case "serial":
      return openSerialUart(address.path, { ...settings, ...address.settings });
    case "pty":
      return role === "serve" ? makePty(address.path, settings) : openSerialUart(address.path, settings);
    case "tcp":
      return (role === "serve" ? serveTcpUart : reachTcpUart)(address.host, address.port, settings);
    default:
      return Promise.reject(
        new LineError(`${formatAddress(address)} carries no byte line; use ${LINE_FORMS}.`),
      );
  }
}

/** Opens the line that a modem is at: 9600 baud 8N1 where the address does not say. */
export function openModemUart({ line, settings }: ModemAddress, role: LineRole): Promise<Uart> {
  return openUart(line, { ...SERIAL_SETTINGS, ...settings }, role);
}

/**
 * Opens a link for CoAP: UDP, or slipmux on a line (serial and TCP count as 9600 baud 8N1 where the
 * address does not say, PTYs as 115200), or what a modem makes of one. `peer` is the station to reach; undefined when serving
 * UDP or by a radio, where it is whoever asks, and where a radio's address names none. `wrap` puts something between a
 * line's bytes and what makes a link of them. Rejects with a {@link LineError}.
 */
export async function openLink(
  address: Address,
  role: LineRole,
  wrap: (uart: Uart) => Uart = (uart) => uart,
): Promise<{ link: Link; peer: Station | undefined }> {
  if (address.kind === "udp") {
    if (role === "reach") return UdpLink.reach(address.host, address.port);
    return { link: await UdpLink.serve(address.host, address.port), peer: undefined };
  }
  if (isModem(address)) {
    const uart = wrap(await openModemUart(address, role));
    if (address.kind === "rs485") return { link: new Rs485Link(uart, systemClock), peer: LINE };
    return { link: await xbeeLink(uart, address), peer: role === "reach" ? address.station : undefined };
  }
  const settings = address.kind === "pty" ? PTY_SETTINGS : SERIAL_SETTINGS;
  const uart = wrap(await openUart(address, settings, role));
  const options = address.kind === "tcp" ? { roundTripMs: TCP_ROUND_TRIP_MS } : {};
  return { link: new SlipmuxLink(uart, options), peer: LINE };
}

async function xbeeLink(uart: Uart, address: ModemAddress): Promise<Link> {
  const start = await new Promise<XbeeStart>((resolve) => startXbee(uart, systemClock, resolve));
  if (typeof start !== "string") return start;
  const fault = start === "silent" ? "does not answer in API mode" : "gives answers that make no sense";
  throw new LineError(
    `The XBee module at ${formatAddress(address.line)} ${fault}: set its AP to 1 or 2, and write its baud rate as xbee:serial:PATH?baud=9600.`,
  );
}

function parseNetwork(kind: "udp" | "tcp", rest: string, text: string): Address | Refusal {
  const [, v6, name, port] = /^(?:\[([^\]]*)\]|([^:[\]/]+)):(\d{1,5})$/.exec(rest) ?? [];
  if (port === undefined) return refuse(text, "is no host and port (an IPv6 address stands in brackets)");
  if (v6 !== undefined && isIP(v6) !== 6) return refuse(text, "has no IPv6 address in its brackets");
  if (Number(port) < 1 || Number(port) > 65535) return refuse(text, "has no port from 1 to 65535");
  return { kind, host: v6 ?? (name as string), port: Number(port) };
}

function parseSerial(rest: string, text: string): Address | Refusal {
  const [path, query] = cut(rest, "?");
  if (path === "") return refuse(text, "names no path");
  const settings = readSettings(query, text);
  return "error" in settings ? settings : { kind: "serial", path, settings };
}

function parseModem(kind: ModemAddress["kind"], rest: string, text: string): Address | Refusal {
  const [before, query] = cut(rest, "?");
  const line = parseAddress(before);
  if ("error" in line || line.kind === "udp" || isModem(line)) {
    return refuse(text, `has no line after "${kind}:"`);
  }
  const pairs = query === "" ? [] : query.split("&");
  const named = kind === "xbee" ? pairs.find((pair) => pair.startsWith("station=")) : undefined;
  const station = named === undefined ? undefined : cut(named, "=")[1].toLowerCase();
  if (station !== undefined && !isStation(station)) {
    return refuse(text, "names a station that is no 16 hexadecimal digits");
  }
  const settings = readSettings(pairs.filter((pair) => pair !== named).join("&"), text);
  if ("error" in settings) return settings;
  return { kind, line, settings, ...(station !== undefined && { station }) };
}

function readSettings(query: string, text: string): Partial<UartSettings> | Refusal {
  let settings: Partial<UartSettings> = {};
  for (const pair of query === "" ? [] : query.split("&")) {
    const [key, value] = cut(pair, "=");
    const setting = readSetting(key, value);
    if (setting === undefined) return refuse(text, `has the setting "${pair}", which no line has`);
    settings = { ...settings, ...setting };
  }
  return settings;
}

function readSetting(key: string, value: string): Partial<UartSettings> | undefined {
  switch (key) {
    case "baud":
      return /^\d{2,7}$/.test(value) && isBaud(Number(value)) ? { baud: Number(value) } : undefined;
    case "parity":
      return value === "none" || value === "even" || value === "odd" ? { parity: value } : undefined;
    case "stop":
      return value === "1" ? { stopBits: 1 } : value === "2" ? { stopBits: 2 } : undefined;
    default:
      return undefined;
  }
}

function isBaud(baud: number): boolean {
  return baud >= 50 && baud <= 4_000_000;
}

/** What stands before the first `mark`, and what after it. */
function cut(text: string, mark: string): [before: string, after: string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function refuse(text: string, fault: string): Refusal {
  return { error: `The address "${text}" ${fault}; write ${FORMS}.` };
}
