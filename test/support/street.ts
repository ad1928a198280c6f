// A street of whole meters and one head-end, on a line that all of them share.
import type { MeterConfiguration } from "../../firmware/configuration.ts";
import { TrustList } from "../../firmware/identity/trust.ts";
import { MeterRuntime } from "../../firmware/runtime.ts";
import { Backhaul, type CarriedDatagram } from "../../hal/emulated/backhaul.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import type { Link, LinkTraits, Station } from "../../hal/ports/link.ts";
import type { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { HeadEnd, type HeadEndParts } from "../../host-tools/head-end/client.ts";
import { mainsOf, parseLoad } from "../../host-tools/loads/index.ts";
import { emulatedMetering } from "../../host-tools/world/metering.ts";
import { configuration } from "./configuration.ts";
import { identity } from "./secured-line.ts";

const START_MS = Date.UTC(2026, 10, 24);
const POLL_INTERVAL_MS = 60_000;

export interface StreetOptions {
  readonly meters: number;
  readonly seed: number;
  readonly traits: Partial<LinkTraits>;
  /** What each meter keeps over a blackout; without it, nothing. */
  readonly storage?: (meter: Station) => MemoryStorage;
  readonly tap?: (carried: CarriedDatagram) => void;
  /** How a meter is set otherwise than the others. */
  readonly configurations?: Readonly<Record<Station, Partial<MeterConfiguration>>>;
  /** Told when a meter has a session with the head-end. */
  readonly onSession?: (meter: Station) => void;
  /** Told what a meter refused. */
  readonly onRefused?: (meter: Station, reason: string) => void;
}

/** Meters M1 to MN, each at a station of its name, and what a head-end for them is made of. */
export function street(options: StreetOptions) {
  const { meters, seed, traits, storage, tap, onSession = () => {}, onRefused = () => {} } = options;
  const clock = new VirtualClock({ utcMs: START_MS });
  const random = new SeededRandom(`street ${seed}`);
  const backhaul = new Backhaul(clock, traits, tap);
  const headEndIdentity = identity("head-end", "H");
  const identities = Array.from({ length: meters }, (_, i) => identity("meter", `M${i + 1}`));
  const trust = new TrustList([headEndIdentity.credential]);
  const load = parseLoad("watts:1000", { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  const runtimes: MeterRuntime[] = [];
  const links: Link[] = [];
  let starts = 0;
  const powerOn = (): void => {
    starts++;
    for (const meter of identities) {
      const { id } = meter.credential;
      const link = backhaul.station(id);
      const board = {
        ...{ clock, meterClock: clock, crypto: opensslEngine, link, storage: storage?.(id) },
        random: random.fork(`${id} ${starts}`),
        meteringIc: emulatedMetering(clock, mainsOf(load, START_MS)),
      };
      const runtime = new MeterRuntime(board, {
        configuration: { ...configuration, ...options.configurations?.[id] },
        ...{ identity: meter, trust, pollIntervalMs: POLL_INTERVAL_MS },
        onEvent: (event) => {
          if (event.kind === "session") onSession(id);
          if (event.kind === "refused") onRefused(id, event.reason);
        },
      });
      links.push(link);
      runtimes.push(runtime);
    }
  };
  /** Of all, or of one that stays off then. */
  const powerOff = (only?: Station): void => {
    const isMeant = (_: unknown, i: number): boolean =>
      only === undefined || identities[i]?.credential.id === only;
    for (const link of links.filter(isMeant)) link.close();
    for (const runtime of runtimes.filter(isMeant)) runtime.stop();
    if (only === undefined) for (const all of [links, runtimes]) all.splice(0);
  };
  powerOn();
  const headEndParts: Omit<HeadEndParts, "link"> = {
    ...{ clock, crypto: opensslEngine, random: random.fork("head-end"), identity: headEndIdentity },
    trust: new TrustList(identities.map(({ credential }) => credential)),
  };
  return {
    ...{ clock, powerOn, powerOff, headEndParts },
    farEnd: backhaul.farEnd,
    stations: identities.map(({ credential }): Station => credential.id),
    newHeadEnd: (link: Link = backhaul.farEnd) => new HeadEnd({ ...headEndParts, link }),
  };
}
