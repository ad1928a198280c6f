import { resolve } from "node:path";
import {
  type Address,
  formatAddress,
  isLoopback,
  isModem,
  type ModemAddress,
} from "../../hal/node/address.ts";
import { CliFault, EXIT } from "./fault.ts";

/** The address as it holds in any folder: what a registry keeps. */
export function absoluteAddress(address: Address): Address {
  return isModem(address) ? { ...address, line: absoluteLine(address.line) } : absoluteLine(address);
}

function absoluteLine<Kind extends Exclude<Address, ModemAddress>>(address: Kind): Kind {
  return "path" in address ? { ...address, path: resolve(address.path) } : address;
}

/** Development identities bind only what stays on this machine. */
export function refuseFarDevelopment(address: Address, subject: string): void {
  if (isLoopback(address)) return;
  throw new CliFault(
    EXIT.refused,
    `${subject} is for this machine only and ${formatAddress(address)} is not: give real keys with --keys (see 'meterbench keys --help').`,
  );
}
