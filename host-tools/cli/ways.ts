// Which way a command's questions go: to a meter's own address, or to a DAP that forwards them to the meter by its id.
import { isValidId } from "../../firmware/identity/identity.ts";
import { type Address, formatAddress, parseAddress } from "../../hal/node/address.ts";
import type { Registry, Way } from "../head-end/registry.ts";
import { absoluteAddress } from "./development.ts";
import { usageFault } from "./fault.ts";

/** Where questions are sent, and whom they are for. */
export interface Route {
  readonly address: Address;
  /** The meter that must be there; without it, any that is enrolled. */
  readonly expect?: string;
  /** The meter's name at whoever is at the address, and forwards to it. */
  readonly host?: string;
}

/** The options that say whom a command asks. */
export interface RouteOptions {
  readonly meter?: string;
  readonly via?: string;
}

/** The way to TARGET, which is an address or `meter:ID`; what is no way is a usage fault. */
export function routeTo(text: string, { meter, via }: RouteOptions, registry: Registry): Route {
  const known = /^meter:(.*)$/.exec(text)?.[1];
  if (known === undefined) {
    // A DAP itself may be asked too.
    if (via !== undefined && via !== text) throw notBehind(text, via, meter);
    return { address: addressOf(text), ...(meter !== undefined && { expect: meter }) };
  }
  if (meter !== undefined && meter !== known)
    throw usageFault(`The target is meter ${known} and --meter says ${meter}: leave one of them out.`);
  if (!isValidId(known)) throw usageFault(`${known} is no meter's id: see 'meterbench enrol list'.`);
  const enrolment = registry.find(known);
  const through = via ?? enrolment?.via;
  if (through !== undefined) return { address: addressOf(through), expect: known, host: known };
  if (enrolment?.address === undefined)
    throw usageFault(
      `The registry knows no way to meter ${known}: read it once by its address, as in 'meterbench read udp:HOST:PORT --meter ${known}', or through a DAP with --via.`,
    );
  return { address: addressOf(enrolment.address), expect: known };
}

/** The way as a registry keeps it. */
export function wayBy({ address }: Route, host: string | undefined): Way {
  const text = formatAddress(absoluteAddress(address));
  return host === undefined ? { address: text } : { via: text };
}

/** How people call what is at the end of a way. */
export function nameOfRoute({ address, host }: Route): string {
  return host === undefined ? formatAddress(address) : `the DAP ${formatAddress(address)}`;
}

function addressOf(text: string): Address {
  const address = parseAddress(text);
  if ("error" in address) throw usageFault(address.error);
  return address;
}

function notBehind(text: string, via: string, meter = "ID") {
  return usageFault(
    `What is asked through a DAP is a meter and ${text} is an address: write meter:${meter} --via ${via}.`,
  );
}
