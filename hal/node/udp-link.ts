import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIP } from "node:net";
import type { Link, LinkCounters, LinkListener, LinkSend, LinkTraits, Station } from "../ports/link.ts";
import { socketError } from "./line-error.ts";
import { type HostAddress, hostAndPort, resolveHost } from "./network.ts";

const TRAITS: LinkTraits = {
  // RFC 7252 4.6: fits into one IPv6 packet of 1280 bytes.
  mtuBytes: 1152,
  bitsPerSecond: undefined,
  bitsPerByte: 8,
  framingBytes: 0,
  // A cellular modem's, rather than a wired network's.
  roundTripMs: 500,
  halfDuplex: false,
  addressing: "station",
};

/** Datagrams that the kernel has not taken yet: normally none. */
const UNSENT_DATAGRAMS_MAX = 64;
/** Stations that are known by both of their names: more than ask a meter in turns. To read a text takes as long as to seal. */
const STATIONS_MAX = 64;

type UdpStation = HostAddress & { readonly port: number };

/** `127.0.0.1:5683` or `[::1]:5683`. */
const STATION = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:]+)):(?<port>\d{1,5})$/;

/**
 * Datagrams over UDP; a station is an IP address and a port. A host that answers by ICMP that nobody is
 * there is no different from one that does not answer. `rejected`: `too-long` (received, over
 * the MTU), `unsent` (the operating system refused to send: no route, for one).
 */
export class UdpLink implements Link {
  readonly traits = TRAITS;
  /** The station that this end is; its address is a wildcard where it listens at all of the host's. */
  readonly local: Station;
  readonly #socket: Socket;
  readonly #rejected = { "too-long": 0, unsent: 0 };
  #state: "open" | "closed" = "open";
  #listener: LinkListener | undefined;
  #lastSentTo: { readonly text: Station; readonly station: UdpStation | undefined } = {
    text: "",
    station: undefined,
  };
  readonly #stations = new Map<Station, UdpStation>();
  /** By port: the same text for each datagram of a station is one to compare at a glance. */
  readonly #senders = new Map<number, { readonly address: string; readonly text: Station }>();
  #unsentDatagrams = 0;
  #sentDatagrams = 0;
  #receivedDatagrams = 0;

  /** `socket` is bound, and from now on the link's. */
  private constructor(socket: Socket) {
    const { address, port } = socket.address();
    this.local = hostAndPort(address, port);
    this.#socket = socket;
    socket.on("message", (datagram, from) => this.#receive(datagram, from));
    // Errors that arrive by ICMP; datagrams may get lost anyway.
    socket.on("error", () => {});
  }

  /** Listens at a host's own address and a port, 0 for any free one. Rejects with a LineError. */
  static async serve(host: string, port: number): Promise<UdpLink> {
    const { address, family } = await resolveHost(host);
    return new UdpLink(await bind(family, `Cannot listen at udp:${hostAndPort(host, port)}`, address, port));
  }

  /** A link with a free port of its own, and the station to reach by it. Rejects with a LineError. */
  static async reach(host: string, port: number): Promise<{ link: UdpLink; peer: Station }> {
    const { address, family } = await resolveHost(host);
    const socket = await bind(family, `Cannot reach udp:${hostAndPort(host, port)}`);
    return { link: new UdpLink(socket), peer: hostAndPort(address, port) };
  }

  get counters(): LinkCounters {
    return {
      sentDatagrams: this.#sentDatagrams,
      receivedDatagrams: this.#receivedDatagrams,
      rejected: { ...this.#rejected },
    };
  }

  /** A station of another address family, or text that names none, is not there: "down". */
  send(to: Station, datagram: Uint8Array): LinkSend {
    const station = this.#parse(to);
    if (this.#state === "closed" || station?.family !== familyOf(this.local)) return "down";
    if (datagram.length > TRAITS.mtuBytes) return "too-long";
    if (this.#unsentDatagrams >= UNSENT_DATAGRAMS_MAX) return "busy";
    this.#unsentDatagrams++;
    this.#sentDatagrams++;
    this.#socket.send(datagram, station.port, station.address, (error) => {
      this.#unsentDatagrams--;
      if (error) this.#rejected.unsent++;
    });
    return "queued";
  }

  /** Most datagrams go where the one before went. */
  #parse(to: Station): UdpStation | undefined {
    if (to !== this.#lastSentTo.text) this.#lastSentTo = { text: to, station: this.#lookUp(to) };
    return this.#lastSentTo.station;
  }

  #lookUp(to: Station): UdpStation | undefined {
    const known = this.#stations.get(to);
    if (known !== undefined) return known;
    const station = parseStation(to);
    if (station === undefined) return undefined;
    for (const oldest of this.#stations.keys()) {
      if (this.#stations.size < STATIONS_MAX) break;
      this.#stations.delete(oldest);
    }
    this.#stations.set(to, station);
    return station;
  }

  #senderOf({ address, port }: RemoteInfo): Station {
    const known = this.#senders.get(port);
    if (known?.address === address) return known.text;
    if (this.#senders.size >= STATIONS_MAX) this.#senders.clear();
    const text = hostAndPort(address, port);
    this.#senders.set(port, { address, text });
    return text;
  }

  listen(listener: LinkListener): void {
    if (this.#listener !== undefined) throw new Error("a link has one listener");
    this.#listener = listener;
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#socket.close();
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    if (this.#state === "closed") return;
    if (datagram.length > TRAITS.mtuBytes) {
      this.#rejected["too-long"]++;
      return;
    }
    this.#receivedDatagrams++;
    this.#listener?.datagram(
      this.#senderOf(from),
      new Uint8Array(datagram.buffer, datagram.byteOffset, datagram.length),
    );
  }
}

async function bind(family: 4 | 6, what: string, address?: string, port?: number): Promise<Socket> {
  const socket = createSocket({ type: family === 6 ? "udp6" : "udp4", lookup: noLookup });
  try {
    const listening = once(socket, "listening");
    socket.bind(port, address);
    await listening;
    return socket;
  } catch (error) {
    socket.close();
    throw socketError(what, error);
  }
}

/** All addresses here are numeric; the host's own lookup would hand even those back a turn later. */
function noLookup(
  address: string,
  _: unknown,
  done: (error: null, address: string, family: number) => void,
): void {
  done(null, address, isIP(address));
}

function parseStation(station: Station): UdpStation | undefined {
  const { v6, v4, port = "" } = STATION.exec(station)?.groups ?? {};
  const address = v6 ?? v4 ?? "";
  const family = isIP(address);
  if ((family !== 4 && family !== 6) || Number(port) < 1 || Number(port) > 65535) return undefined;
  return { address, family, port: Number(port) };
}

function familyOf(local: Station): 4 | 6 {
  return local.startsWith("[") ? 6 : 4;
}
