import { expect, test } from "vitest";
import { ALL_FAULTS, isWell, readsUnderLoss } from "./reads.ts";

const READS = 300;

test(`at 20 % loss, repetition and reordering each, ${READS} reads end once each, and none with another's body`, () => {
  const figures = readsUnderLoss({ reads: READS, faults: ALL_FAULTS, seed: "test" });
  expect(figures).toMatchObject({ reads: READS, wrong: 0, notOnce: 0 });
  expect(figures.answered).toBeGreaterThanOrEqual(0.99 * READS);
  expect(isWell(figures)).toBe(true);
});

test("on a line that loses everything each read fails once, in time", () => {
  const figures = readsUnderLoss({ reads: 20, faults: { lose: 1 }, seed: "test" });
  expect(figures).toMatchObject({ answered: 0, failed: 20, notOnce: 0 });
  expect(isWell(figures)).toBe(false);
});
