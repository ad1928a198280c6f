import { describe, expect, test } from "vitest";
import { type AirOptions, type Carried, EmulatedAir } from "../../../hal/emulated/air.ts";
import { packetMs } from "../../../hal/emulated/air-time.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";

const RATE = 50_000;
/** A packet of 40 bytes and the acknowledgement of the way wait twice a hop, at most 7 times 80 bits. */
const WAITS_MS = (2 * 7 * 80 * 1000) / RATE;

/** Two stations on an air, and what the second has heard. */
function air(options: Partial<AirOptions> = {}, isAwake = () => true, seed = 1) {
  const clock = new VirtualClock();
  const medium = new EmulatedAir(clock, new SeededRandom(seed), { bitsPerSecond: RATE, ...options });
  const heard: string[] = [];
  medium.join("a", { isAwake: () => true, hear: () => {} });
  medium.join("b", { isAwake, hear: (from, packet) => heard.push(`${from} ${packet.length}`) });
  const send = (to: string): { carried: Carried | undefined; tookMs: number } => {
    const beganMs = clock.monotonicMs();
    let carried: Carried | undefined;
    medium.send("a", to, new Uint8Array(40), (came) => {
      carried = came;
    });
    clock.runUntil(() => carried !== undefined, 60_000);
    return { carried, tookMs: clock.monotonicMs() - beganMs };
  };
  return { clock, medium, heard, send };
}

describe("an emulated air", () => {
  test.each([1, 2, 7])("takes for %d hops the time of its frames, and some waits", (hops) => {
    const { send, heard } = air({ hops: () => hops });
    const { carried, tookMs } = send("b");
    expect(carried).toBe("delivered");
    expect(heard).toEqual(["a 40"]);
    expect(tookMs).toBeGreaterThanOrEqual(packetMs(RATE, 40, hops));
    expect(tookMs).toBeLessThanOrEqual(packetMs(RATE, 40, hops) + hops * WAITS_MS);
  });

  test("has no way to a station that never joined", () => {
    expect(air().send("c")).toEqual({ carried: "no-route", tookMs: 500 });
  });

  test("tries a sleeper twice eleven times, and then says that nothing came back", () => {
    const { send, heard, medium } = air({}, () => false);
    expect(send("b").carried).toBe("no-network-ack");
    expect(heard).toEqual([]);
    expect(medium.use.frames).toBe(22);
  });

  test("hands a packet on once, however often it was sent again, and may not know that it did", () => {
    let undelivered = 0;
    for (let seed = 0; seed < 300; seed++) {
      const { send, heard } = air({ loss: 0.85 }, () => true, seed);
      const { carried } = send("b");
      expect(heard.length).toBeLessThanOrEqual(1);
      if (carried === "delivered") expect(heard).toHaveLength(1);
      else undelivered += heard.length;
    }
    expect(undelivered).toBeGreaterThan(0);
  });

  test("is one channel: ten packets at once take as long as one after the other", () => {
    const { clock, medium, heard } = air();
    const done: Carried[] = [];
    for (let i = 0; i < 10; i++) medium.send("a", "b", new Uint8Array(40), (carried) => done.push(carried));
    clock.runUntil(() => done.length === 10, 60_000);
    expect(heard).toHaveLength(10);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(10 * packetMs(RATE, 40, 1));
    expect(medium.use.busyMs).toBeCloseTo(10 * packetMs(RATE, 40, 1), 6);
  });
});
