// Routes files that a person names.
import type { Address } from "../../hal/node/address.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import { systemRandom } from "../../hal/node/system-random.ts";
import type { Link, Station } from "../../hal/ports/link.ts";
import { type RoutesFile, readRoutesFile } from "../dap/routes-file.ts";
import { openVirtualDap } from "../dap/virtual.ts";
import { usageFault } from "./fault.ts";
import { readTextFile } from "./home.ts";
import { printable } from "./output.ts";

/** The routes in a file; what is none is a usage fault. */
export function routesIn(path: string): RoutesFile {
  const routes = readRoutesFile(readTextFile(path, "routes file"));
  if ("error" in routes)
    throw usageFault(`The routes file ${path} cannot be used. ${printable(routes.error)}`);
  return routes;
}

/** Every address of a routes file. */
export function addressesIn({ lines, meters }: RoutesFile): Address[] {
  return [...lines.map(({ address }) => address), ...meters.flatMap(({ at }) => ("kind" in at ? at : []))];
}

/** The DAP of a routes file, in this program. Rejects with a LineError. */
export function openRoutes(path: string): Promise<{ link: Link; peer: Station }> {
  return openVirtualDap(routesIn(path), systemClock, systemRandom);
}
