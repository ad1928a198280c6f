import { describe, expect, test } from "vitest";
import { XBEE_LINE } from "../../../../hal/modems/xbee/registers.ts";
import { serialisationMs } from "../../../../hal/ports/link.ts";
import { linkContract } from "../../../contracts/link.ts";
import { type AirPairOptions, airPair, FAR, NEAR } from "../../../support/xbee.ts";

const FIXTURES: readonly [string, AirPairOptions][] = [
  ["XbeeLink in API mode 1 with 73 bytes", { apiMode: 1 }],
  ["XbeeLink in API mode 2 with 256 bytes", { apiMode: 2, maxPayloadBytes: 256 }],
  [
    "XbeeLink over three hops with loss, as modules come",
    { hops: 3, loss: 0.1, near: { settings: XBEE_LINE } },
  ],
];

for (const [name, options] of FIXTURES) {
  linkContract(name, () => {
    const { clock, near, far } = airPair(options);
    return {
      ...{ near: near.link, far: far.link, nearStation: NEAR, farStation: FAR },
      settle: (done: () => boolean = () => false) => {
        clock.runUntil(done, 120_000);
      },
    };
  });
}

/** A pair, and what has arrived at its far end. */
function pairAndArrivals(options: AirPairOptions = {}) {
  const pair = airPair(options);
  const arrived: Uint8Array[] = [];
  pair.far.link.listen({ datagram: (_, datagram) => arrived.push(datagram) });
  return { ...pair, arrived };
}

const HELLO = Uint8Array.of(0x40, 0x01, 0x7e, 0x7d);

describe("two links by emulated modules", () => {
  test("a link takes its MTU and its name from the module", () => {
    const { near } = airPair({ maxPayloadBytes: 256 });
    expect(near.link.traits.mtuBytes).toBe(256);
    expect(near.link.station).toBe(NEAR);
  });

  test("a datagram takes the time of both UARTs and of the air", () => {
    const { clock, near, arrived } = pairAndArrivals({
      near: { settings: XBEE_LINE },
      far: { settings: XBEE_LINE },
    });
    const beganMs = clock.monotonicMs();
    near.link.send(FAR, new Uint8Array(73));
    clock.runUntil(() => arrived.length > 0, 10_000);
    const tookMs = clock.monotonicMs() - beganMs;
    const uartsMs = serialisationMs(near.link.traits, 73);
    // 24 ms for 144 bytes at 50 kbit/s, and at most 12 ms of waiting before that.
    expect(tookMs).toBeGreaterThan(uartsMs + 20);
    expect(tookMs).toBeLessThan(uartsMs + 40);
  });

  test("with a tenth of all frames lost nothing of 200 datagrams is lost or comes twice", () => {
    const { clock, near, arrived, air } = pairAndArrivals({ loss: 0.1, hops: 2 });
    for (let i = 0; i < 200; i++) {
      near.link.send(FAR, Uint8Array.of(i));
      clock.advanceBy(500);
    }
    expect(arrived.map(([first]) => first)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    // A hop there and a hop back are two frames each without loss; 0.9 * 0.9 of them are acknowledged.
    expect(air.use.frames / 800).toBeGreaterThan(1.15);
    expect(air.use.frames / 800).toBeLessThan(1.32);
  });

  test("the same seed loses the same frames", () => {
    const run = (seed: number) => {
      const { clock, near, arrived } = pairAndArrivals({ seed, loss: 0.4, hops: 3 });
      const times: number[] = [];
      for (let i = 0; i < 20; i++) {
        near.link.send(FAR, HELLO);
        const wanted = i + 1;
        clock.runUntil(() => arrived.length === wanted, 2000);
        times.push(clock.monotonicMs());
      }
      return times;
    };
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  test("a module that nobody hears is told by the reason, and the next datagram goes all the same", () => {
    const { clock, near, arrived } = pairAndArrivals();
    near.link.send("0013a200ffffffff", HELLO);
    near.link.send(FAR, HELLO);
    clock.advanceBy(5000);
    expect(arrived).toEqual([HELLO]);
    expect(near.link.counters.rejected).toMatchObject({ "no-route": 1 });
  });

  test("a sleeping module gets nothing, wakes, and stays awake while it is spoken to", () => {
    const sleep = { everyMs: 30_000, awakeMs: 1000 };
    const { clock, near, arrived } = pairAndArrivals({ far: { sleep } });
    clock.advanceBy(20_000 - clock.monotonicMs());
    near.link.send(FAR, HELLO);
    clock.advanceBy(5000);
    expect(arrived).toEqual([]);
    expect(near.link.counters.rejected).toMatchObject({ "no-network-ack": 1 });
    clock.advanceBy(30_100 - clock.monotonicMs());
    for (let i = 0; i < 5; i++) {
      near.link.send(FAR, HELLO);
      clock.advanceBy(700);
    }
    expect(arrived).toHaveLength(5);
    clock.advanceBy(2000);
    near.link.send(FAR, HELLO);
    clock.advanceBy(2000);
    expect(arrived).toHaveLength(5);
  });

  test("what a sleeping module's own host says goes out when it wakes", () => {
    const { clock, near, far } = airPair({ near: { sleep: { everyMs: 30_000, awakeMs: 1000 } } });
    const arrivedMs: number[] = [];
    far.link.listen({ datagram: () => arrivedMs.push(clock.monotonicMs()) });
    clock.advanceBy(26_000 - clock.monotonicMs());
    near.link.send(FAR, HELLO);
    clock.advanceBy(10_000);
    expect(arrivedMs).toHaveLength(1);
    expect(arrivedMs[0]).toBeGreaterThan(30_000);
    expect(arrivedMs[0]).toBeLessThan(30_100);
  });
});
