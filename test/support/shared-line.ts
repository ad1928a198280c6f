// Meters and a master on an emulated RS-485 line.
import { TrustList } from "../../firmware/identity/trust.ts";
import { answerWith, CODE, type CoapContent, FORMAT } from "../../firmware/protocol/coap/message.ts";
import { Drive } from "../../firmware/protocol/drive.ts";
import type { Endpoint } from "../../firmware/protocol/endpoint.ts";
import type { Observed } from "../../firmware/protocol/observe/observers.ts";
import { SecureServer } from "../../firmware/protocol/secure-server.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { Rs485Link } from "../../hal/modems/rs485/driver.ts";
import { type BusNodeOptions, EmulatedBus } from "../../hal/modems/rs485/emulated.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import type { Link } from "../../hal/ports/link.ts";
import type { Uart, UartSettings } from "../../hal/ports/uart.ts";
import { identity } from "./secured-line.ts";

export const BUS_9600: UartSettings = { baud: 9600, dataBits: 8, parity: "none", stopBits: 1 };

export interface SharedLineOptions {
  readonly meters: number;
  readonly settings?: UartSettings;
  readonly mtuBytes?: number;
  readonly node?: BusNodeOptions;
  /** Makes the adapter of the meter of this name another one. */
  readonly adapter?: (id: string, uart: Uart, clock: VirtualClock) => Uart;
  /** Stands between a link and whoever uses it: the master's, or a meter's by its name. */
  readonly wrap?: (link: Link, name: string, clock: Clock) => Link;
  /** What a meter answers; the body of the request, unless given. */
  readonly serve?: (id: string, content: CoapContent) => CoapContent;
  readonly observe?: () => Observed;
}

/** Meters M1 to MN, which trust the head-end `H`, and a link for whoever is the master. */
export function sharedLine(options: SharedLineOptions) {
  const { settings = BUS_9600, mtuBytes = 512, wrap = (link) => link } = options;
  const { adapter = (_, uart) => uart, serve = (_, { payload }) => echoed(payload) } = options;
  const clock = new VirtualClock({ utcMs: Date.UTC(2026, 10, 24) });
  const random = new SeededRandom("shared line");
  const bus = new EmulatedBus(clock, settings);
  const headEnd = identity("head-end", "H");
  const meters = Array.from({ length: options.meters }, (_, i) => identity("meter", `M${i + 1}`));
  const links = new Map<string, Link>();
  for (const meter of meters) {
    const { id } = meter.credential;
    const link = new Rs485Link(adapter(id, bus.node(options.node), clock), clock, { mtuBytes });
    links.set(id, link);
    const server = new SecureServer({
      ...{ crypto: opensslEngine, random: random.fork(id), traits: link.traits, identity: meter },
      trust: new TrustList([headEnd.credential]),
      resources: {
        links: [{ path: "r" }],
        serve: ({ content }) => serve(id, content),
        ...(options.observe && { observe: options.observe }),
      },
    });
    new Drive(server, wrap(link, id, clock), clock, () => {});
  }
  const masterLink = new Rs485Link(bus.node(options.node), clock, { mtuBytes });
  return {
    ...{ clock, bus, random, headEnd, meters, links, masterLink },
    master: wrap(masterLink, "master", clock),
    /** Joins whoever asks to the line. */
    drive: <Event>(endpoint: Endpoint<Event>, onEvent: (event: Event) => void) =>
      new Drive(endpoint, wrap(masterLink, "master", clock), clock, onEvent),
  };
}

function echoed(payload: Uint8Array): CoapContent {
  return answerWith(CODE.content, FORMAT.cbor, payload);
}
