// Ids and addresses of the meters that one command serves.
import { isValidId } from "../../firmware/identity/identity.ts";
import { type Address, formatAddress, type ModemAddress } from "../../hal/node/address.ts";
import type { Station } from "../../hal/ports/link.ts";
import { usageFault } from "./fault.ts";

/** A thousand sockets are within what systems allow a process. */
export const COUNT_MAX = 1000;
/** Each has a helper program of its own. */
const PTY_COUNT_MAX = 50;
/** The standard's 32 unit loads, of receivers that are an eighth of one. */
const BUS_COUNT_MAX = 256;
/** What one channel at 50 kbit/s carries, with a question to each of them a minute. */
const AIR_COUNT_MAX = 200;
const PORT_MAX = 65_535;

/** The id itself for one meter; for more M1, M2, ..., or ID-1, ID-2, ... where an id is given. */
export function idsFrom(id: string | undefined, count: number): string[] {
  if (count === 1) return [id ?? "M1"];
  const ids = numbered(count, (number) => (id === undefined ? `M${number}` : `${id}-${number}`));
  if (!ids.every(isValidId)) throw usageFault(`The id ${id} is too long for a number behind it: shorten it.`);
  return ids;
}

/** The station of an emulated module, by its number; in Digi's range of addresses. */
export function airStation(number: number): Station {
  return `0013a20041${number.toString(16).padStart(6, "0")}`;
}

/** The address itself for one meter; for more the ports from there on, or PATH-1, PATH-2, ... */
export function addressesFrom(first: Address, count: number): Address[] {
  if (first.kind === "xbee") return airAddresses(first, count);
  if (count === 1) return [first];
  const at = formatAddress(first);
  switch (first.kind) {
    case "udp":
    case "tcp":
      if (first.port + count - 1 > PORT_MAX) {
        throw usageFault(`${count} ports from ${at} on go beyond ${PORT_MAX}: begin at a lower one.`);
      }
      return numbered(count, (number) => ({ ...first, port: first.port + number - 1 }));
    case "pty":
      if (count > PTY_COUNT_MAX) {
        throw usageFault(
          `${count} PTYs are more than a machine should hold: give at most --count ${PTY_COUNT_MAX}, or udp:HOST:PORT.`,
        );
      }
      return numbered(count, (number) => ({ ...first, path: `${first.path}-${number}` }));
    case "rs485":
      return busAddresses(first, count);
    case "serial":
      throw usageFault(`One serial line carries one meter and ${at} is one: leave --count out.`);
  }
}

/** All at one line, if this process makes it: on a real one each meter has an adapter of its own. */
function busAddresses(address: ModemAddress, count: number): Address[] {
  if (address.line.kind === "serial") {
    throw usageFault(
      `A meter on a real line has an adapter of its own and ${formatAddress(address)} is one: leave --count out, or give rs485:pty:PATH.`,
    );
  }
  if (count > BUS_COUNT_MAX) {
    throw usageFault(
      `${count} meters are more than an RS-485 line drives: give at most --count ${BUS_COUNT_MAX}.`,
    );
  }
  return numbered(count, () => address);
}

/** By one air, if this process makes it, each meter's station after its number; a real module is one meter's. */
function airAddresses(first: ModemAddress, count: number): Address[] {
  const at = formatAddress(first);
  if (first.station !== undefined) {
    throw usageFault(
      `A served meter is reached by the station of its own modem: leave station= out of ${at}.`,
    );
  }
  if (first.line.kind === "pty") {
    if (count <= AIR_COUNT_MAX)
      return numbered(count, (number) => ({ ...first, station: airStation(number) }));
    throw usageFault(
      `${count} meters are more than one radio channel serves: give at most --count ${AIR_COUNT_MAX}.`,
    );
  }
  if (count === 1) return [first];
  throw usageFault(
    `A real XBee module is one meter's and ${at} is one: leave --count out, or give xbee:pty:PATH.`,
  );
}

function numbered<Item>(count: number, item: (number: number) => Item): Item[] {
  return Array.from({ length: count }, (_, i) => item(i + 1));
}
