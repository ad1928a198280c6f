// The links that a routes file names, opened, and where on them its meters are.
import { openLink } from "../../hal/node/address.ts";
import { hostAndPort, resolveHost } from "../../hal/node/network.ts";
import { UdpLink } from "../../hal/node/udp-link.ts";
import { LINE, type Link, type Station } from "../../hal/ports/link.ts";
import { Routes } from "./forward/routes.ts";
import type { RoutesFile } from "./routes-file.ts";

/** Links by the number that the routes count them by. */
export interface OpenedLines {
  readonly lines: readonly Link[];
  readonly names: readonly string[];
  readonly routes: Routes;
}

/** What opens links, one after the other, and closes them if one cannot be. */
class Lines {
  readonly lines: Link[] = [];
  readonly names: string[] = [];

  add(name: string, link: Link): number {
    this.names.push(name);
    return this.lines.push(link) - 1;
  }

  close(): void {
    for (const link of this.lines) link.close();
  }
}

/** All meters on the network share a socket, one for each family of addresses. Rejects with a LineError. */
export async function openLines({ lines, meters, groups }: RoutesFile): Promise<OpenedLines> {
  const opened = new Lines();
  try {
    const byName = new Map<string, number>();
    for (const { name, address } of lines)
      byName.set(name, opened.add(name, (await openLink(address, "reach")).link));
    const places = [];
    const network = new Network(opened);
    for (const { alias, at } of meters) {
      const place =
        "line" in at
          ? { line: byName.get(at.line) as number, station: at.station ?? LINE }
          : await network.placeOf(at.host, at.port);
      places.push({ alias, ...place });
    }
    return { lines: opened.lines, names: opened.names, routes: new Routes(places, groups) };
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** Sockets by the family of their addresses, and hosts that were looked up. */
class Network {
  readonly #opened: Lines;
  readonly #hosts = new Map<string, { readonly address: string; readonly family: 4 | 6 }>();
  readonly #sockets = new Map<4 | 6, number>();

  constructor(opened: Lines) {
    this.#opened = opened;
  }

  async placeOf(host: string, port: number): Promise<{ line: number; station: Station }> {
    const known = this.#hosts.get(host) ?? (await resolveHost(host));
    this.#hosts.set(host, known);
    const { address, family } = known;
    const line =
      this.#sockets.get(family) ??
      this.#opened.add(`udp${family}`, (await UdpLink.reach(address, port)).link);
    this.#sockets.set(family, line);
    return { line, station: hostAndPort(address, port) };
  }
}
