import fc from "fast-check";
import { expect, test } from "vitest";
import { equal, toHex } from "../../firmware/protocol/bytes.ts";
import { decodeTariffPlan, encodeTariffPlan } from "../../firmware/protocol/readings/tariff-table.ts";
import { integerBelow, SeededRandom } from "../../hal/emulated/seeded-random.ts";
import { FUZZ_INPUTS } from "../support/fuzz.ts";
import { HOUSEHOLD, tariffPlans } from "../support/tariffs.ts";

const SEED = 62056;
/** A whole table is decoded for each, and written anew where it is taken. */
const RUNS = FUZZ_INPUTS / 4;

test(`of ${RUNS} changed tariff plans (seed ${SEED}) each is refused, or is what writing its plan gives`, () => {
  const random = new SeededRandom(SEED);
  const samples = [...fc.sample(tariffPlans, { seed: SEED, numRuns: 20 }), { active: HOUSEHOLD }].map(
    encodeTariffPlan,
  );
  let taken = 0;
  for (let run = 0; run < RUNS; run++) {
    const bytes = changed(random, samples[run % samples.length] as Uint8Array);
    const plan = decodeTariffPlan(bytes);
    if (plan === undefined) continue;
    taken++;
    if (!equal(encodeTariffPlan(plan), bytes)) throw new Error(`run ${run}: ${toHex(bytes)}`);
  }
  expect(taken).toBeGreaterThan(RUNS / 100);
  expect(taken).toBeLessThan(RUNS / 2);
});

function changed(random: SeededRandom, sample: Uint8Array): Uint8Array {
  const way = integerBelow(random, 8);
  if (way === 0) return sample.slice(0, integerBelow(random, sample.length));
  if (way === 1) return random.bytes(integerBelow(random, 40));
  const bytes = sample.slice();
  for (let changes = 1 + integerBelow(random, 2); changes > 0; changes--) {
    const at = integerBelow(random, bytes.length);
    const by = way < 5 ? 1 : integerBelow(random, 256);
    bytes[at] = (bytes[at] as number) ^ by;
  }
  return bytes;
}
