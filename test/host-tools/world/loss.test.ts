// A lossy line: the on-demand read within its five seconds.
import { expect, test } from "vitest";
import { FaultyLink } from "../../../hal/emulated/faulty-link.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { HeadEndError } from "../../../host-tools/head-end/client.ts";
import { parseLoad } from "../../../host-tools/loads/index.ts";
import { settle, singleLine } from "../../../host-tools/world/single-line.ts";
import { configuration } from "../../support/configuration.ts";

const READS = 1000;
const ANSWER_WITHIN_MS = 5000;

test("at 10 % loss on a 9600-baud line 99 % of on-demand reads are answered within 5 s", async () => {
  const load = parseLoad("watts:1200", { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  const random = new SeededRandom("loss");
  const world = singleLine({
    seed: 3,
    load,
    startUtcMs: Date.UTC(2026, 10, 24),
    crypto: opensslEngine,
    baud: 9600,
    pollIntervalMs: 60_000,
    configuration,
    wrapLink: (link, sender, clock) => new FaultyLink(link, clock, random.fork(sender), { lose: 0.1 }),
  });
  let inTime = 0;
  for (let read = 0; read < READS; read++) {
    const startMs = world.clock.monotonicMs();
    const outcome = await settle(
      world.clock,
      world.headEnd.readRegisters(world.target).catch((error) => error),
    );
    if (!(outcome instanceof HeadEndError) && world.clock.monotonicMs() - startMs <= ANSWER_WITHIN_MS)
      inTime++;
  }
  world.stop();
  expect(inTime / READS).toBeGreaterThanOrEqual(0.99);
});
