// One meter over one year, in virtual time: what it costs to measure, to keep and to be asked.
import { CODE, resourceRequest } from "../../firmware/protocol/coap/message.ts";
import { encodeProfileRequest } from "../../firmware/protocol/readings/profile-reading.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../hal/node/openssl.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { parseLoad } from "../../host-tools/loads/index.ts";
import { singleLine } from "../../host-tools/world/single-line.ts";
import { configuration } from "../support/configuration.ts";
import { restartMilliseconds } from "./restart.ts";

const YEAR_DAYS = 365;
const DAY_SECONDS = 86_400;
/** What the profile keeps, less the day that is being lived. */
const KEPT_DAYS = 189;
const READS = 500;
const POLL_INTERVAL_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 1);

/** A BL0942 under H25, polled each minute, with a storage in memory; processor time of this process. */
export async function meterFigures(): Promise<Record<string, number>> {
  const load = parseLoad("h25", { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  const storage = new MemoryStorage();
  const { clock, runtime, stop } = singleLine({
    ...{ seed: 1, load, startUtcMs: START_MS, crypto: opensslEngine, baud: 115_200, configuration, storage },
    pollIntervalMs: POLL_INTERVAL_MS,
  });
  const yearSeconds = cpuSeconds(() => {
    for (let day = 0; day < YEAR_DAYS; day++) clock.advanceBy(DAY_SECONDS * 1000);
  });
  const { syncs = 0, bytesWritten = 0 } = runtime.state?.counters ?? {};
  const random = new SeededRandom("days");
  const firstDay = START_MS / 1000 + (YEAR_DAYS - KEPT_DAYS) * DAY_SECONDS;
  const readSeconds = cpuSeconds(() => {
    for (let read = 0; read < READS; read++) {
      const startSeconds = firstDay + integerBelow(random, KEPT_DAYS) * DAY_SECONDS;
      const request = { profile: 0, register: "1-0:1.8.0*255", startSeconds, count: 96, step: 1 } as const;
      const content = resourceRequest(CODE.fetch, "p", encodeProfileRequest(request));
      if (runtime.resources.serve({ peer: { id: "H" }, from: "line", content }).code !== CODE.content)
        throw new Error("a day is not kept");
    }
  });
  stop();
  const stateBytes = storage.list().reduce((sum, name) => sum + (storage.read(name)?.length ?? 0), 0);
  return {
    yearCpuSeconds: yearSeconds,
    profileReadCpuMilliseconds: (readSeconds * 1000) / READS,
    stateMegabytes: stateBytes / 1e6,
    syncsPerDay: syncs / YEAR_DAYS,
    recordKilobytesPerDay: bytesWritten / 1000 / YEAR_DAYS,
    restartMilliseconds: await restartMilliseconds(storage),
  };
}

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
