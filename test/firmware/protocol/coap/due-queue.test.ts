import { expect, test } from "vitest";
import { DueQueue, type Timed } from "../../../../firmware/protocol/coap/due-queue.ts";
import { integerBelow, SeededRandom } from "../../../../hal/emulated/seeded-random.ts";

const NEVER = Number.POSITIVE_INFINITY;

test("gives what is earliest, however items are put in, put off and taken out", () => {
  const random = new SeededRandom(7);
  const queue = new DueQueue<Timed>();
  const items: Timed[] = Array.from({ length: 200 }, () => ({ dueMs: NEVER, place: -1 }));
  for (let step = 0; step < 5000; step++) {
    const item = items[integerBelow(random, items.length)] as Timed;
    const turn = integerBelow(random, 4);
    if (turn === 0) queue.remove(item);
    else queue.set(item, turn === 1 && step % 50 === 0 ? NEVER : integerBelow(random, 1000));
    const earliest = Math.min(...items.map(({ dueMs }) => dueMs));
    expect(queue.nextMs).toBe(earliest);
    expect(queue.due(earliest)?.dueMs).toBe(earliest === NEVER ? undefined : earliest);
    expect(queue.due(earliest - 1)).toBeUndefined();
  }
});

test("what is never due is not in it, and to take out what is not in it changes nothing", () => {
  const queue = new DueQueue<Timed>();
  const item = { dueMs: NEVER, place: -1 };
  queue.remove(item);
  queue.set(item, NEVER);
  expect(queue.nextMs).toBe(NEVER);
  queue.set(item, 5);
  queue.set(item, NEVER);
  expect([queue.nextMs, item]).toEqual([NEVER, { dueMs: NEVER, place: -1 }]);
});
