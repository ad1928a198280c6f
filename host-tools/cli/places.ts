// Ids and addresses of the meters that one command serves.
import { isValidId } from "../../firmware/identity/identity.ts";
import { type Address, formatAddress, type ModemAddress } from "../../hal/node/address.ts";
import { usageFault } from "./fault.ts";

/** A thousand sockets are within what systems allow a process. */
export const COUNT_MAX = 1000;
/** Each has a helper program of its own. */
const PTY_COUNT_MAX = 50;
/** The standard's 32 unit loads, of receivers that are an eighth of one. */
const BUS_COUNT_MAX = 256;
const PORT_MAX = 65_535;

/** The id itself for one meter; for more M1, M2, ..., or ID-1, ID-2, ... where an id is given. */
export function idsFrom(id: string | undefined, count: number): string[] {
  if (count === 1) return [id ?? "M1"];
  const ids = numbered(count, (number) => (id === undefined ? `M${number}` : `${id}-${number}`));
  if (!ids.every(isValidId)) throw usageFault(`The id ${id} is too long for a number behind it: shorten it.`);
  return ids;
}

/** The address itself for one meter; for more the ports from there on, or PATH-1, PATH-2, ... */
export function addressesFrom(first: Address, count: number): Address[] {
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

function numbered<Item>(count: number, item: (number: number) => Item): Item[] {
  return Array.from({ length: count }, (_, i) => item(i + 1));
}
