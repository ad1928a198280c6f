// Which way a command's questions go: to a meter's own address, or to a DAP that forwards them to the meter by its id.
import { resolve } from "node:path";
import { isValidId } from "../../firmware/identity/identity.ts";
import { type Address, formatAddress, parseAddress } from "../../hal/node/address.ts";
import type { Registry, Way } from "../head-end/registry.ts";
import { absoluteAddress } from "./development.ts";
import { usageFault } from "./fault.ts";

/** An address, or a routes file: its DAP is a part of this program. */
export type Place = Address | { readonly kind: "routes"; readonly path: string };

/** Where questions are sent, and whom they are for. */
export interface Route {
  readonly address: Place;
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
  const text = formatPlace(address, "absolute");
  return host === undefined ? { address: text } : { via: text };
}

/** How people call what is at the end of a way. */
export function nameOfRoute({ address, host }: Route): string {
  return host === undefined ? formatPlace(address) : `the DAP ${formatPlace(address)}`;
}

/** A place as it is written; with its path as it holds in any folder, where that is asked for. */
export function formatPlace(place: Place, paths: "as given" | "absolute" = "as given"): string {
  if (place.kind === "routes") return `routes:${paths === "absolute" ? resolve(place.path) : place.path}`;
  return formatAddress(paths === "absolute" ? absoluteAddress(place) : place);
}

function addressOf(text: string): Place {
  const path = /^routes:(.+)$/s.exec(text)?.[1];
  if (path !== undefined) return { kind: "routes", path };
  const address = parseAddress(text);
  if ("error" in address) throw usageFault(address.error);
  return address;
}

function notBehind(text: string, via: string, meter = "ID") {
  return usageFault(
    `What is asked through a DAP is a meter and ${text} is an address: write meter:${meter} --via ${via}.`,
  );
}
