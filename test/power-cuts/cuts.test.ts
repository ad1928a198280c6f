// Power cuts and restored storages between a meter and its head-end; `npm run power-cuts` has 100,000 of them.
import { expect, test } from "vitest";
import { histories } from "./histories.ts";
import { CARELESS_ENDS } from "./mutants.ts";

const CUTS = 150;
/** Enough for each careless end to be found with this seed. */
const MUTANT_CUTS = 60;
const SEED = process.env["METERBENCH_CUTS_SEED"] ?? "1";

test(`in ${CUTS} power cuts no key meets a nonce twice, no replay is served, and each recovery takes two round trips at most (METERBENCH_CUTS_SEED=${SEED})`, () => {
  const { faults, restores, roundTripsMax, replays } = histories({ seed: SEED, cuts: CUTS });
  expect(new Set(Object.values(faults))).toEqual(new Set([0]));
  expect(roundTripsMax).toBe(2);
  expect(restores).toBeGreaterThan(4);
  expect(replays).toBeGreaterThan(CUTS);
});

test.each([...CARELESS_ENDS])("the checker finds %s", (_, careless) => {
  const { faults } = histories({ seed: "1", cuts: MUTANT_CUTS, careless });
  expect(faults[careless.fault]).toBeGreaterThan(0);
});
