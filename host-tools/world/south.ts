// What the meters of a block are on: a link of the DAP, or one for each meter, and the meters' own ends.
import { EmulatedAir } from "../../hal/emulated/air.ts";
import { Backhaul, FAR_END } from "../../hal/emulated/backhaul.ts";
import { type SeededRandom, uniform } from "../../hal/emulated/seeded-random.ts";
import { uartPair } from "../../hal/emulated/uart-pair.ts";
import { BabblingUart } from "../../hal/modems/rs485/babbling.ts";
import { Rs485Link } from "../../hal/modems/rs485/driver.ts";
import { EmulatedBus } from "../../hal/modems/rs485/emulated.ts";
import { SlipmuxLink } from "../../hal/modems/slipmux/driver.ts";
import { startXbee } from "../../hal/modems/xbee/driver.ts";
import { EmulatedXbee } from "../../hal/modems/xbee/emulated.ts";
import { MAX_PAYLOAD_BYTES } from "../../hal/modems/xbee/registers.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import {
  LINE,
  type Link,
  type LinkCounters,
  type LinkListener,
  type LinkSend,
  type LinkTraits,
  type Station,
} from "../../hal/ports/link.ts";
import type { UartSettings } from "../../hal/ports/uart.ts";

/**
 * `rs485`: one line at 9600 baud for all; `slipmux`: such a line for each meter; `xbee`: a radio mesh at 50 kbit/s; `ip`:
 * each meter by itself.
 */
export const SOUTH_KINDS = ["rs485", "slipmux", "xbee", "ip"] as const;
export type SouthKind = (typeof SOUTH_KINDS)[number];

export interface SouthOptions {
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** Of datagrams, or of frames on the air, which are tried again there: 0 to 1, as it is when one is sent. */
  readonly loss: () => number;
  /** Meters whose adapters speak unasked, and how long they pause on average; on RS-485 alone. */
  readonly babbling: ReadonlyMap<string, number>;
}

/** The two sides of it; modules of a radio take some time until they are there. */
export interface South {
  /** The DAP's end of each line; meters are opened before. */
  openDap(opened: (link: Link) => void): void;
  /** A meter's end; whoever had that name before is off the link from then on. */
  openMeter(alias: string, place: number, opened: (link: Link) => void): void;
  stationOf(alias: string, place: number): Station;
  /** Which of the DAP's lines leads there. */
  lineOf(place: number): number;
}

export const RS485_LINE: UartSettings = { baud: 9600, dataBits: 8, parity: "none", stopBits: 1 };
export const AIR_BITS_PER_SECOND = 50_000;
/** As fast as modules go, so that the air is what all wait for. */
const MODULE_LINE: UartSettings = { baud: 115_200, dataBits: 8, parity: "none", stopBits: 1 };
/** A mobile network, or a block's own. */
const IP: Partial<LinkTraits> = { roundTripMs: 100 };

export function south(kind: SouthKind, options: SouthOptions): South {
  return { rs485: busSouth, slipmux: linesSouth, xbee: airSouth, ip: ipSouth }[kind](options);
}

function busSouth({ clock, random, loss, babbling }: SouthOptions): South {
  const bus = new EmulatedBus(clock, RS485_LINE);
  const onBus = (name: string): Link => {
    const pauseMs = babbling.get(name);
    const adapter = bus.node();
    const uart =
      pauseMs === undefined
        ? adapter
        : new BabblingUart(adapter, clock, { random: random.fork(`babbling ${name}`), pauseMs });
    return mishears(new Rs485Link(uart, clock), random.fork(`loss ${name}`), loss);
  };
  return {
    openDap: (opened) => opened(onBus("DAP")),
    openMeter: (alias, _, opened) => opened(onBus(alias)),
    stationOf: () => LINE,
    lineOf: () => 0,
  };
}

function linesSouth({ clock, random, loss }: SouthOptions): South {
  const sockets: Socket[] = [];
  const lossy = (link: Link, name: string): Link => mishears(link, random.fork(`loss ${name}`), loss);
  return {
    openDap(opened) {
      for (const [place, socket] of sockets.entries()) opened(lossy(socket, `line ${place}`));
    },
    openMeter(alias, place, opened) {
      const [meterEnd, dapEnd] = uartPair(clock, RS485_LINE);
      const link = new SlipmuxLink(dapEnd);
      sockets[place] ??= new Socket(link.traits);
      sockets[place].plug(link);
      opened(lossy(new SlipmuxLink(meterEnd), alias));
    },
    stationOf: () => LINE,
    lineOf: (place) => place,
  };
}

/** The DAP's end of a line, at whose other end another meter may take the place of the one before. */
class Socket implements Link {
  readonly traits: LinkTraits;
  #line: Link | undefined;
  #listener: LinkListener | undefined;

  constructor(traits: LinkTraits) {
    this.traits = traits;
  }

  get counters(): LinkCounters {
    return this.#line?.counters ?? { sentDatagrams: 0, receivedDatagrams: 0, rejected: {} };
  }

  plug(line: Link): void {
    this.#line = line;
    line.listen({ datagram: (...arrived) => this.#listener?.datagram(...arrived) });
  }

  send(to: Station, datagram: Uint8Array): LinkSend {
    return this.#line?.send(to, datagram) ?? "down";
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  close(): void {
    this.#line?.close();
  }
}

function airSouth({ clock, random, loss }: SouthOptions): South {
  const air = new EmulatedAir(clock, random.fork("air"), {
    bitsPerSecond: AIR_BITS_PER_SECOND,
    get loss() {
      return loss();
    },
  });
  const open = (station: Station, opened: (link: Link) => void): void => {
    const [host, module] = uartPair(clock, MODULE_LINE);
    new EmulatedXbee(module, clock, air, { station, maxPayloadBytes: MAX_PAYLOAD_BYTES.digiMesh900 });
    startXbee(host, clock, (start) => {
      if (typeof start === "string") throw new Error(`an emulated module is ${start}`);
      opened(start);
    });
  };
  const stationOf = (place: number): Station => `0013a200${(place + 1).toString(16).padStart(8, "0")}`;
  return {
    openDap: (opened) => open(stationOf(-1), opened),
    openMeter: (_, place, opened) => open(stationOf(place), opened),
    stationOf: (_, place) => stationOf(place),
    lineOf: () => 0,
  };
}

function ipSouth({ clock, random, loss }: SouthOptions): South {
  const network = new Backhaul(clock, IP);
  const lossy = (link: Link, name: string): Link => mishears(link, random.fork(`loss ${name}`), loss);
  return {
    openDap: (opened) => opened(lossy(network.farEnd, FAR_END)),
    openMeter: (alias, _, opened) => opened(lossy(network.station(alias), alias)),
    stationOf: (alias) => alias,
    lineOf: () => 0,
  };
}

/** A link of which each datagram takes its time and then comes, or does not, by chance. */
export function mishears(link: Link, random: SeededRandom, loss: () => number): Link {
  return {
    traits: link.traits,
    get counters() {
      return link.counters;
    },
    send: (to, datagram) => link.send(to, datagram),
    listen: (listener) =>
      link.listen({
        datagram(from, datagram) {
          if (uniform(random) >= loss()) listener.datagram(from, datagram);
        },
      }),
    close: () => link.close(),
  };
}
