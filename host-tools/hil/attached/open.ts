// Opens the real meters of a bench: supplies first, then keys, then lines.
import { type Address, formatAddress, isLoopback, openLink } from "../../../hal/node/address.ts";
import { LineError } from "../../../hal/node/line-error.ts";
import { UdpLink } from "../../../hal/node/udp-link.ts";
import type { Station } from "../../../hal/ports/link.ts";
import type { Uart } from "../../../hal/ports/uart.ts";
import type { LinePlace } from "../../head-end/groups/group-reader.ts";
import type { BenchDap as DapSettings } from "../bench.ts";
import { BenchDap } from "../bench-dap.ts";
import type { LineToMeter } from "../head-ends.ts";
import { InfrastructureFault } from "../infrastructure.ts";
import { FaultyUart } from "../line/faulty-uart.ts";
import { WatchedLine } from "../line/watched-line.ts";
import { MeterFlash } from "../meter-flash.ts";
import { openPowerDriver } from "../power/open.ts";
import type { PowerDriver } from "../power.ts";
import type { RigMeter } from "../rig.ts";
import type { Wiring } from "../wiring.ts";
import type { AttachedParties } from "./keys.ts";
import { AttachedMeter, commandedLoad, DrivenPower, imageOfBench, type RealMeter } from "./meter.ts";

type RealDap = Extract<DapSettings, { kind: "real" }>;

/** How long a port may take to be there where a supply has just been switched on. */
const PORT_WITHIN_MS = 10_000;
const PORT_AGAIN_MS = 200;
/** By which a DAP's routes file names all meters of the bench, where groups are read. */
const REAL_GROUP = "all";

interface OpenLine {
  readonly line: WatchedLine;
  readonly station: Station;
}

/** What the real meters of one bench have in common. */
export interface Attaching {
  readonly wiring: Wiring;
  readonly drivers: ReadonlyMap<string, PowerDriver>;
  readonly parties: AttachedParties;
  readonly untilReady: (meter: RigMeter) => Promise<void>;
  readonly placeOf: (meter: string) => LinePlace;
}

/** The supplies of real meters, all on; each is given up at the rig's end. Rejects with an {@link InfrastructureFault}. */
export async function openSupplies(
  meters: readonly RealMeter[],
  { bench, ends, recorder }: Wiring,
): Promise<ReadonlyMap<string, PowerDriver>> {
  const drivers = new Map<string, PowerDriver>();
  for (const { id, power } of meters) {
    if (power === undefined) continue;
    const driver = await openPowerDriver(power, { meter: id, folder: bench.folder });
    if (driver.console !== undefined) recorder.board(id, () => driver.console?.() ?? "");
    ends.push(() => driver.close());
    await driver.on();
    drivers.set(id, driver);
  }
  return drivers;
}

/** Opens lines, one for all meters that share it. A line that is not there is a fault of its meters' tests alone. */
export class AttachedLines {
  readonly #attaching: Attaching;
  readonly #open = new Map<string, OpenLine | InfrastructureFault>();

  constructor(attaching: Attaching) {
    this.#attaching = attaching;
  }

  async meter(
    settings: RealMeter,
  ): Promise<{ readonly meter: AttachedMeter; readonly at: LineToMeter | InfrastructureFault }> {
    const { wiring, drivers, untilReady } = this.#attaching;
    const { id, power, line: address } = settings;
    const driver = drivers.get(id);
    const open = await this.#line(address, driver === undefined ? 0 : PORT_WITHIN_MS);
    const meter = new AttachedMeter({
      ...{ id, untilReady, load: commandedLoad(settings, wiring) },
      line: "line" in open ? open.line : open,
      ...(settings.image !== undefined && { flash: this.#flash(settings) }),
      ...(driver && power && { power: new DrivenPower(id, driver, power.offSeconds * 1000, wiring) }),
    });
    return { meter, at: "line" in open ? this.#at(id, open) : open };
  }

  /** A real DAP, with its meters. */
  async dap({ id, address, meters }: RealDap): Promise<BenchDap> {
    const { wiring, parties, untilReady } = this.#attaching;
    const open = await this.#line(address, 0);
    if (!("line" in open)) throw open;
    const dap = new BenchDap({
      ...{ wiring, id, north: open.line, station: open.station, groupName: REAL_GROUP },
      ...parties,
    });
    dap.meters = meters.map((meter) => new AttachedMeter({ id: meter, line: open.line, untilReady }));
    return dap;
  }

  #flash(settings: RealMeter): MeterFlash {
    const { wiring, placeOf } = this.#attaching;
    return new MeterFlash({ wiring, place: () => placeOf(settings.id), image: imageOfBench(settings) });
  }

  #at(id: string, { line, station }: OpenLine): LineToMeter {
    const { timeoutMs } = this.#attaching.wiring;
    // Where all meters of a line hear what is asked, the one that is meant answers to its id.
    const host = line.traits.addressing === "uri-host" ? { host: id } : {};
    return { line, target: { station, name: line.name, expect: id, timeoutMs, ...host } };
  }

  async #line(address: Address, withinMs: number): Promise<OpenLine | InfrastructureFault> {
    const name = formatAddress(address);
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const open = await this.#reach(name, address, withinMs);
    this.#open.set(name, open);
    return open;
  }

  async #reach(name: string, address: Address, withinMs: number): Promise<OpenLine | InfrastructureFault> {
    const { wiring, parties } = this.#attaching;
    const { time, recorder, chance, ends } = wiring;
    const { clock } = time;
    if (parties.headEnd.credential.development && !isLoopback(address))
      return new InfrastructureFault(
        `${name} is not on this machine, and a development key is not shown elsewhere: give headEnd.keys a real key file.`,
      );
    let faulty: FaultyUart | undefined;
    const wrap = (uart: Uart): Uart => {
      faulty = new FaultyUart(uart, clock, chance.fork(`faults of ${name}`));
      return faulty;
    };
    const endMs = clock.monotonicMs() + withinMs;
    for (;;) {
      try {
        const { link, peer } = await openLink(address, "reach", wrap);
        const end = link instanceof UdpLink ? link.local : "head-end";
        const station = peer ?? "";
        const line = new WatchedLine({ name, link, station, clock, recorder, end, faulty });
        ends.push(() => line.close());
        return { line, station };
      } catch (error) {
        if (!(error instanceof LineError)) throw error;
        if (clock.monotonicMs() >= endMs) return new InfrastructureFault(error.message);
        await time.pass(PORT_AGAIN_MS);
      }
    }
  }
}
