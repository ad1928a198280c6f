// The same houses without a DAP: a head-end that asks each of them directly, and a recorder on the line.
import { TrustList } from "../../firmware/identity/trust.ts";
import { MeterRuntime } from "../../firmware/runtime.ts";
import { Backhaul } from "../../hal/emulated/backhaul.ts";
import { SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../hal/emulated/virtual-clock.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { HeadEnd } from "../../host-tools/head-end/client.ts";
import { identity } from "../support/secured-line.ts";
import { HouseMetering } from "./house-metering.ts";
import { type BlindOptions, housesOf, START_MS } from "./houses-behind-a-dap.ts";
import { Secrets } from "./knowing-engine.ts";
import { Recorder } from "./recorder.ts";

const POLL_INTERVAL_MS = 900_000;

export function housesAlone({ seed, meters, spoil = (engine) => engine }: BlindOptions) {
  const houses = housesOf(seed, meters, true);
  const secrets = new Secrets();
  const recorder = new Recorder();
  const clock = new VirtualClock({ utcMs: START_MS });
  const random = new SeededRandom(`alone ${seed}`);
  const crypto = secrets.over(spoil(opensslEngine));
  const line = new Backhaul(clock);
  const own = identity("head-end", "H");
  const identities = houses.map(({ id }) => identity("meter", id));
  const runtimes = houses.map((house, i) => {
    const { id, load, beforeWattHours, configuration } = house;
    const meteringIc = new HouseMetering(clock, load, beforeWattHours);
    const board = { clock, meterClock: clock, crypto, meteringIc, random: random.fork(id) };
    return new MeterRuntime(
      { ...board, link: line.station(id), storage: new MemoryStorage() },
      {
        ...{ configuration, identity: identities[i] as (typeof identities)[number] },
        ...{ trust: new TrustList([own.credential]), pollIntervalMs: POLL_INTERVAL_MS },
      },
    );
  });
  const headEnd = new HeadEnd({
    ...{ clock, crypto, random: random.fork("head-end"), identity: own },
    link: recorder.wrap(line.farEnd, "south", "head-end"),
    trust: new TrustList(identities.map(({ credential }) => credential)),
  });
  const stop = (): void => {
    for (const runtime of runtimes) runtime.stop();
    headEnd.close();
  };
  return { clock, headEnd, houses, secrets, recorder, stop };
}
