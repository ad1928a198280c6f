// A meter whose program somebody starts again: it says that it lives from its main loop, and only while that is of use.
import { expect, test } from "vitest";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { MINUTE_MS, meter } from "../support/whole-meter.ts";

function supervised(storage?: MemoryStorage) {
  let signs = 0;
  const supervisor = {
    alive() {
      signs++;
    },
  };
  const world = meter({ supervisor, ...(storage !== undefined && { storage }) });
  const signsIn = (ms: number): number => {
    const before = signs;
    world.clock.advanceBy(ms);
    return signs - before;
  };
  return { ...world, signsIn };
}

test("each poll is a sign of life, and none comes once the meter has ended", () => {
  const { signsIn, stop } = supervised(new MemoryStorage());
  expect(signsIn(MINUTE_MS)).toBe(60);
  stop();
  expect(signsIn(MINUTE_MS)).toBe(0);
});

test("a meter whose storage takes nothing any more is silent, so that it is started again", () => {
  const storage = new MemoryStorage();
  const { signsIn } = supervised(storage);
  signsIn(5000);
  storage.failAt({ operation: 1, fault: "broken", lasting: true });
  signsIn(2 * MINUTE_MS);
  expect(signsIn(MINUTE_MS)).toBe(0);
});

test("a meter that keeps nothing lives without a storage", () => {
  expect(supervised().signsIn(5000)).toBe(5);
});
