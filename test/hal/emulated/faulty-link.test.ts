import { describe, expect, test } from "vitest";
import { FaultyLink, type LinkFaults } from "../../../hal/emulated/faulty-link.ts";
import { linkPair } from "../../../hal/emulated/link-pair.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { LINE } from "../../../hal/ports/link.ts";
import { linkContract } from "../../contracts/link.ts";

function faultyPair(faults: LinkFaults, seed = 1) {
  const clock = new VirtualClock();
  const [near, far] = linkPair(clock, { mtuBytes: 256 });
  const link = new FaultyLink(near, clock, new SeededRandom(seed), faults);
  const received: number[][] = [];
  const listen = () => far.listen({ datagram: (_, bytes) => received.push([...bytes]) });
  return { clock, link, far, received, listen };
}

linkContract("a FaultyLink without faults", () => {
  const { clock, link, far } = faultyPair({});
  return {
    near: link,
    far,
    nearStation: LINE,
    farStation: LINE,
    settle: (done: () => boolean = () => false) => {
      clock.runUntil(done, 1000);
    },
  };
});

/** Sends numbered datagrams from one array, 1 ms apart, and gives what arrived. */
function run(faults: LinkFaults, datagrams: number, seed = 1) {
  const { clock, link, received, listen } = faultyPair(faults, seed);
  listen();
  const sent = new Uint8Array(2);
  for (let i = 0; i < datagrams; i++) {
    sent.set([i >> 8, i & 0xff]);
    expect(link.send(LINE, sent)).toBe("queued");
    clock.advanceBy(1);
  }
  clock.advanceBy(10_000);
  return {
    received,
    numbers: received.map(([high = 0, low = 0]) => high * 256 + low),
    injected: link.injected,
  };
}

describe("FaultyLink", () => {
  test("each fault strikes about as often as it should, and is counted", () => {
    for (const fault of ["lose", "repeat", "reorder", "flip"] as const) {
      const { injected } = run({ [fault]: 0.1 }, 2000);
      expect(injected[fault]).toBeGreaterThan(140);
      expect(injected[fault]).toBeLessThan(260);
      expect(Object.values(injected).filter((count) => count > 0)).toHaveLength(1);
    }
  });

  test("a lost datagram never arrives, a repeated one does twice", () => {
    const lossy = run({ lose: 0.3 }, 1000);
    expect(lossy.numbers).toHaveLength(1000 - lossy.injected.lose);
    expect(new Set(lossy.numbers).size).toBe(lossy.numbers.length);
    const repeating = run({ repeat: 0.3 }, 1000);
    expect(repeating.numbers).toHaveLength(1000 + repeating.injected.repeat);
    expect(new Set(repeating.numbers).size).toBe(1000);
    expect(run({ lose: 1 }, 10).numbers).toEqual([]);
  });

  test("what is over the MTU is refused before chance is asked", () => {
    const { link } = faultyPair({ lose: 1 });
    expect(link.send(LINE, new Uint8Array(257))).toBe("too-long");
    expect(link.injected.lose).toBe(0);
  });

  test("a reordered datagram is passed by those sent within its delay, and arrives", () => {
    const { numbers, injected } = run({ reorder: 0.2, reorderDelayMs: 3.5 }, 1000);
    expect(numbers).not.toEqual([...numbers].sort((a, b) => a - b));
    expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(injected.reorder).toBeGreaterThan(0);
    const displacement = numbers.map((number, at) => Math.abs(number - at));
    expect(Math.max(...displacement)).toBeLessThanOrEqual(4);
  });

  test("a flip turns exactly one bit, and never the sender's own bytes", () => {
    const { clock, link, received, listen } = faultyPair({ flip: 1 });
    listen();
    const sent = new Uint8Array(16);
    for (let i = 0; i < 50; i++) link.send(LINE, sent);
    clock.advanceBy(1);
    expect(sent).toEqual(new Uint8Array(16));
    const ones = (bytes: number[]) =>
      bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
    expect(received.map(ones)).toEqual(new Array(50).fill(1));
    expect(new Set(received.map(String)).size).toBeGreaterThan(25);
    link.send(LINE, new Uint8Array(0));
    clock.advanceBy(1);
    expect(received.at(-1)).toEqual([]);
  });

  test("the same seed strikes the same datagrams, and one fault's probability moves no other's turns", () => {
    const faults = { lose: 0.2, repeat: 0.2, flip: 0.2 };
    expect(run(faults, 300).received).toEqual(run(faults, 300).received);
    expect(run(faults, 300).received).not.toEqual(run(faults, 300, 2).received);
    const lost = (numbers: number[]) =>
      Array.from({ length: 300 }, (_, i) => i).filter((i) => !numbers.includes(i));
    expect(lost(run({ lose: 0.2, repeat: 0.5 }, 300).numbers)).toEqual(lost(run({ lose: 0.2 }, 300).numbers));
  });

  test("no more than a bounded number is held back, and none after the close", () => {
    const { clock, link, received, listen } = faultyPair({ reorder: 1, reorderDelayMs: 100 });
    listen();
    for (let i = 0; i < 70; i++) link.send(LINE, Uint8Array.of(i));
    clock.advanceBy(50);
    expect(received.map(([i]) => i)).toEqual([64, 65, 66, 67, 68, 69]);
    link.close();
    expect(clock.nextDueMs()).toBeUndefined();
    expect(received).toHaveLength(6);
    expect(link.send(LINE, Uint8Array.of(1))).toBe("down");
  });
});
