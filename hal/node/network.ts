import { lookup } from "node:dns/promises";
import { socketError } from "./line-error.ts";

/** An IP address as text, and its family. */
export interface HostAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** The first address of a host, which may be given as an IP address; rejects with a LineError. */
export async function resolveHost(host: string): Promise<HostAddress> {
  try {
    const { address, family } = await lookup(host);
    return { address, family: family === 6 ? 6 : 4 };
  } catch (error) {
    throw socketError(`Cannot find the host ${host}`, error);
  }
}

/** `127.0.0.1:5683` or `[::1]:5683`. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
