// The meters' ends of their lines, and what is emulated between them and whoever comes.
import { EmulatedAir } from "../../hal/emulated/air.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { uartPair } from "../../hal/emulated/uart-pair.ts";
import { Rs485Link } from "../../hal/modems/rs485/driver.ts";
import { EmulatedBus } from "../../hal/modems/rs485/emulated.ts";
import { startXbee, type XbeeStart } from "../../hal/modems/xbee/driver.ts";
import { EmulatedXbee } from "../../hal/modems/xbee/emulated.ts";
import { XBEE_LINE } from "../../hal/modems/xbee/registers.ts";
import {
  type Address,
  formatAddress,
  type ModemAddress,
  openLink,
  openModemUart,
} from "../../hal/node/address.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import type { Link, Station } from "../../hal/ports/link.ts";
import type { LineWatch } from "./capture.ts";
import { airStation } from "./places.ts";

/** What goes over the air of a block. */
const AIR = { bitsPerSecond: 50_000 };

/** The meters' lines, in order; `ends` gets what closes those that are open, also where one cannot be. */
export async function openServedLinks(
  addresses: readonly Address[],
  watch: LineWatch,
  ends: (() => void)[],
): Promise<Link[]> {
  const open = await opener(addresses, ends);
  const links: Link[] = [];
  for (const address of addresses) {
    const line = await open(address);
    // All at a shared line hear the same: it is captured once.
    const isHeard = address.kind === "rs485" && links.length > 0;
    const link = isHeard ? line : watch.link(line, formatAddress(address), "meter");
    ends.push(() => link.close());
    links.push(link);
  }
  return links;
}

async function opener(
  [first]: readonly Address[],
  ends: (() => void)[],
): Promise<(address: Address) => Promise<Link>> {
  if (first?.kind === "xbee" && first.line.kind === "pty") return openAir(first, ends);
  if (first?.kind === "rs485" && first.line.kind !== "serial") return openBus(first, ends);
  return async (address) => (await openLink(address, "serve")).link;
}

/** An emulated line at its true rate, with an adapter for each meter, and one at the PTY or TCP port for the master. */
async function openBus(first: ModemAddress, ends: (() => void)[]): Promise<() => Promise<Link>> {
  const master = await openModemUart(first, "serve");
  ends.push(() => master.close());
  const bus = new EmulatedBus(systemClock, master.settings);
  const adapter = bus.node();
  master.listen({ bytes: (bytes) => adapter.write(bytes) });
  adapter.listen({ bytes: (bytes) => master.write(bytes) });
  return async () => new Rs485Link(bus.node(), systemClock);
}

/**
 * An emulated air with a module for each meter, and one at the PTY for whoever comes there. Random losses there are
 * none, and what else is random is the same each time.
 */
async function openAir(
  first: ModemAddress,
  ends: (() => void)[],
): Promise<(address: Address) => Promise<Link>> {
  const air = new EmulatedAir(systemClock, new SeededRandom("air"), AIR);
  const settings = { ...XBEE_LINE, ...first.settings };
  const comers = await openModemUart(first, "serve");
  ends.push(() => comers.close());
  new EmulatedXbee(comers, systemClock, air, { station: airStation(0) });
  return (address) => {
    const [host, module] = uartPair(systemClock, settings);
    new EmulatedXbee(module, systemClock, air, { station: (address as ModemAddress).station as Station });
    return new Promise((resolve, reject) => {
      startXbee(host, systemClock, (start: XbeeStart) => {
        if (typeof start === "string") reject(new Error(`an emulated module is ${start}`));
        else resolve(start);
      });
    });
  };
}
